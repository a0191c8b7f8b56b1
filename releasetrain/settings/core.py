"""Installed apps, middleware, URLs, language and time."""

from .environment import BASE_DIR, DEBUG, VAR, env

__all__ = [
    "ALLOWED_HOSTS",
    "ASGI_APPLICATION",
    "BASE_DIR",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "DEFAULT_AUTO_FIELD",
    "FORMAT_MODULE_PATH",
    "INSTALLED_APPS",
    "LANGUAGES",
    "LANGUAGE_CODE",
    "LOCALE_PATHS",
    "METRICS_TOKEN",
    "MIDDLEWARE",
    "OPERATORS_ADMIN_PATH",
    "PUBLIC_URL",
    "RELEASETRAIN_SIGNING_KEY",
    "ROOT_URLCONF",
    "SECRET_KEY",
    "TIME_ZONE",
    "USE_I18N",
    "USE_TZ",
    "VAR",
    "WSGI_APPLICATION",
]

SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    key_file = VAR / "secret_key"
    SECRET_KEY = key_file.read_text().strip() if key_file.exists() else ""
if not SECRET_KEY:
    from django.core.exceptions import ImproperlyConfigured

    raise ImproperlyConfigured("Set SECRET_KEY, or start once with `make run`, which creates var/secret_key.")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Where people reach the installation, for links in mail and messages.
_public_url = env.str("PUBLIC_URL", default="http://localhost:8000")
PUBLIC_URL = _public_url.removesuffix("/")
# What the operators' Prometheus gives to read /metrics; without it there is no such address.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
RELEASETRAIN_SIGNING_KEY = env.str("RELEASETRAIN_SIGNING_KEY", default=str(VAR / "keys" / "ledger.pem"))

# Where operators find Django's admin, e.g. operators; without it there is none.
_admin_path = env.str("OPERATORS_ADMIN_PATH", default="")
OPERATORS_ADMIN_PATH = _admin_path.strip("/")

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "guardian",
    "simple_history",
    "django_htmx",
    "template_partials",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "releasetrain.kernel",
    "releasetrain.tenancy",
    "releasetrain.audit",
    "releasetrain.accounts",
    "releasetrain.interface",
    "releasetrain.embedded",
    "trains",
    "governance",
    "planning",
    "problems",
    "reviews",
    "metrics",
    "releasetrain.access",
    "releasetrain.exchange",
    "releasetrain.operations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "releasetrain.interface.observing.ObservingMiddleware",
    "csp.middleware.CSPMiddleware",
    "releasetrain.interface.middleware.RequestIdMiddleware",
    # Settled verdicts in one read, before anything that a pipeline's question does not need.
    "governance.api.settled.SettledVerdicts",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "releasetrain.accounts.sessions.LastUse",
    "django_htmx.middleware.HtmxMiddleware",
    # Before the tenant scope opens: waiting without a transaction.
    "governance.api.settled.AwaitedVerdicts",
    "releasetrain.interface.middleware.OrganizationMiddleware",
]

ROOT_URLCONF = "releasetrain.urls"
WSGI_APPLICATION = "releasetrain.wsgi.application"
ASGI_APPLICATION = "releasetrain.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "releasetrain.settings.formats"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
