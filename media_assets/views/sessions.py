"""Where somebody is signed in: a list of their own sessions, and how to end them."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from media_assets.accounts import browsers, sessions
from media_assets.accounts.records import record
from media_assets.models import PersonSession
from media_assets.visitors import person_of


@require_safe
@never_cache
def my_sessions(request: HttpRequest) -> HttpResponse:
    rows = PersonSession.objects.of(person_of(request)).live().order_by("-seen_at", "-pk")
    here = sessions.this(request).first()
    shown = [
        {"row": row, "browser": browsers.in_words(row.agent), "is_this": row == here}
        for row in rows
    ]
    shown.sort(key=lambda each: not each["is_this"])
    return render(request, "account/sessions.html", {"sessions": shown})


@require_POST
def end_session(request: HttpRequest, code: str) -> HttpResponse:
    """Another one: this one is left by signing out."""
    person = person_of(request)
    rows = PersonSession.objects.of(person).exclude(pk__in=sessions.this(request))
    with transaction.atomic():
        row = get_object_or_404(rows, code=code)
        row.delete()
        record(request, "person.session_ended", on=person, because="person", sessions_ended=1)
    messages.success(request, _("That session is ended."))
    return redirect("my_sessions")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    with transaction.atomic():
        ended = sessions.end_others(request, person)
        if ended:
            record(
                request, "person.session_ended", on=person, because="person", sessions_ended=ended
            )
    text = ngettext("%(count)d session is ended.", "%(count)d sessions are ended.", ended)
    messages.success(request, text % {"count": ended})
    return redirect("my_sessions")


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    with transaction.atomic():
        ended = sessions.end_all(person)
        record(request, "person.session_ended", on=person, because="person", sessions_ended=ended)
    request.session.flush()
    return redirect("login")
