"""Every setting of the product, read from the environment or from `.env` (see `.env.example`)."""

import os
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from media_assets.wolkvox import servers

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
ENV_FILE = os.environ.get("ENV_FILE", BASE_DIR / ".env")
environ.Env.read_env(ENV_FILE)


# What kind of installation this is
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
HTTPS = env.bool("HTTPS", default=True)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Put SECRET_KEY=<50 random characters> into the environment or .env."
    )
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])


# Tokens: keys are base64url of 32 bytes, newest first; a file has one key a line
TOKEN_KEYS_FILE = env.str("TOKEN_KEYS_FILE", default="")
TOKEN_KEYS = env.list("TOKEN_KEYS", default=[])
if TOKEN_KEYS_FILE:
    try:
        _keys_in_file = Path(TOKEN_KEYS_FILE).read_text(encoding="ascii").split()
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"TOKEN_KEYS_FILE cannot be read ({type(error).__name__}). Name a text file with one "
            "key a line that this process may read."
        ) from None
    if not _keys_in_file:
        raise ImproperlyConfigured(
            "TOKEN_KEYS_FILE is empty. Name a text file with one key a line, or leave it out."
        )
    TOKEN_KEYS += _keys_in_file
if not TOKEN_KEYS:
    raise ImproperlyConfigured(
        "TOKEN_KEYS is not set, so no wolkvox token could be sealed. Make a key with "
        "python3 -c 'import secrets; print(secrets.token_urlsafe(32))' "
        "and put it into TOKEN_KEYS, or into a file that TOKEN_KEYS_FILE names."
    )


# wolkvox and its Storage
WOLKVOX_BASE_URL = env.str("WOLKVOX_BASE_URL", default=servers.REAL_BASE_URL)
SANDBOX = servers.is_sandbox(WOLKVOX_BASE_URL)
STORAGE_HOSTS = env.list("STORAGE_HOSTS", default=["storage.googleapis.com/wvox-"])


# Delivery: waiting times in seconds, and how often each class of failure is tried in all
DELIVERY_THREADS = env.int("DELIVERY_THREADS", default=100)
DELIVERY_DEADLINE = timedelta(seconds=env.float("DELIVERY_DEADLINE", default=75))
DELIVERY_START_WITHIN = timedelta(seconds=env.float("DELIVERY_START_WITHIN", default=10))
DELIVERY_LEASE = timedelta(seconds=env.float("DELIVERY_LEASE", default=95))
DELIVERY_POLL = timedelta(seconds=env.float("DELIVERY_POLL", default=5))
DELIVERY_NOT_SENT_FIRST = timedelta(seconds=env.float("DELIVERY_NOT_SENT_FIRST", default=5))
DELIVERY_NOT_SENT_MOST = timedelta(seconds=env.float("DELIVERY_NOT_SENT_MOST", default=600))
DELIVERY_BUSY_FIRST = timedelta(seconds=env.float("DELIVERY_BUSY_FIRST", default=110))
DELIVERY_SIMULTANEOUS = timedelta(seconds=env.float("DELIVERY_SIMULTANEOUS", default=65))
# a call begins up to 10 s after its claim, and wolkvox works on it for up to 60 s
DELIVERY_UNCLEAR = timedelta(seconds=env.float("DELIVERY_UNCLEAR", default=75))
DELIVERY_PAUSE = timedelta(seconds=env.float("DELIVERY_PAUSE", default=3600))
DELIVERY_PAUSE_LOCAL = timedelta(seconds=env.float("DELIVERY_PAUSE_LOCAL", default=60))


# Limits of a submission, and of what is changed at once
BATCH_MAX = 500
LARGE_BATCH = 50
BULK_MAX = env.int("BULK_MAX", default=5_000)
PROBE_SECONDS = env.float("PROBE_SECONDS", default=0.6)
PROBE_SECONDS_LARGE = env.float("PROBE_SECONDS_LARGE", default=0.1)
CSV_MAX_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024


# Application
INSTALLED_APPS = [
    "wolkvox_admin.apps.ProductAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_filters",
    "django_htmx",
    "media_assets",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "media_assets.middleware.time_zone",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "wolkvox_admin.urls"
WSGI_APPLICATION = "wolkvox_admin.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "media_assets.views.context.shell",
            ],
        },
    },
]


# Data
_database_file = quote(str(BASE_DIR / "var" / "db.sqlite3"))
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{_database_file}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # FULL, because NORMAL loses accepted rows at a power cut; IMMEDIATE, because deferred
    # transactions that turn into writers fail with "database is locked" instead of waiting.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL",
    }
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A machine that is lost, or a process that is stopped, in the middle of a transaction keeps
    # its locks for seconds, not for the hours that TCP allows; and it notices a lost server.
    # `?name=value` in DATABASE_URL goes before these.
    DATABASES["default"]["OPTIONS"] = {
        "options": "-c idle_in_transaction_session_timeout=30000",
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
        **DATABASES["default"].get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
if CACHES["default"]["BACKEND"].endswith("LocMemCache"):
    CACHES["default"]["OPTIONS"] = {"MAX_ENTRIES": 10_000}  # a batch of 500 is looked at whole

# manage.py purge_history removes what was finished longer ago; 0 keeps everything
HISTORY_KEEP_DAYS = env.int("HISTORY_KEEP_DAYS", default=0)


# People
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
]
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_SAMESITE = "Lax"


# Language and time
LANGUAGE_CODE = "es"
LANGUAGES = [("es", _("Spanish")), ("en", _("English")), ("pt-br", _("Brazilian Portuguese"))]
LOCALE_PATHS = [BASE_DIR / "media_assets" / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="America/Bogota")
USE_TZ = True
FORMAT_MODULE_PATH = "wolkvox_admin.formats"


# Static files
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False


# Browser security
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_FAILURE_VIEW = "media_assets.views.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
_storage_origins = sorted(
    {
        f"{parts.scheme}://{parts.netloc}"
        for host in STORAGE_HOSTS
        if SANDBOX or not host.startswith("http:")
        for parts in [urlsplit(host if "://" in host else f"https://{host}")]
    }
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", *_storage_origins],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
    }
}


# Logs, and reports of errors: neither shows what somebody has typed
DEFAULT_EXCEPTION_REPORTER = "media_assets.reports.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "media_assets.reports.NothingTyped"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "media_assets.reports.LineFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"django": {"handlers": [], "propagate": True}},
}
