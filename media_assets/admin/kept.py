"""What has a history stays: it can be disabled, and deleted only while nothing hangs on it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from media_assets.admin.audit import record, recording_last
from media_assets.admin.lists import ListedAdmin
from media_assets.models import Batch, Connector, Operation, Upload


def has_history(target: Model) -> bool:
    """Whether uploads or batches refer to this operation, connector or person."""
    if isinstance(target, Operation):
        uploads = Upload.objects.filter(operation=target)
        batches = Batch.objects.filter(connector__operation=target)
    elif isinstance(target, Connector):
        uploads = Upload.objects.filter(connector=target)
        batches = Batch.objects.filter(connector=target)
    elif isinstance(target, User):
        uploads = Upload.objects.filter(submitted_by=target)
        batches = Batch.objects.filter(submitted_by=target)
    else:
        return False
    return uploads.exists() or batches.exists()


class KeptAdmin(ListedAdmin):
    """Shared by operations, connectors and people; `kind` begins the names of their events."""

    kind: ClassVar[str]

    def why_kept(self, target: Model) -> str:
        """A sentence why it cannot be deleted; "" when it can."""
        if not has_history(target):
            return ""
        sentence = _("%(name)s has a history and cannot be deleted. Disable it instead.")
        return sentence % {"name": target}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        if not super().has_delete_permission(request, obj):
            return False
        return obj is None or not self.why_kept(obj)

    def get_deleted_objects(
        self, objs: Sequence[Model] | QuerySet[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        sentences = [sentence for each in objs if (sentence := self.why_kept(each))]
        if sentences:
            return [], {}, set(), sentences
        return super().get_deleted_objects(objs, request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        with recording_last(request):
            return super().changeform_view(request, *args, **kwargs)

    def record_deleted(self, request: HttpRequest, target: Any) -> None:
        record(request, f"{self.kind}.deleted", on=target)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with recording_last(request):
            self.record_deleted(request, obj)
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with recording_last(request):
            for each in queryset:
                self.record_deleted(request, each)
            super().delete_queryset(request, queryset)
