"""A client of Django's in which somebody is signed in, as the product knows it."""

from django.contrib.auth.models import User
from django.test import Client

from media_assets.models import PersonSession


def sign_in(client: Client, person: User) -> None:
    client.force_login(person)
    PersonSession.objects.begin(person, session_key=client.session.session_key or "")
