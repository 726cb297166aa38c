"""Django's settings: everything that differs between installations comes from the environment, see `engine.config`."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF, UNSAFE_INLINE

from bihuan.console.database import database
from bihuan.engine.config import Config

CONFIG = Config.from_env()
PACKAGE = Path(__file__).resolve().parent.parent
_PUBLIC = urlsplit(CONFIG.public_url)
_SECURE = _PUBLIC.scheme == "https"

SECRET_KEY = os.environ.get("BIHUAN_SECRET_KEY") or CONFIG.secret("django-secret")
DEBUG = os.environ.get("BIHUAN_DEBUG") == "1"
ALLOWED_HOSTS = list(
    filter(None, [_PUBLIC.hostname, "localhost", "127.0.0.1", "[::1]", *os.environ.get("BIHUAN_HOSTS", "").replace(" ", "").split(",")])
)
ROOT_URLCONF = "bihuan.console.urls"
WSGI_APPLICATION = "bihuan.console.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database(CONFIG)}

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    # The console comes first so that its templates replace those of the packages below.
    "bihuan.console",
    "bihuan.act",
    "bihuan.collect",
    "bihuan.see",
    "bihuan.analyse",
    "bihuan.catalog",
    "bihuan.govern",
    "allauth",
    "allauth.account",
    "axes",
    "django_htmx",
    "django_cotton.apps.SimpleAppConfig",
    "ninja",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "bihuan.console.reader.reader_middleware",
    "bihuan.console.errors.ErrorPages",
    "axes.middleware.AxesMiddleware",
]

# Loaders are explicit: the automatic ones of several template packages overwrite each other.
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                ("django.template.loaders.cached.Loader", ["bihuan.console.templating.Loader"]),
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "django.templatetags.i18n",
                "django.templatetags.static",
                "bihuan.console.templatetags.page",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "bihuan.govern.web.member_context",
            ],
        },
    }
]
COTTON_DIR = "console/components"

# Log-in by user name or e-mail; accounts are made by owners. axes locks out who guesses passwords.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "bihuan.govern.accounts.ClosedSignup"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "login"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
SILENCED_SYSTEM_CHECKS = ["axes.W003"]  # the stand-alone backend is the first one

SESSION_COOKIE_NAME = "bihuan_session"
SESSION_COOKIE_AGE = 14 * 86_400
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = False  # pages read it for htmx requests
CSRF_FAILURE_VIEW = "bihuan.console.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = [f"{_PUBLIC.scheme}://{_PUBLIC.netloc}"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"  # the preview of a message is a frame of our own
if _SECURE:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 30 * 86_400
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
        "form-action": [SELF],
        "base-uri": [SELF],
        "object-src": [NONE],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_COOKIE_NAME = "bihuan_language"
LANGUAGE_COOKIE_AGE = 365 * 86_400
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_I18N = True
LOCALE_PATHS = sorted([PACKAGE / "engine" / "locale", *PACKAGE.glob("*/*/**/locale")])  # of features; Django finds the stages' own
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # straight from the package: nothing to collect


def WHITENOISE_IMMUTABLE_FILE_TEST(path: str, url: str) -> bool:  # noqa: N802 - the name is whitenoise's
    """Vendored files carry their version in their name."""
    return "/vendor/" in url


DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

_SMTP = urlsplit(CONFIG.smtp_url)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if CONFIG.smtp_url else 'console'}.EmailBackend"
EMAIL_HOST = _SMTP.hostname or "localhost"
EMAIL_HOST_USER = unquote(_SMTP.username or "")
EMAIL_HOST_PASSWORD = unquote(_SMTP.password or "")
EMAIL_USE_SSL = _SMTP.scheme == "smtps"
EMAIL_USE_TLS = parse_qs(_SMTP.query).get("starttls", ["0"])[-1] in ("1", "true", "yes")
EMAIL_PORT = _SMTP.port or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("BIHUAN_FROM_EMAIL", f"bihuan@{_PUBLIC.hostname or 'localhost'}")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"bihuan": {"level": "INFO"}, "django.request": {"level": "ERROR"}},
}
