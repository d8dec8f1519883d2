"""All settings of Bifrost, read from the environment in this one place.

Each variable may also be given as NAME_FILE, a path whose content is the value. `bin/up` writes the address and
credentials of the embedded services to `<data dir>/environment`; that file fills what the environment leaves open.
"""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()
DATA_DIR = Path(env.str("BIFROST_DATA_DIR", str(BASE_DIR / ".bifrost"))).expanduser().resolve()
if (DATA_DIR / "environment").is_file():
    environ.Env.read_env(str(DATA_DIR / "environment"), overwrite=False)


def required(name: str, what: str) -> str:
    """The variable's value; a missing, empty or placeholder value stops the start with a sentence that names it."""
    value = str(env.str(name, ""))
    if not value or value.lower() in {"changeme", "change-me", "secret", "default"}:
        raise ImproperlyConfigured(
            f"{name} is missing or a placeholder: set it (or {name}_FILE) to {what}, or use bin/up, which makes one."
        )
    return value


DEBUG = env.bool("DEBUG", False)
SECRET_KEY = required("SECRET_KEY", "a long random string")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", ".localhost", "127.0.0.1", "[::1]"])

# --- What is installed -----------------------------------------------------------------------------------------

SHARED_APPS = [
    # Before django_tenants, whose migrate_schemas it replaces.
    "orgs",
    # Before django_tenants and admin, whose templates it replaces.
    "unfold",
    "django_tenants",
    "bifrost",
    "workflows_app.dispatch",
    "integrations.fleet",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
]
TENANT_APPS = ["integrations", "workflows_app", "forms_app"]
INSTALLED_APPS = [*SHARED_APPS, *TENANT_APPS]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "orgs.middleware.OrganizationMiddleware",
    "bifrost.room.RoomMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "forms_app.portal.middleware.PortalMiddleware",
]
ROOT_URLCONF = "bifrost.urls"
ORGANIZATION_URLCONF = "bifrost.organization_urls"
WSGI_APPLICATION = "bifrost.wsgi.application"
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
                "forms_app.portal.context.portal",
            ]
        },
    }
]

# --- Database and tenancy ----------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", engine="orgs.database")}
DATABASES["default"].update(CONN_MAX_AGE=300, CONN_HEALTH_CHECKS=True)
# psycopg prepares only what asks for it; Django itself never does.
DATABASES["default"].setdefault("OPTIONS", {}).update(prepare_threshold=1_000_000, application_name="bifrost")
# A database host that is gone is noticed: seconds to connect, milliseconds without an acknowledgement, and seconds in
# which nothing comes while an answer is waited for.
DATABASES["default"]["OPTIONS"].update(
    connect_timeout=5, tcp_user_timeout=15_000, keepalives_idle=10, keepalives_interval=5, keepalives_count=3
)
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
TENANT_MODEL = "orgs.Organization"
TENANT_DOMAIN_MODEL = "orgs.Domain"
TEMPLATE_SCHEMA = "org_template"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "orgs.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = env.bool("BIFROST_HTTPS", False)
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_FAILURE_VIEW = "forms_app.portal.resuming.csrf_failed"
PASSWORD_RESET_TIMEOUT = 3600  # seconds that a link for a new password is good for
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"
MESSAGE_STORAGE = "orgs.messages.OrganizationMessages"

# --- API ---------------------------------------------------------------------------------------------------------

API_BODY_LIMIT = env.int("BIFROST_BODY_LIMIT", 1_000_000)  # bytes
DATA_UPLOAD_MAX_MEMORY_SIZE = API_BODY_LIMIT
FILE_LIMIT = env.int("BIFROST_FILE_LIMIT", 10_000_000)  # bytes of one file
# An upload is the file and a little around it. By patterns of paths: what bodies may have beyond API_BODY_LIMIT.
FILE_BODY_LIMIT = FILE_LIMIT + 100_000
LARGER_BODIES = {r"/api/files": FILE_BODY_LIMIT, r"(?:/o/[^/]+)?/forms/[^/]+": 3 * FILE_BODY_LIMIT}
# Dotted path of a virus scan: function(name, content) -> None, or what it found, for which the file is refused.
FILE_SCAN = env.str("BIFROST_FILE_SCAN", "")
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # a form has up to a hundred rows of up to thirty fields
APPEND_SLASH = False
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["orgs.authentication.BifrostAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["workflows_app.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "workflows_app.responses.answer_error",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Bifrost",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "defaultModelsExpandDepth": 0},
}

# --- Pages -------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = True
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["bifrost.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
    }
}
UNFOLD = {
    "SITE_TITLE": "Bifrost",
    "SITE_HEADER": "Bifrost",
    "SITE_SYMBOL": "conversion_path",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("bifrost/favicon.svg")}],
    "STYLES": [lambda _: static("bifrost/pages.css")],
    "SCRIPTS": [lambda _: static("bifrost/keyboard.js")],
    "SIDEBAR": {"navigation": "bifrost.navigation.of_staff"},
    "DASHBOARD_CALLBACK": "bifrost.dashboard.fill",
}
# What differs on the site of one organization.
UNFOLD_ORGANIZATION = {
    **UNFOLD,
    "SIDEBAR": {"navigation": "bifrost.navigation.of_organization"},
    "DASHBOARD_CALLBACK": None,
    # Django's log of changes is not written for an organization's rows.
    "SHOW_HISTORY": False,
    "ENVIRONMENT": "bifrost.navigation.organization_label",
}

# --- Vault -------------------------------------------------------------------------------------------------------

VAULT_ADDR = env.str("VAULT_ADDR", "http://127.0.0.1:8200")
VAULT_TOKEN = env.str("VAULT_TOKEN", "")
VAULT_ROLE_ID = env.str("VAULT_ROLE_ID", "")
VAULT_SECRET_ID = env.str("VAULT_SECRET_ID", "")
VAULT_MOUNT = env.str("VAULT_MOUNT", "bifrost")

# --- Outside services --------------------------------------------------------------------------------------------

# Networks that are not public and that integrations may call all the same, such as 10.20.0.0/16.
PRIVATE_NETWORKS = [ipaddress.ip_network(network) for network in env.list("BIFROST_PRIVATE_NETWORKS", default=[])]

# --- Engine ------------------------------------------------------------------------------------------------------

WORKSPACE = Path(env.str("BIFROST_WORKSPACE", str(BASE_DIR / "workspace"))).expanduser().resolve()
# Versions of workflows that run again as they were.
EARLIER_CODE = DATA_DIR / "code"
WEB_THREADS = env.int("BIFROST_WEB_THREADS", 40)
CONCURRENCY = env.int("BIFROST_CONCURRENCY", 100)
ENGINE = {
    "beat_seconds": env.float("BIFROST_BEAT_SECONDS", 4.0),
    "dead_after_seconds": env.float("BIFROST_DEAD_AFTER_SECONDS", 16.0),
    "dead_after_polls": env.int("BIFROST_DEAD_AFTER_POLLS", 5),
    "no_new_step_after_seconds": env.float("BIFROST_NO_NEW_STEP_AFTER_SECONDS", 12.0),
    "blocked_warning_seconds": env.float("BIFROST_BLOCKED_WARNING_SECONDS", 1.0),
    "blocked_limit_seconds": env.float("BIFROST_BLOCKED_LIMIT_SECONDS", 10.0),
    "log_delay_seconds": env.float("BIFROST_LOG_DELAY_SECONDS", 0.25),
    "sync_limit_seconds": env.float("BIFROST_SYNC_LIMIT_SECONDS", 30.0),
    "stop_grace_seconds": env.float("BIFROST_STOP_GRACE_SECONDS", 10.0),
    # Of a process whose code is outdated: others with the new code work meanwhile.
    "retire_grace_seconds": env.float("BIFROST_RETIRE_GRACE_SECONDS", 300.0),
    "workspace_poll_seconds": env.float("BIFROST_WORKSPACE_POLL_SECONDS", 0.5),
    "max_leaked_loops": 4,
    "max_leaked_threads": 4,
    "max_result_bytes": 1_000_000,
    "max_value_bytes": 256_000,
    "max_events": 20_000,
    "max_journal_bytes": 64_000_000,
    "max_logs": 10_000,
    "max_unwritten_logs": 1_000,
    "max_child_depth": 10,
}

# Data providers: how long one may take, and how many run in a process at once, of all and of one organization.
PROVIDERS = {"seconds": env.float("BIFROST_PROVIDER_SECONDS", 10.0), "at_once": 16, "of_one": 4}

# --- Background (django-q2; pitfalls.md, Q1 to Q20) ---------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL", "")
WORKERS = env.int("BIFROST_WORKERS", 2)
WORKER_MAX_RSS_MB = env.int("BIFROST_WORKER_MAX_RSS_MB", 512)  # a worker process that is larger is replaced
# A process that shows no sign of life for so long is killed, and what hangs with it is replaced.
MARK_SECONDS = env.float("BIFROST_MARK_SECONDS", 20.0)
MARKS_FD = env.int("BIFROST_MARKS_FD", -1)  # where a cluster shows that it lives; manage.py workers sets it
Q_CLUSTER = {
    "name": "bifrost",
    "cluster_name": "engine",
    "broker_class": "workflows_app.dispatch.queue.HintBroker",
    "workers": WORKERS,
    "timeout": 60,
    "retry": 300,
    "queue_limit": 1,
    "bulk": 1,
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "recycle": 0,
    "guard_cycle": 1,
    "poll": 1,
    "catch_up": False,
    "scheduler": False,
    "orm": "default",
    "ALT_CLUSTERS": {
        # Ordinary tasks and the maintenance; hosts no engine.
        "tasks": {
            "broker_class": "workflows_app.dispatch.queue.TaskBroker",
            "workers": 1,
            "timeout": 600,
            "retry": 2_400,
            "scheduler": True,
        }
    },
}

# Who watches executions in their pages: how many at once in a web process, and after how long each is asked anew
# whether it still may.
LIVE = {
    "most_watchers": env.int("BIFROST_LIVE_WATCHERS", 500),
    "look_again_seconds": env.float("BIFROST_LIVE_LOOK_AGAIN_SECONDS", 45.0),
}

RETENTION_DAYS = env.int("BIFROST_RETENTION_DAYS", 90)
APPROVAL_SECONDS = env.float("BIFROST_APPROVAL_DAYS", 7.0) * 86_400

# `emails`: who hears of alerts; nobody named: the MSP's owners and admins. `public_url`: under which the pages are
# reached, for links. `late_seconds`: how much longer than expected an execution may wait or run.
ALERTS = {
    "emails": env.list("BIFROST_ALERT_EMAILS", default=[]),
    "webhook_url": env.str("BIFROST_ALERT_WEBHOOK_URL", ""),
    "public_url": env.str("BIFROST_PUBLIC_URL", ""),
    "late_seconds": env.float("BIFROST_OVERDUE_SECONDS", 900.0),
}
# EMAIL_URL such as smtp+tls://user:password@mail.example.com:587. Without one no e-mail is sent.
vars().update(env.email_url("EMAIL_URL", default="dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("BIFROST_EMAIL_FROM", "bifrost@localhost")

# `late_seconds`: how long ago a planned time may be before a schedule that skips missed times leaves it out.
SCHEDULES = {"late_seconds": env.float("BIFROST_SCHEDULE_LATE_SECONDS", 120.0)}

# Steps of provisioning an organization that higher layers add, as dotted paths of functions(OrganizationRecord).
PROVISIONING_STEPS = ["integrations.secrets.prepare_organization"]
# The same before an organization is dropped.
DROPPING_STEPS = [
    "workflows_app.recovery.forget_organization",
    "integrations.oauth.fleet.forget_organization",
    "integrations.secrets.remove_organization",
]
# What forgets an organization's old rows of apps above workflows_app: (organization, before when).
RETENTION_STEPS = ["forms_app.retention.forget_before"]
# Who puts into words what people are told of (`workflows_app.tidings.Teller`).
TELLER = "forms_app.telling.tell"

METRICS_TOKEN = env.str("BIFROST_METRICS_TOKEN", "")  # without one, /metrics does not exist

# --- Logging -----------------------------------------------------------------------------------------------------

HOST_NAME = socket.gethostname()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "logging.Formatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s [%(run)s] %(message)s",
            "defaults": {"run": "-"},  # workflows_app.engine.logs says which execution a line belongs to
        }
    },
    "handlers": {"console": {"class": "bifrost.console.ConsoleHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.str("BIFROST_LOG_LEVEL", "INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # It tells of every hint.
        "django-q": {"level": "WARNING"},
    },
}
