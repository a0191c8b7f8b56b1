"""The Celery application: workers evaluate gates, build evidence and consume the ledger."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releasetrain.settings")
app = Celery("releasetrain")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
