"""WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

from releasetrain import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releasetrain.settings")
tracing.begin("web")
application = get_wsgi_application()
