"""Who may do what: the three roles, and which objects a person sees.

What a person may not see does not exist for them: the querysets here leave it out, so that a
view's `get_object_or_404` answers 404 for both.
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.db import connections
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy

from media_assets.models import Batch, Connector, DayFigures, Upload
from media_assets.models.operations import ConnectorQuerySet
from media_assets.models.querysets import UploadQuerySet

MARKETING = "Marketing"
SUPERVISOR = "Supervisor"
CONNECTOR_ADMIN = "Connector admin"
OWNER = "Owner"  # no group: a superuser

LABELS: dict[str, Promise] = {
    MARKETING: gettext_lazy("Marketing"),
    SUPERVISOR: gettext_lazy("Supervisor"),
    CONNECTOR_ADMIN: gettext_lazy("Connector admin"),
}
MOST_PARTS = 30
# as settings and forms name them
BY_SLUG = {slugify(role): role for role in (*LABELS, OWNER)}
PERMISSIONS = {
    MARKETING: ["submit_upload"],
    SUPERVISOR: [
        "view_every_upload",
        "export_upload",
        "view_operation",
        "view_connector",
        "view_auditevent",
    ],
    CONNECTOR_ADMIN: [
        "view_every_upload",
        "cancel_every_upload",
        "add_operation",
        "change_operation",
        "delete_operation",
        "view_operation",
        "add_connector",
        "change_connector",
        "delete_connector",
        "view_connector",
    ],
}


def install(*, using: str = "default", **_: Any) -> None:
    """Make the three groups and give them their permissions; runs after every `migrate`.

    Nothing while there are no groups yet, as after `migrate contenttypes` on an empty database.
    """
    if Group._meta.db_table not in connections[using].introspection.table_names():
        return
    for name, codenames in PERMISSIONS.items():
        group, _created = Group.objects.using(using).get_or_create(name=name)
        group.permissions.add(
            *Permission.objects.using(using).filter(
                content_type__app_label="media_assets", codename__in=codenames
            )
        )


def label_of(group: Group) -> str:
    """A role's name in the reader's language; any other group's as it is stored."""
    return str(LABELS.get(group.name, group.name))


def may_submit(user: User | AnonymousUser) -> bool:
    return user.has_perm("media_assets.submit_upload")


def may_see_everything(user: User | AnonymousUser) -> bool:
    return user.has_perm("media_assets.view_every_upload")


def may_export(user: User | AnonymousUser) -> bool:
    return user.has_perm("media_assets.export_upload")


def may_read_audit(user: User | AnonymousUser) -> bool:
    return user.has_perm("media_assets.view_auditevent")


def may_administer(user: User | AnonymousUser) -> bool:
    """Whether the admin opens for this person, to look or to change."""
    return user.has_perm("media_assets.view_operation")


def is_admin(user: User | AnonymousUser) -> bool:
    """Whether this person may change more than uploads: owners and connector admins."""
    return user.is_superuser or user.is_staff or user.has_perm("media_assets.change_operation")


def role_of(user: User | AnonymousUser) -> str:
    """The role's name, "Owner" for superusers, "" for nobody's role; the first of several."""
    return next(iter(roles_of(user)), "")


def roles_of(user: User | AnonymousUser) -> list[str]:
    """All that somebody is: one role as a rule, but nothing keeps an owner from giving two."""
    names = set(user.groups.values_list("name", flat=True))
    return [OWNER] * user.is_superuser + [role for role in PERMISSIONS if role in names]


def give(user: User, role: str) -> None:
    """Make this the person's role, in place of any other; their other groups stay."""
    user.is_superuser = role == OWNER
    user.save(update_fields=["is_superuser"])
    user.groups.remove(*user.groups.filter(name__in=PERMISSIONS).exclude(name=role))
    user.groups.add(*Group.objects.filter(name=role))


def connectors_usable_by(user: User | AnonymousUser) -> ConnectorQuerySet:
    """Active connectors on which this person may submit."""
    connectors = Connector.objects.active().select_related("operation")
    if not may_submit(user):
        return connectors.none()
    if user.is_superuser:
        return connectors
    return connectors.filter(groups__in=user.groups.all()).distinct()


def connectors_visible_to(user: User | AnonymousUser) -> ConnectorQuerySet:
    """Connectors, active or not, whose uploads this person may read."""
    connectors = Connector.objects.select_related("operation")
    if may_see_everything(user):
        return connectors
    if not may_submit(user):
        return connectors.none()
    return connectors.filter(groups__in=user.groups.all()).distinct()


def uploads_visible_to(user: User | AnonymousUser) -> UploadQuerySet:
    if may_see_everything(user):
        return Upload.objects.all()
    return Upload.objects.filter(connector__in=connectors_visible_to(user).values("pk"))


def figures_visible_to(user: User | AnonymousUser) -> QuerySet[DayFigures]:
    """The summary of the uploads that this person may see."""
    if may_see_everything(user):
        return DayFigures.objects.all()
    return DayFigures.objects.filter(connector__in=connectors_visible_to(user).values("pk"))


def parts_visible_to(user: User | AnonymousUser, uploads: UploadQuerySet) -> list[UploadQuerySet]:
    """Of these uploads those that this person may see, in parts that have none in common.

    Each part has an index in the order of lists: to walk along several is quick, while one walk
    for all of them passes everybody else's uploads.
    """
    if may_see_everything(user):
        return [uploads]
    visible = list(connectors_visible_to(user).order_by().values_list("pk", flat=True))
    if len(visible) > MOST_PARTS:
        return [uploads.filter(connector__in=visible)]
    return [uploads.filter(connector=connector) for connector in visible]


def batches_visible_to(user: User | AnonymousUser) -> QuerySet[Batch]:
    if may_see_everything(user):
        return Batch.objects.all()
    return Batch.objects.filter(connector__in=connectors_visible_to(user).values("pk"))


def may_change(user: User | AnonymousUser, upload: Upload) -> bool:
    """Whether this person may retry or renew this upload."""
    return connectors_usable_by(user).filter(pk=upload.connector_id).exists()


def may_cancel(user: User | AnonymousUser, target: Upload | Batch) -> bool:
    """Whether this person may cancel it while it waits: their own, or as an admin anybody's."""
    if user.has_perm("media_assets.cancel_every_upload"):
        return True
    if target.submitted_by_id != user.pk:
        return False
    # also on a disabled connector, where it would wait for ever
    return may_submit(user) and connectors_visible_to(user).filter(pk=target.connector_id).exists()


def may_cancel_some(user: User | AnonymousUser) -> bool:
    """Whether there may be uploads that this person may cancel."""
    return may_submit(user) or user.has_perm("media_assets.cancel_every_upload")


def changeable_by(user: User | AnonymousUser) -> Q:
    """`may_change` as a condition on many uploads."""
    return Q(connector__in=connectors_usable_by(user).values("pk"))


def cancellable_by(user: User | AnonymousUser) -> Q:
    """`may_cancel` as a condition on many uploads."""
    if user.has_perm("media_assets.cancel_every_upload"):
        return Q(pk__isnull=False)
    if not may_submit(user):
        return Q(pk__in=[])
    return Q(submitted_by=user.pk, connector__in=connectors_visible_to(user).values("pk"))
