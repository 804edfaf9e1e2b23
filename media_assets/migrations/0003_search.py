"""Tables and indexes for searching, and indexes for the filters that people combine."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from media_assets.models import search

CHUNK = 2000


def fill(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write the texts of the uploads that are there, in chunks; the indexes come afterwards."""
    alias = schema_editor.connection.alias
    uploads = apps.get_model("media_assets", "Upload").objects.using(alias)
    words = apps.get_model("media_assets", "UploadText").objects.using(alias)
    handles = apps.get_model("media_assets", "HandleText").objects.using(alias)
    last = 0
    while chunk := list(uploads.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = chunk[-1].pk
        words.bulk_create(
            words.model(upload_id=upload.pk, words=search.words_of(upload)) for upload in chunk
        )
        handles.bulk_create(
            handles.model(upload_id=upload.pk, part=search.handle_part(upload.handle))
            for upload in chunk
            if upload.handle
        )


def index(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    connection = schema_editor.connection
    if connection.vendor == "postgresql":
        connection.check_constraints()  # no index is made while checks of new rows are pending
    search.install(using=connection.alias)
    search.rebuild(using=connection.alias)


def drop_index(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    search.uninstall(using=schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ('media_assets', '0002_cancelling'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='upload',
            name='connector',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='uploads', to='media_assets.connector', verbose_name='connector'),
        ),
        migrations.AlterField(
            model_name='upload',
            name='submitted_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name='submitted by'),
        ),
        migrations.CreateModel(
            name='HandleText',
            fields=[
                ('upload', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='handle_text', serialize=False, to='media_assets.upload')),
                ('part', models.TextField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='UploadText',
            fields=[
                ('upload', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search_text', serialize=False, to='media_assets.upload')),
                ('words', models.TextField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(fields=['campaign', '-created_at', '-id'], name='upload_by_campaign'),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(fields=['connector', 'status', '-created_at', '-id'], name='upload_by_connector_status'),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(fields=['submitted_by', 'status', '-created_at', '-id'], name='upload_by_person_status'),
        ),
        migrations.AddIndex(
            model_name='upload',
            index=models.Index(fields=['changed_at'], name='upload_changed'),
        ),
        migrations.AlterField(
            model_name='batch',
            name='submitted_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL, verbose_name='submitted by'),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(fields=['submitted_by', 'connector'], name='batch_by_person'),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(fields=['submitted_by', '-id'], name='batch_latest_of_person'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(index, drop_index),
    ]
