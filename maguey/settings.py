"""Every setting, read top to bottom; each variable is listed in .env.example."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from maguey import console_colours, embedded, logs

BASE_DIR = Path(__file__).resolve().parent.parent

# --- typed readers that fail loudly -------------------------------------------------

env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")


def choice(name: str, *, default: str, among: tuple[str, ...]) -> str:
    """Read a variable that must be one of a few words."""
    value = env.str(name, default=default)
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(among)}, not {value!r}.")
    return str(value)


def needed(name: str, *, demo: str) -> str:
    """Read a variable that has a default in the demo and must be set everywhere else."""
    value = env.str(name, default=demo if MAGUEY_ENV == "demo" else "")
    if not value:
        raise ImproperlyConfigured(f"Set {name}: it has no default when MAGUEY_ENV={MAGUEY_ENV}.")
    return str(value)


def words(name: str, *, default: str) -> list[str]:
    """Read a comma-separated list."""
    return [word.strip() for word in env.str(name, default=default).split(",") if word.strip()]


def positive(name: str, *, default: int) -> int:
    """Read a whole number above zero."""
    value = env.int(name, default=default)
    if value <= 0:
        raise ImproperlyConfigured(f"{name} must be above zero, not {value}.")
    return int(value)


def origin(url: str, name: str) -> str:
    """Return the scheme and host of an address, as a policy wants it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ImproperlyConfigured(f"{name} must be an http(s) address, not {url!r}.")
    return f"{parts.scheme}://{parts.netloc}"


# --- who and where -------------------------------------------------------------------

MAGUEY_ENV = choice("MAGUEY_ENV", default="demo", among=("demo", "staging", "production"))
IS_DEMO = MAGUEY_ENV == "demo"
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = needed("SECRET_KEY", demo="demo-only-key-that-signs-nothing-of-worth-0123456789-abcdefgh")
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS", default="")
SITE_URL = needed("SITE_URL", demo="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", default="*" if IS_DEMO else urlsplit(SITE_URL).hostname or "")
CSRF_TRUSTED_ORIGINS = [origin(SITE_URL, "SITE_URL")]

VENUE_NAME = env.str("VENUE_NAME", default="Maguey")
VENUE_TIME_ZONE = env.str("VENUE_TIME_ZONE", default="America/New_York")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="hola@maguey.example")

# --- the rooms -----------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "pgtrigger",
    "pghistory",
    "anymail",
    "django_celery_beat",
    "django_structlog",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "payments",
    "tickets",
    "vip",
    "owners",
    "maguey",
]

MIDDLEWARE = [
    "maguey.doors.providers",
    "maguey.logs.QuietRequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "maguey.doors.programs",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "maguey.policies.PolicyMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "owners.acting.ActAsWhoIsSignedIn",
    "owners.enrolment.second_step_first",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "maguey.acting.middleware",
]

ROOT_URLCONF = "maguey.urls"
WSGI_APPLICATION = "maguey.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tickets.context.venue",
            ],
        },
    },
]

# --- PostgreSQL: the only memory that counts ------------------------------------------

DATABASE_ROLE = choice("DATABASE_ROLE", default="web", among=("web", "worker", "migrate"))
ROLE_VARIABLES = {"web": "DATABASE_URL", "worker": "DATABASE_URL_WORKER", "migrate": "DATABASE_URL_MIGRATE"}


def database() -> dict[str, Any]:
    """Return the database as this process's role sees it.

    A role without an address of its own uses DATABASE_URL; without that, the embedded server. What an address asks
    for after its question mark, `sslmode=require` say, stands beside our own limits.
    """
    url = env.str(ROLE_VARIABLES[DATABASE_ROLE], default="") or env.str("DATABASE_URL", default="")
    config: dict[str, Any] = env.db_url_config(url or embedded.database_url(DATABASE_ROLE))
    asked: dict[str, Any] = config.get("OPTIONS", {})
    # What a machine that vanished has locked is free again within a minute; on a Unix socket these three say nothing.
    limits = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
    limits += " -c idle_in_transaction_session_timeout=15s"
    if DATABASE_ROLE != "migrate":
        limits += " -c lock_timeout=5s -c statement_timeout=20s"
    config.update(
        ENGINE="maguey.postgresql",
        CONN_MAX_AGE=env.int("CONN_MAX_AGE", default=60),
        CONN_HEALTH_CHECKS=True,
        # Only the few statements that payments.models.rows asks are prepared, each when it comes the second time.
        OPTIONS={
            "connect_timeout": 5,
            "prepare_threshold": 1,
            **asked,
            "options": f"{asked.get('options', '')} {limits}".strip(),
        },
        TEST={"NAME": env.str("TEST_DATABASE_NAME", default="test_maguey")},
    )
    return config


DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Records of one transaction in the order in which they were made.
PGHISTORY_CREATED_AT_FUNCTION = "clock_timestamp()"

# --- Redis and Celery: they wake, they remember nothing --------------------------------

REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url()

# Celery names a socket, and the database on it, in its own way.
CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A guest or a provider may be waiting for the web's messages; a worker's poll takes a second of its own.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 0.3,
    "socket_timeout": 0.3 if DATABASE_ROLE == "web" else 2,
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 45
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"

# Counters of knocks, beside the queue on the same server, under a prefix of their own.
CACHES = {
    "default": {
        "BACKEND": "maguey.counters.Counters",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "counters",
        "OPTIONS": {"socket_connect_timeout": 0.3, "socket_timeout": 0.3},
    }
}

# --- holds and retries -----------------------------------------------------------------

HOLD_MINUTES = positive("HOLD_MINUTES", default=15)
HOLD_EXTENSION_MINUTES = positive("HOLD_EXTENSION_MINUTES", default=10)
OFFER_MINUTES = positive("OFFER_MINUTES", default=60)
HOLD_GRACE_MINUTES = positive("HOLD_GRACE_MINUTES", default=20)
RETRY_DELAYS_SECONDS = [int(word) for word in words("RETRY_DELAYS_SECONDS", default="2,10,60,300,900")]
# When trouble is called trouble: events that wait, events that fail, payments without events, a clock that stopped.
WEBHOOK_BACKLOG_SECONDS = positive("WEBHOOK_BACKLOG_SECONDS", default=300)
WEBHOOK_FAILURES_PER_HOUR = positive("WEBHOOK_FAILURES_PER_HOUR", default=10)
WEBHOOK_SILENCE_MINUTES = positive("WEBHOOK_SILENCE_MINUTES", default=15)
BEAT_SILENT_SECONDS = positive("BEAT_SILENT_SECONDS", default=120)
SIGN_IN_ATTACK_TRIES = positive("SIGN_IN_ATTACK_TRIES", default=20)
SIGN_IN_ATTACK_MINUTES = positive("SIGN_IN_ATTACK_MINUTES", default=10)
ALERT_AGAIN_MINUTES = positive("ALERT_AGAIN_MINUTES", default=30)
ALERT_EMAILS = words("ALERT_EMAILS", default="")
DATABASE_SILENT_SECONDS = positive("DATABASE_SILENT_SECONDS", default=30)
ALERT_WEBHOOK_URL = env.str("ALERT_WEBHOOK_URL", default="")
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
LEASE_SECONDS = positive("LEASE_SECONDS", default=60)

# --- Stripe ------------------------------------------------------------------------------

STRIPE_SECRET_KEY = needed("STRIPE_SECRET_KEY", demo="sk_test_maguey")
STRIPE_PUBLISHABLE_KEY = needed("STRIPE_PUBLISHABLE_KEY", demo="pk_test_maguey")
STRIPE_WEBHOOK_SECRETS = [
    word.strip() for word in needed("STRIPE_WEBHOOK_SECRET", demo="whsec_maguey").split(",") if word.strip()
]
STRIPE_API_BASE = env.str(
    "STRIPE_API_BASE", default="http://127.0.0.1:8901" if IS_DEMO else "https://api.stripe.com"
).rstrip("/")
STRIPE_JS_URL = env.str(
    "STRIPE_JS_URL", default="http://127.0.0.1:8901/stripe.js" if IS_DEMO else "https://js.stripe.com/v3/"
)
STRIPE_MODE = choice("STRIPE_MODE", default="elements", among=("elements", "checkout"))

if MAGUEY_ENV == "production" and not STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_")):
    raise ImproperlyConfigured("STRIPE_SECRET_KEY is a test key, and MAGUEY_ENV is production.")
if MAGUEY_ENV != "production" and "_live_" in STRIPE_SECRET_KEY + STRIPE_PUBLISHABLE_KEY:
    raise ImproperlyConfigured("STRIPE_SECRET_KEY is a live key, and MAGUEY_ENV is not production.")

# --- mail ----------------------------------------------------------------------------------

OUTBOX_DIR = BASE_DIR / ".maguey" / "outbox"
# Bounces come in at /anymail/<service>/tracking/ with this as "user:password"; empty: that door is shut.
ANYMAIL = {"WEBHOOK_SECRET": env.str("ANYMAIL_WEBHOOK_SECRET", default="maguey:maguey" if IS_DEMO else "")}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"{VENUE_NAME} <{SUPPORT_EMAIL}>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
if IS_DEMO and not env.str("EMAIL_URL", default=""):
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(OUTBOX_DIR)
else:
    _mail: dict[str, Any] = env.email_url_config(needed("EMAIL_URL", demo=""))
    EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
    EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST") or "", _mail.get("EMAIL_PORT") or 25
    EMAIL_HOST_USER = _mail.get("EMAIL_HOST_USER") or ""
    EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_PASSWORD") or ""
    EMAIL_USE_TLS = bool(_mail.get("EMAIL_USE_TLS"))
    EMAIL_USE_SSL = bool(_mail.get("EMAIL_USE_SSL"))
EMAIL_TIMEOUT = 10

# --- languages and time ---------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = VENUE_TIME_ZONE
USE_TZ = True
USE_I18N = True
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = not IS_DEMO

# --- static files -----------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# A page stays readable where collectstatic has not run yet.
WHITENOISE_MANIFEST_STRICT = False
WHITENOISE_USE_FINDERS = IS_DEMO

# --- security -----------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = not IS_DEMO and env.bool("SECURE_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_HSTS_SECONDS = 0 if IS_DEMO else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not IS_DEMO
SECURE_HSTS_PRELOAD = not IS_DEMO
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not IS_DEMO
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

_stripe = [origin(STRIPE_JS_URL, "STRIPE_JS_URL"), origin(STRIPE_API_BASE, "STRIPE_API_BASE")]
if "https://js.stripe.com" in _stripe:
    _stripe.append("https://hooks.stripe.com")
STRIPE_SOURCES = sorted(set(_stripe))

_ours = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "manifest-src": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        **_ours,
        "script-src": [SELF, *STRIPE_SOURCES],
        "connect-src": [SELF, *STRIPE_SOURCES],
        "frame-src": [*STRIPE_SOURCES, *([SELF] if IS_DEMO else [])],  # the demo's outbox shows mail in a frame
        "form-action": [SELF, *STRIPE_SOURCES, "https://checkout.stripe.com"],
    },
}
# Where no card is ever typed, no provider is let in. The console's theme runs Alpine, which compiles its attributes.
POLICIES = {
    "/accounts/": _ours,
    "/admin/": {**_ours, "script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]},
    "/api/v1/docs/": {**_ours, "style-src": [SELF, UNSAFE_INLINE]},
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "camera": ["self"],
    "payment": ["self", *STRIPE_SOURCES],
    "publickey-credentials-create": ["self"],
    "publickey-credentials-get": ["self"],
    "geolocation": [],
    "microphone": [],
    "usb": [],
}

# --- how staff sign in --------------------------------------------------------------------------------

LOGIN_URL = LOGOUT_REDIRECT_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["owners.rights.RightsByRole"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 60 * 60
SESSION_COOKIE_AGE = 12 * 60 * 60  # a night
# Whoever may open the console needs a second step; the demo lets its owner in without.
STAFF_MFA_REQUIRED = env.bool("STAFF_MFA_REQUIRED", default=not IS_DEMO)

ACCOUNT_ADAPTER = "owners.sign_in.StaffAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
ACCOUNT_FORMS = {"reset_password": "owners.forms.ForgottenForm"}
MFA_ADAPTER = "owners.sign_in.StaffFactors"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = VENUE_NAME
MFA_FORMS = {"authenticate": "owners.forms.CodeForm", "reauthenticate": "owners.forms.CodeAgainForm"}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = IS_DEMO  # there is no https on one's own machine

# --- the API --------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["maguey.api.parsers.SafeJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_SCHEMA_CLASS": "maguey.api.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "maguey.api.problems.answer",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Maguey",
    "DESCRIPTION": "Nights, tickets and orders, for programs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "EventStatus": "tickets.models.Event.Status",
        "OrderKind": "payments.models.Order.Kind",
        "OrderStatus": "payments.models.Order.Status",
        "TicketStatus": "tickets.models.Ticket.Status",
    },
}

# --- the console -----------------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": VENUE_NAME,
    "SITE_HEADER": VENUE_NAME,
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "DASHBOARD_CALLBACK": "owners.home.dashboard",
    "ACCOUNT": {
        "navigation": [
            {"title": "Two-step sign-in", "link": reverse_lazy("mfa_index")},
            {"title": "Change password", "link": reverse_lazy("account_change_password")},
        ]
    },
    "ENVIRONMENT": "owners.navigation.environment",
    "SIDEBAR": {"show_search": True, "navigation": "owners.navigation.groups"},
    "COLORS": {"primary": console_colours.PRIMARY},
    "STYLES": [lambda request: static("css/console.css")],
}

# --- logs --------------------------------------------------------------------------------------------

logs.configure()
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG  # Celery says the same itself
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = None  # to name the user would cost every request a query
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = env.bool("BEHIND_PROXY", default=False)

# Errors go to Sentry where it has an address: maguey/sentry.py says what of them.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
RELEASE = env.str("RELEASE", default="")
if SENTRY_DSN:
    from maguey import sentry  # what it imports costs memory that nobody else needs

    sentry.start(dsn=SENTRY_DSN, release=RELEASE, environment=MAGUEY_ENV, role=DATABASE_ROLE)

# A table of errors, counted, beside the log. A handler of its own writes it: owners/error_handler.py.
ERROR_LOG = env.bool("ERROR_LOG", default=True)
_errors = {"errors": {"()": "owners.error_handler.ErrorHandler", "hide": logs.scrubbed}} if ERROR_LOG else {}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": logs.formatter(readable=IS_DEMO)},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}, **_errors},
    "root": {"handlers": ["console", *_errors], "level": env.str("LOG_LEVEL", default="INFO")},
}
