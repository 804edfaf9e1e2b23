"""Every setting of the product, read from the environment or from `.env` (see `.env.example`)."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from media_assets.wolkvox import servers

BASE_DIR = Path(__file__).resolve().parent.parent


class _Env(environ.Env):  # type: ignore[misc]  # it has no types
    """Names the setting that cannot be read."""

    def get_value(self, var: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except ValueError:
            raise ImproperlyConfigured(
                f"{var} cannot be read: .env.example says what it may be."
            ) from None


env = _Env()
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
# for each person: submits in a minute, files that wait, exports at once; 0 is no limit
LIMIT_SUBMITS = env.int("LIMIT_SUBMITS", default=120)
LIMIT_WAITING = env.int("LIMIT_WAITING", default=50_000)
LIMIT_EXPORTS = env.int("LIMIT_EXPORTS", default=3)
PROBE_SECONDS = env.float("PROBE_SECONDS", default=0.6)
PROBE_SECONDS_LARGE = env.float("PROBE_SECONDS_LARGE", default=0.1)
CSV_MAX_BYTES = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 3 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # an operation's form has some ten for each connector


# Application
INSTALLED_APPS = [
    "wolkvox_admin.apps.ProductAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_filters",
    "django_htmx",
    "media_assets",
]
MIDDLEWARE = [
    "media_assets.tracing.trace_requests",
    "media_assets.headers.headers",
    "csp.middleware.CSPMiddleware",
    "media_assets.middleware.known_host",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "media_assets.middleware.Compressed",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "media_assets.middleware.time_zone",
    "media_assets.middleware.demonstration_stays_here",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "media_assets.middleware.known_session",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "media_assets.middleware.second_factor",
    "django_htmx.middleware.HtmxMiddleware",
    "media_assets.middleware.methods",
    "media_assets.refusals.Refusals",
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
    # `?name=value` in DATABASE_URL goes before these. Compiling a plan (jit) takes longer than most
    # queries here.
    DATABASES["default"]["OPTIONS"] = {
        "options": "-c idle_in_transaction_session_timeout=30000 -c jit=off",
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
        **DATABASES["default"].get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    # Counts failed sign-ins and remembers used codes: in the database, because one memory for
    # each process would multiply every limit. Too small a table would forget before time.
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "media_assets_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    # what was seen of files in Storage
    "files": env.cache_url("CACHE_URL", default="locmemcache://"),
}
if CACHES["files"]["BACKEND"].endswith("LocMemCache"):
    CACHES["files"]["OPTIONS"] = {"MAX_ENTRIES": 10_000}  # a batch of 500 is looked at whole

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
AUTHENTICATION_BACKENDS = ["media_assets.accounts.backend.Backend"]
ACCOUNT_ADAPTER = "media_assets.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]  # of a sign-up that has no page
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_UNIQUE_EMAIL = False  # looked at where people are invited or come from the provider
ACCOUNT_USERNAME_BLACKLIST = ["worker", "server"]
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_REAUTHENTICATION_METHODS = ("password", "mfa", "socialaccount")
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
_FORMS = "media_assets.accounts.factor_forms"
ACCOUNT_FORMS = {
    "login": "media_assets.accounts.forms.SignInForm",
    "reauthenticate": f"{_FORMS}.PasswordProofForm",
}
# failures count, successes do not; `ip` is a network of 64 bits with IPv6, `key` an account as one
# browser sees it (media_assets/accounts/throttle.py)
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "5/5m/key",
    "login_failed_by_address": "10/m/ip",  # ours: a right code clears those that it counts under
    "keep_typed": "5/m/ip",  # ours: forms of people whose session has ended
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}
# Who needs a second factor: off, admins (owners and connector admins) or all
_mfa_default = "off" if DEMO else "admins"
REQUIRE_MFA = env.str("REQUIRE_MFA", default=_mfa_default)
MFA_ADAPTER = "media_assets.accounts.factors.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses are an owner's word, not a way in
MFA_TOTP_TOLERANCE = 1  # a phone's clock may be half a minute off
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # nothing that could be guessed
MFA_FORMS = {
    "authenticate": f"{_FORMS}.CodeForm",
    "reauthenticate": f"{_FORMS}.CodeProofForm",
    "activate_totp": f"{_FORMS}.SetUpAppForm",
    "add_webauthn": f"{_FORMS}.AddPasskeyForm",
    "edit_webauthn": f"{_FORMS}.RenamePasskeyForm",
    "authenticate_webauthn": f"{_FORMS}.PasskeyForm",
    "reauthenticate_webauthn": f"{_FORMS}.PasskeyProofForm",
    "login_webauthn": f"{_FORMS}.PasskeySignInForm",
}
# The company's identity provider (OpenID Connect), if it has one
OIDC_ISSUER = env.str("OIDC_ISSUER", default="")
OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
# Accounts are kept under it: the same person at another issuer is somebody else
OIDC_ID = f"oidc-{hashlib.sha256(OIDC_ISSUER.encode()).hexdigest()[:16]}"
OIDC_NAME = env.str("OIDC_NAME", default="SSO")
OIDC_CLAIM = env.str("OIDC_CLAIM", default="groups")
OIDC_ROLES = env.dict("OIDC_ROLES", default={})
if OIDC_ISSUER:
    _before_ours = INSTALLED_APPS.index("media_assets")
    INSTALLED_APPS[_before_ours:_before_ours] = [
        "allauth.socialaccount",
        "allauth.socialaccount.providers.openid_connect",
    ]
SOCIALACCOUNT_ADAPTER = "media_assets.accounts.provider.ProviderAdapter"
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": OIDC_ID,
                "name": OIDC_NAME,
                "client_id": OIDC_CLIENT_ID,
                "secret": OIDC_CLIENT_SECRET,
                "settings": {"server_url": OIDC_ISSUER},
            }
        ],
    }
}
SESSION_IDLE = timedelta(seconds=env.int("SESSION_IDLE", default=1800))
SESSION_ABSOLUTE = timedelta(seconds=env.int("SESSION_ABSOLUTE", default=43200))
INVITATION_LIFE = timedelta(hours=env.int("INVITATION_HOURS", default=72))
SESSION_COOKIE_AGE = int(SESSION_ABSOLUTE.total_seconds())
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
KNOWN_BROWSER_COOKIE_NAME = "__Host-known-browser" if HTTPS else "known-browser"
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_SAMESITE = "Lax"


# Mail, for invitations only
EMAIL_URL = env.str("EMAIL_URL", default="")
MAIL_IS_SET_UP = bool(EMAIL_URL)
if MAIL_IS_SET_UP:
    vars().update(env.email_url_config(EMAIL_URL))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="")


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
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True  # scripts take the token from the page
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=1)
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
_for_whom = "text" if DEMO else "json"
LOG_FORMAT = env.str("LOG_FORMAT", default=_for_whom)
if LOG_FORMAT not in {"json", "text"}:
    raise ImproperlyConfigured("LOG_FORMAT is neither json nor text. Choose one, or leave it out.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "media_assets.logs.JsonLines"},
        "text": {"()": "media_assets.logs.ReadableLines"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "none": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "propagate": True},
        # strangers try names by the thousand; the line of the request says it
        "django.security.DisallowedHost": {"handlers": ["none"], "propagate": False},
        "django.server": {"handlers": [], "propagate": True},
    },
}
