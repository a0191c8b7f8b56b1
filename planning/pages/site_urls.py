"""Addresses of planning that need no login."""

from django.urls import path

from . import wall

urlpatterns = [path("wall/<slug:org>/<str:secret>/", wall.show, name="wall")]
