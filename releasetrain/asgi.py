"""ASGI entry point, for installations that prefer it."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releasetrain.settings")
application = get_asgi_application()
