"""Saved views: the filters of a list that a person comes back to."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _


class ListPage(models.TextChoices):
    """The lists of which views can be saved; the values are the names of their addresses."""

    HISTORY = "history", _("History")
    HANDLES = "handles", _("Handles")
    AUDIT = "audit", _("Audit")


class TooManyViews(ValueError):
    """A person has as many views of a page as there may be (`SavedView.MOST`)."""


class NameTaken(ValueError):
    """A person has another view of the page by this name."""


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def of(self, person: User | AnonymousUser, page: str | None = None) -> SavedViewQuerySet:
        """A person's own, by name."""
        own = self.filter(person=person.pk)
        return (own.filter(page=page) if page else own).order_by("name", "id")

    def keep(self, person: User, *, page: str, name: str, query: str) -> SavedView:
        """Save these filters by this name; the same again is what is there already.

        Raises `NameTaken` and `TooManyViews`.
        """
        with transaction.atomic():
            # who saves two at once waits here, so that neither is one too many
            User.objects.select_for_update(no_key=True).get(pk=person.pk)
            there = self.of(person, page)
            same = there.filter(name=name).first()
            if same is not None and same.query == query:
                return same
            if same is not None:
                raise NameTaken
            if there.count() >= SavedView.MOST:
                raise TooManyViews
            return self.create(person=person, page=page, name=name, query=query)


class SavedView(models.Model):
    """The filters of one list under a name, for one person."""

    MOST = 50  # of one page, for one person

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=8, choices=ListPage)
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField(help_text="the filters as a query string, without a place in the list")

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "page", "name"], name="saved_view_once_per_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def rename(self, name: str) -> None:
        """Give it another name; raises `NameTaken`."""
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=self.person_id)
            namesakes = SavedView.objects.filter(person=self.person_id, page=self.page, name=name)
            if namesakes.exclude(pk=self.pk).exists():
                raise NameTaken
            SavedView.objects.filter(pk=self.pk).update(name=name)
        self.name = name
