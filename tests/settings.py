"""The product's settings with the test suite's environment: nobody's `.env` is read."""

import os
from pathlib import Path

_DATABASE = os.environ.get(
    "TEST_DATABASE_URL", f"sqlite:///{Path(__file__).parent.parent}/var/test.sqlite3"
)
os.environ.update(
    ENV_FILE=os.devnull,
    SECRET_KEY="the-test-suite-has-a-key-of-its-own-" + "x" * 32,
    TOKEN_KEYS="dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktdGVzdDE=",
    DATABASE_URL=_DATABASE,
    ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
    HTTPS="false",
    OIDC_CLIENT_ID="media-handles",
    OIDC_ISSUER="http://127.0.0.1:9",  # a test that speaks to it names another
    OIDC_ROLES="media-owners=owner,media-admins=connector-admin,media=marketing",
    REQUIRE_MFA="off",  # tests that are about it turn it on
    STORAGE_HOSTS="storage.googleapis.com/wvox-",
)
# a worker that a test starts as a process is given its sandbox's address
os.environ.setdefault("WOLKVOX_BASE_URL", "http://127.0.0.1:9/wv{server}/api/v2/")

from wolkvox_admin.settings import *  # noqa: E402, F403  (the environment has to be set first)
from wolkvox_admin.settings import BASE_DIR, DATABASES  # noqa: E402

(BASE_DIR / "var").mkdir(exist_ok=True)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: live-server threads and workers need connections of their own.
    DATABASES["default"]["TEST"] = {"NAME": str(DATABASES["default"]["NAME"])}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
# one process has one memory; what several share is tested with the database's own
CACHES = {
    name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": name}
    for name in ("default", "files")
}
