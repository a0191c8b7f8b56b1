"""Templates, static files, REST framework and the API schema."""

from importlib.util import find_spec
from pathlib import Path

from .environment import BASE_DIR, DEBUG, VAR, env
from .files import FILES_STORAGE

__all__ = [
    "API_REQUESTS_PER_MINUTE",
    "REST_FRAMEWORK",
    "SPECTACULAR_SETTINGS",
    "STATICFILES_DIRS",
    "STATICFILES_FINDERS",
    "STATIC_ROOT",
    "STATIC_URL",
    "STORAGES",
    "TEMPLATES",
    "TOKEN_GUESSES_PER_MINUTE",
    "WHITENOISE_KEEP_ONLY_HASHED_FILES",
]

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
            ],
        },
    }
]
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(VAR / "static"))
# The browser's part of passkeys is the sign-in library's own.
_ALLAUTH = Path(str(find_spec("allauth").origin)).parent  # type: ignore[union-attr]
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("mfa", _ALLAUTH / "mfa" / "static" / "mfa"),
    ("account", _ALLAUTH / "account" / "static" / "account"),
]
# Ours alone: what the installed packages bring along is shown nowhere, and some of it cannot be hashed.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
if env.str("OPERATORS_ADMIN_PATH", default=""):
    STATICFILES_FINDERS.append("releasetrain.access.operators.AdminFiles")
STORAGES = {
    "default": FILES_STORAGE,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "releasetrain.interface.static.HashedModulesStorage"
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False

API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=1200)
# Tokens that are none, from one address or for one token; then 429 until the minute is over.
TOKEN_GUESSES_PER_MINUTE = env.int("TOKEN_GUESSES_PER_MINUTE", default=30)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "releasetrain.accounts.authentication.TokenAuthentication",
        "releasetrain.access.authentication.WorkloadAuthentication",
        "releasetrain.accounts.authentication.BrowserSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["releasetrain.interface.api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "releasetrain.interface.api.parsing.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "releasetrain.interface.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Release Train API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
}
