"""The table under the peer of the lists: with the indexes that Django makes by itself."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import ForeignKey, Index

from media_assets.models import Upload


def have_only_stock_indexes(connection: BaseDatabaseWrapper) -> None:
    """Of uploads: the key, the unique code, and one for each foreign key."""
    fields: list[Any] = [field for field in Upload._meta.fields if isinstance(field, ForeignKey)]
    with connection.schema_editor() as editor:
        for index in Upload._meta.indexes:
            editor.remove_index(Upload, index)
        for field in fields:
            if not field.db_index:
                editor.add_index(Upload, Index(fields=[field.name], name=f"stock_{field.name}"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
