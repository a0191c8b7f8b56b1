"""People, sign-in (django-allauth) and object permissions (django-guardian)."""

from .environment import env
from .security import HTTPS

__all__ = [
    "ACCOUNT_ADAPTER",
    "ACCOUNT_EMAIL_VERIFICATION",
    "ACCOUNT_LOGIN_METHODS",
    "ACCOUNT_PREVENT_ENUMERATION",
    "ACCOUNT_RATE_LIMITS",
    "ACCOUNT_REAUTHENTICATION_TIMEOUT",
    "ACCOUNT_SESSION_REMEMBER",
    "ACCOUNT_SIGNUP_FIELDS",
    "ACCOUNT_USER_MODEL_USERNAME_FIELD",
    "ANONYMOUS_USER_NAME",
    "AUTHENTICATION_BACKENDS",
    "AUTH_PASSWORD_VALIDATORS",
    "AUTH_USER_MODEL",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_BACKEND",
    "EMAIL_FILE_PATH",
    "EMAIL_HOST",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_HOST_USER",
    "EMAIL_PORT",
    "EMAIL_TIMEOUT",
    "EMAIL_USE_TLS",
    "GUARDIAN_AUTO_PREFETCH",
    "GUARDIAN_USER_OBJ_PERMS_MODEL",
    "LOGIN_REDIRECT_URL",
    "LOGIN_URL",
    "MFA_ALLOW_UNVERIFIED_EMAIL",
    "MFA_PASSKEY_LOGIN_ENABLED",
    "MFA_SUPPORTED_TYPES",
    "MFA_TOTP_ISSUER",
    "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN",
    "PASSWORD_HASHERS",
    "SELF_SERVICE_ORGANIZATIONS",
    "SILENCED_SYSTEM_CHECKS",
]

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "releasetrain.accounts.passwords.GuessablePassword"},
    {
        "NAME": "releasetrain.accounts.passwords.BreachedPassword",
        "OPTIONS": {"folder": env.str("BREACHED_PASSWORDS", default="")},
    },
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "releasetrain.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = env.str("ACCOUNT_EMAIL_VERIFICATION", default="none")
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key", "signup": "20/h/ip"}
# Acts that need a step-up ask for a proof that is no older than this.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 60 * env.int("STEP_UP_MINUTES", default=15)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# Where nobody confirms addresses, waiting for that would keep everybody from a second factor.
MFA_ALLOW_UNVERIFIED_EMAIL = ACCOUNT_EMAIL_VERIFICATION == "none"
MFA_PASSKEY_LOGIN_ENABLED = True
# Browsers give passkeys to http://localhost, and to no other address without TLS.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
MFA_TOTP_ISSUER = "Release Train"
SELF_SERVICE_ORGANIZATIONS = env.bool("SELF_SERVICE_ORGANIZATIONS", default=True)

# A host alone is enough to say that mail really goes.
EMAIL_HOST = env.str("EMAIL_HOST", default="")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=20)
# A folder instead of a server: one file for each mail, to be read on this machine.
EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH", default="")
EMAIL_BACKEND = env.str(
    "EMAIL_BACKEND",
    default="django.core.mail.backends.{}.EmailBackend".format(
        "smtp" if EMAIL_HOST else "filebased" if EMAIL_FILE_PATH else "console"
    ),
)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Release Train <no-reply@localhost>")

# guardian.W001: permissions are read once per request from guardian's table (accounts.permissions), not by its backend.
# auth.W004: e-mail addresses are unique by a constraint on lower(email).
SILENCED_SYSTEM_CHECKS = ["guardian.W001", "auth.W004"]
ANONYMOUS_USER_NAME = None
GUARDIAN_AUTO_PREFETCH = False
GUARDIAN_USER_OBJ_PERMS_MODEL = "accounts.ObjectPermission"
