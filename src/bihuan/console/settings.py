"""Django's settings: everything that differs between installations comes from `engine.config.Config`."""

from __future__ import annotations

import os
from pathlib import Path

from bihuan.engine.config import Config

CONFIG = Config.from_env()
PACKAGE = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("BIHUAN_SECRET_KEY") or CONFIG.secret("django-secret")
DEBUG = os.environ.get("BIHUAN_DEBUG") == "1"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bihuan.console.urls"
WSGI_APPLICATION = "bihuan.console.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "bihuan.govern",
    "bihuan.catalog",
    "bihuan.collect",
    "bihuan.see",
    "bihuan.analyse",
    "bihuan.act",
    "bihuan.console",
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": CONFIG.data / "bihuan.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
        },
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
