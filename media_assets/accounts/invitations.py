"""Links by which people come in: to begin with, and when they have lost their password."""

import logging
from dataclasses import dataclass
from datetime import datetime
from smtplib import SMTPException
from urllib.parse import urljoin

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from media_assets import roles
from media_assets.models import AuditEvent, Invitation
from media_assets.visitors import address_of, person_of

logger = logging.getLogger(__name__)


@dataclass
class Link:
    """What an owner hands over; `mailed` is told once the transaction has ended."""

    url: str
    expires_at: datetime
    email: str
    mailed: bool = False


def may_have_link(person: User) -> bool:
    """Not who is disabled; but somebody who has never been in yet is not active either."""
    return person.is_active or is_new(person)


def is_new(person: User) -> bool:
    """Whether this person has been invited and has not come in yet."""
    return not person.is_active and person.last_login is None and not person.has_usable_password()


def new_person(email: str, *, role: str) -> User:
    """Somebody of whom an address is known; not saved yet, and without a way in."""
    person = User(username=email, email=email, is_active=False)
    person.is_superuser = role == roles.OWNER
    person.set_unusable_password()
    return person


def invite(request: HttpRequest, person: User) -> Link:
    """Make a link for a person, end the earlier ones, and mail it where mail is set up."""
    origin = request.build_absolute_uri("/")
    return make_link(person, by=person_of(request), origin=origin, address=address_of(request))


def make_link(
    person: User, *, by: User | AnonymousUser, origin: str, address: str | None = None
) -> Link:
    """As `invite`, for an acting user or a command; `origin` is where the product is reached."""
    with transaction.atomic():
        maker = by if isinstance(by, User) else None
        invitation, token = Invitation.objects.make(person, by=maker)
        url = urljoin(origin, reverse("open_invitation", args=[token]))
        link = Link(url, expires_at=invitation.expires_at, email=person.email)
        expires_at = invitation.expires_at.isoformat(timespec="seconds")
        AuditEvent.objects.record(
            "person.invited", by=by, on=person, address=address, expires_at=expires_at
        )
        if settings.MAIL_IS_SET_UP and person.email:
            transaction.on_commit(lambda: _mail(link))
    return link


def _mail(link: Link) -> None:
    text = render_to_string("account/invitation_mail.txt", {"link": link})
    subject = _("Your access to the media handles")
    try:
        link.mailed = bool(send_mail(subject, text, None, [link.email]))
    except (OSError, SMTPException) as error:
        # the owner is told, and still has the link to hand over
        logger.error("an invitation was not mailed: %s", type(error).__name__)
