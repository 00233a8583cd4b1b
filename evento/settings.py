"""All settings, from the environment (or `.env`), typed; contradictions are in evento/checks.py.

With nothing set, this is the embedded default: SQLite, files under `var/`, a key made on first use.
Each is declared here once. After a change, `make settings` writes `.env.example` and the table in
docs/operations.md anew.
"""

import hmac
import os
import secrets
import sys
import tempfile
import zoneinfo
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from whitenoise.compress import Compressor

from evento.environment import (
    Environment,
    database_config,
    email_config,
    read_env_file,
    sentry_trouble,
)

BASE_DIR = Path(__file__).resolve().parent.parent

ENV_FILE = BASE_DIR / ".env"
read_env_file(ENV_FILE)
env = Environment()

# What has to be kept: covers, the embedded database, its key, mail files. In a container it is the
# one folder that can be written to; collected static files belong to the code and stay with it.
VAR_DIR = BASE_DIR / env.text(
    "VAR_DIR",
    "var",
    "The folder of what is kept beside the database: covers, SQLite's file, the key that Evento made, mail "
    "files.",
    default_text="`var/` beside `manage.py`",
    example="/var/lib/evento",
)


def embedded_secret_key() -> str:
    """The key of the embedded default: made once, readable by its owner only, kept in `var/`.

    Web and worker may start at the same first moment. A key has its name only when it is whole, and the one
    that has it first stays: the others read that.
    """
    path = VAR_DIR / "secret_key"
    if not path.exists():
        VAR_DIR.mkdir(exist_ok=True)
        # For its owner only, as mkstemp makes files.
        descriptor, part = tempfile.mkstemp(prefix=".secret_key.", dir=VAR_DIR)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(64))
            with suppress(FileExistsError):
                path.hardlink_to(part)
        finally:
            Path(part).unlink()
    return path.read_text().strip()


# runserver is Django's development server: the one command that means DEBUG unless told otherwise.
DEBUG = env.switch(
    "DEBUG",
    sys.argv[1:2] == ["runserver"],
    "Shows errors with source: never in production.",
    default_text="off; on for `runserver`",
)
SITE_URL = env.text(
    "SITE_URL",
    "http://localhost:8000",
    "Scheme and host of every link in mails: where people reach the site. `https` switches on secure "
    "cookies, HSTS and the redirect to https.",
    example="https://tickets.example.org",
    ask=True,
).rstrip("/")
SITE_NAME = "Evento"
_site = urlsplit(SITE_URL)
SERVED_OVER_TLS = _site.scheme == "https"

EMBEDDED_DATABASE_URL = f"sqlite:///{VAR_DIR / 'evento.sqlite3'}"
DATABASE_URL = env.text(
    "DATABASE_URL",
    EMBEDDED_DATABASE_URL,
    "`postgres://user:password@host:5432/name` or `sqlite:////path/file`; special characters in the "
    "password in per cent encoding.",
    kind="URL",
    default_text="SQLite in `var/evento.sqlite3`",
    example="postgres://evento:password@127.0.0.1:5432/evento",
    ask=True,
)
DATABASE_PREPARED_STATEMENTS = env.switch(
    "DATABASE_PREPARED_STATEMENTS",
    True,
    "PostgreSQL keeps the plans of statements, a third of its work on a booking. Off behind a pooler that "
    "gives each transaction another connection (PgBouncer before 1.21).",
)
DATABASES: dict[str, dict[str, Any]] = {
    "default": database_config(DATABASE_URL, EMBEDDED_DATABASE_URL, env)
}
_database = DATABASES["default"]
IS_SQLITE = _database["ENGINE"] == "django.db.backends.sqlite3"
# For the few threads of one server process: under Django's own ASGI they would leak, and under `runserver`,
# which has a thread for each browser. To open SQLite's file for each request would take as long as all else
# that an empty form of somebody signed in takes.
_database.setdefault("CONN_MAX_AGE", 0 if DEBUG else 600)
if IS_SQLITE:
    VAR_DIR.mkdir(exist_ok=True)
    _database["OPTIONS"] = {
        # Writers queue at BEGIN instead of failing half-way; 5 s was too short under a rush.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
elif DATABASE_PREPARED_STATEMENTS:
    # A statement is planned once for each connection, from its fifth use on.
    _database["OPTIONS"] = {
        "server_side_binding": True,
        "prepare_threshold": 5,
        **_database.get("OPTIONS", {}),
    }

_given_key = env.text(
    "SECRET_KEY",
    "",
    "Signs sessions and links, seals second factors: 50 random characters or more. Set it when several "
    "machines or containers serve the site.",
    default_text="made once, in `var/secret_key`",
    ask=True,
)
SECRET_KEY = _given_key or embedded_secret_key()
SECRET_KEY_IS_IN_A_FILE = not _given_key
SECRET_KEY_FALLBACKS = env.names(
    "SECRET_KEY_FALLBACKS",
    [],
    "Earlier keys, newest first, for the time after a change: they still open second factors and sessions, "
    "and seal nothing new.",
    default_text="none",
)


def derived_key(purpose: str) -> str:
    """A key of its own for `purpose`, which tells nothing about SECRET_KEY."""
    return hmac.new(SECRET_KEY.encode(), f"evento.{purpose}".encode(), "sha256").hexdigest()


ALLOWED_HOSTS = env.names(
    "ALLOWED_HOSTS",
    sorted({"localhost", "127.0.0.1", "[::1]", _site.hostname or "localhost"}),
    "Names that requests may ask for; the host of `SITE_URL` must be one of them.",
    default_text="localhost and the host of `SITE_URL`",
    example="tickets.example.org",
    ask=True,
)
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]
TRUSTED_PROXY_COUNT = env.number(
    "TRUSTED_PROXY_COUNT",
    0,
    "How many proxies stand in front and set `X-Forwarded-For` and `X-Forwarded-Proto`.",
    example="1",
    ask=True,
)

INSTALLED_APPS = [
    "evento.apps.EventoConfig",
    "evento.apps.EventoAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "accounts",
    "notifications",
    "events",
    "tickets",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
    "ninja",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    "evento.request_ids.RequestIdMiddleware",
    "evento.probes.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "evento.middleware.ContentSecurityPolicyMiddleware",
    "evento.middleware.ApiErrorMiddleware",
    "evento.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "evento.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "evento.urls"
WSGI_APPLICATION = "evento.wsgi.application"
ASGI_APPLICATION = "evento.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["evento.templatetags.icons"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "evento.context_processors.site",
            ],
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PersonBackend"]
PASSWORD_HASHERS = ["evento.hashers.LightArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- Accounts (django-allauth) -------------------------------------------------------------------
# SPEC 1: empty closes organiser sign-up, never opens it.
ORGANISER_CODE = env.text(
    "ORGANISER_CODE",
    "" if env.set_to_empty("ORGANISER_CODE") else "Dc5_G1gz",
    "8 characters of your own that make a sign-up an organiser. Set and empty, it closes organiser sign-up.",
    default_text="`Dc5_G1gz`",
    ask=True,
)

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "events:list"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.OrganiserCodeForm"
ACCOUNT_FORMS = {
    "add_email": "accounts.forms.entrance.AddEmailForm",
    "change_password": "accounts.forms.entrance.ChangePasswordForm",
    "login": "accounts.forms.entrance.LoginForm",
    "reauthenticate": "accounts.forms.entrance.ReauthenticateForm",
    "reset_password": "accounts.forms.entrance.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.entrance.ResetPasswordKeyForm",
    "set_password": "accounts.forms.entrance.SetPasswordForm",
    "signup": "accounts.forms.entrance.SignupForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False  # mail scanners follow links: only the page's button acts
ACCOUNT_CHANGE_EMAIL = True  # one address; the old one holds until the new one is verified
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # a change of address asks for the password again
# Beside allauth's own. On the day the tickets open a whole university may sign in from one address.
ACCOUNT_RATE_LIMITS = {
    "offer_organiser": "30/h/user",
    "login": "120/m/ip",
    "login_failed": "30/m/ip,5/5m/key",  # those under way count until they succeed
}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_LOGOUT_REDIRECT_URL = "events:list"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _site.scheme
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
USERSESSIONS_TRACK_ACTIVITY = False  # it would write on every request
MFA_ADAPTER = "accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = SITE_NAME
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SERVED_OVER_TLS
MFA_FORMS = {
    "activate_totp": "accounts.forms.second_factor.ActivateTOTPForm",
    "add_webauthn": "accounts.forms.second_factor.AddPasskeyForm",
    "authenticate": "accounts.forms.second_factor.AuthenticateForm",
    "authenticate_webauthn": "accounts.forms.second_factor.AuthenticatePasskeyForm",
    "edit_webauthn": "accounts.forms.second_factor.EditPasskeyForm",
    "login_webauthn": "accounts.forms.second_factor.LoginPasskeyForm",
    "reauthenticate": "accounts.forms.second_factor.ReauthenticateForm",
    "reauthenticate_webauthn": "accounts.forms.second_factor.ReauthenticatePasskeyForm",
}

# --- API ------------------------------------------------------------------------------------------
HEADLESS_CLIENTS = ["app"]
HEADLESS_TOKEN_STRATEGY = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"  # noqa: S105
HEADLESS_JWT_ALGORITHM = "HS256"
# Derived, so that nobody has to keep a second secret, and no token is a signature by SECRET_KEY itself.
HEADLESS_JWT_PRIVATE_KEY = env.text(
    "JWT_SIGNING_KEY",
    "",
    "Signs the API's tokens (HS256): 32 random bytes or more. A change signs every program out.",
    default_text="derived from `SECRET_KEY`",
) or derived_key("api.tokens")
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 300  # seconds
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = 14 * 24 * 3600  # as long as a session
HEADLESS_JWT_ROTATE_REFRESH_TOKEN = True
# A token is as good as the session behind it: sign-out, a new password or a closed account end it at once.
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True
API_READS_PER_MINUTE = env.number(
    "API_READS_PER_MINUTE",
    600,
    "Calls of one person to the API that read; of visitors, of one address.",
)
API_WRITES_PER_MINUTE = env.number(
    "API_WRITES_PER_MINUTE",
    120,
    "Calls of one person to the API that change something; of visitors, of one address.",
)
# Whose pages may call the API from a browser. Nobody's: then the library is not even loaded. Never with
# cookies: such a page signs its people in and keeps their tokens.
CORS_ALLOWED_ORIGINS = env.names(
    "CORS_ALLOWED_ORIGINS",
    [],
    "Sites whose pages may call the API from a browser, with scheme: `https://app.example.org`.",
    default_text="none",
    example="https://app.example.org",
)
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ["authorization", "content-type", "if-none-match", "x-session-token"]
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After", "X-Request-ID"]
if CORS_ALLOWED_ORIGINS:
    INSTALLED_APPS.append("corsheaders")
    _after = MIDDLEWARE.index("django.middleware.security.SecurityMiddleware") + 1
    MIDDLEWARE.insert(_after, "corsheaders.middleware.CorsMiddleware")

# --- Cache: where limits are counted, so all processes must share it ------------------------------
REDIS_URL = env.text(
    "REDIS_URL",
    "",
    "A faster cache and sessions; without it both live in the database.",
    kind="URL",
    default_text="none",
    example="redis://127.0.0.1:6379/0",
)
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {
            "BACKEND": "evento.cache.DatabaseCache",
            "LOCATION": "evento_cache",
            # The default of 300 would let a stranger push other people's counts out by making new ones.
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    )
}
# How old a page may be that a visitor is given: see evento.http.visitor_pages.
VISITOR_PAGE_SECONDS = 1
SESSION_ENGINE = "evento.sessions"
MESSAGE_STORAGE = "evento.messages.Storage"

# --- Mail: everything goes through the outbox, which sends by EMAIL_URL ---------------------------
EMAIL_BACKEND = "notifications.backends.OutboxBackend"
DEFAULT_FROM_EMAIL = env.text(
    "DEFAULT_FROM_EMAIL",
    "Evento <evento@localhost>",
    "The sender of every mail.",
    default_text="`Evento <evento@localhost>`",
    example="Evento <tickets@example.org>",
    ask=True,
)
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 20  # seconds; the sender's lease is longer
# Mail files under var/mail/ unless told otherwise: a fresh install can be tried without a mail server.
EMAIL_URL = env.text(
    "EMAIL_URL",
    "",
    "`smtp+tls://user:password@host:587` (STARTTLS), `smtp+ssl://` (usually port 465) or `smtp://`; special "
    "characters in per cent encoding.",
    kind="URL",
    default_text="files in `var/mail/`",
    example="smtp+tls://evento:password@mail.example.org:587",
    ask=True,
)
_email = email_config(EMAIL_URL or "consolemail://", env)
if _email["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    _email["EMAIL_BACKEND"] = "notifications.backends.SmtpBackend"
MAIL_FILES_DIR = VAR_DIR / "mail"
TRANSPORT_BACKEND = (
    _email["EMAIL_BACKEND"] if EMAIL_URL else "notifications.backends.EmlFileBackend"
)
EMAIL_HOST = _email["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _email["EMAIL_PORT"] or 25
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = str(MAIL_FILES_DIR)
# "worker": `send_notifications` sends; "server": the same, as a process of the web server; "on_commit": each
# mail right after its commit (runserver).
NOTIFICATIONS_SEND = env.text(
    "NOTIFICATIONS_SEND",
    "on_commit" if DEBUG else "worker",
    "Who sends mails: the worker; one that the web server starts and shares its memory with (`server`); or "
    "(`on_commit`) the process that caused them.",
    default_text="`worker`; `on_commit` with DEBUG",
)

MAIL_CONNECTIONS = env.number(
    "MAIL_CONNECTIONS",
    2,
    "How many connections each worker keeps to the mail server while there is mail, each with one to "
    "PostgreSQL. More help where the mail server is far away. On SQLite, with its one writer, and for mail "
    "files it is always one.",
)

# --- Serving: pages that one process makes at a time; each has a thread and a database connection ------
WEB_THREADS = env.number(
    "WEB_THREADS",
    4,
    "How many pages each web process makes at a time; each takes a database connection. More are seldom "
    "faster: a rush queues at one row of the database.",
)

# --- Live pages: streams that one process holds open at most (each is a file handle and some 10 KB) --
LIVE_MAX_STREAMS = env.number(
    "LIVE_MAX_STREAMS", 10_000, "How many open pages each web process serves."
)

# --- Seeing: what those who run the site are told (docs/operations.md#seeing) ----------------------
METRICS_TOKEN = env.text(
    "METRICS_TOKEN",
    "",
    "Opens `/metrics` to whoever sends it as a bearer token: 16 random characters or more. Without it there "
    "is no such page.",
    default_text="none: no metrics",
)
# Decided once, with the start of the process: the library cannot change its mind.
METRICS_IN_FILES = bool(METRICS_TOKEN)
LOG_FORMAT = env.text(
    "LOG_FORMAT",
    "text",
    "How web and worker log: `text`, or `json` with one object for each line.",
    kind="`text` or `json`",
)
if LOG_FORMAT not in {"text", "json"}:
    env.refuse("LOG_FORMAT", f"{LOG_FORMAT!r} is no format. Give text or json.")
    LOG_FORMAT = "text"
SENTRY_DSN = env.text(
    "SENTRY_DSN",
    "",
    "Where errors are reported to, without anything personal: the DSN of a Sentry project.",
    default_text="none: nowhere",
    example="https://key@sentry.example.org/1",
)
if why := sentry_trouble(SENTRY_DSN) if SENTRY_DSN else "":
    env.refuse("SENTRY_DSN", why)

# --- Language and time ----------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", _("English"))]
USE_I18N = False  # one language: nothing to look words up in (docs/decisions/0041-one-language.md)
FORMAT_MODULE_PATH = ["evento.formats"]
USE_TZ = True
TIME_ZONE = env.text(
    "TIME_ZONE",
    "UTC",
    "The site's own clock: what “today” and “this weekend” mean. Each event has a zone of its own.",
    example="Europe/London",
    ask=True,
)
if TIME_ZONE not in zoneinfo.available_timezones():
    env.refuse("TIME_ZONE", f"{TIME_ZONE!r} is no time zone. Give an IANA name: Europe/London.")
    TIME_ZONE = "UTC"

# --- Static files and uploads ---------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"
_hashed_names = (STATIC_ROOT / "staticfiles.json").exists() and not DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "evento.static_files.HashedStaticFiles"
            if _hashed_names or sys.argv[1:2] == ["collectstatic"]
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = not _hashed_names
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # nothing asks by another name, and compressing takes long
# Only developers' tools ask for the maps of scripts, and libraries bring megabytes of them.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_HANDLERS = [
    "evento.uploads.UploadLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"

# --- Security -------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVED_OVER_TLS
SECURE_SSL_REDIRECT = SERVED_OVER_TLS
SECURE_HSTS_SECONDS = 31_536_000 if SERVED_OVER_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SERVED_OVER_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Static, without nonces, so that pages can be cached whole.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "evento.logs.LineFormatter"},
        "json": {"()": "evento.logs.JsonLineFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "notifications": {"level": "INFO"},
        # Answers below 500 are no trouble of the site, and each refused booking is one.
        "django.request": {"level": "ERROR"},
        # The web server has handlers of its own, which would show whatever an exception says.
        "uvicorn": {"handlers": [], "level": "WARNING"},
        # A line for each request would count bookings, whatever the server was told.
        "uvicorn.access": {"handlers": [], "propagate": False},
    },
}

# All of them at once, in sentences, and before anything has been done with a default in their place.
env.raise_problems()
