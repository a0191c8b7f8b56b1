"""The installation: settings, ground floor packages and the composition root."""

# Tasks are declared for whichever Celery application is current: it has to be ours, in the web process too.
from .celery import app as celery_app

__all__ = ["celery_app"]
