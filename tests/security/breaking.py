"""Places that break while somebody types a token, and what then is in their variables."""

import pytest

PLACES = [
    "media_assets.admin.operations.OperationAdmin.save_model",
    "media_assets.admin.forms.OperationForm.clean_server",
    "media_assets.admin.operations.record",
    "media_assets.models.operations.Operation.set_token",
    "media_assets.crypto.seal",
    "media_assets.middleware.zone_of",
    "django.contrib.messages.storage.base.BaseStorage.update",
]


def break_at(monkeypatch: pytest.MonkeyPatch, place: str, *, said: str = "") -> None:
    def fail(*args: object, **kwargs: object) -> None:
        typed = [*args, *kwargs.items()]  # noqa: F841  (a variable of the frame that fails)
        raise RuntimeError(f"something is broken {said}".strip())

    monkeypatch.setattr(place, fail)
