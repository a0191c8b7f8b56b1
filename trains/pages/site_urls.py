"""Addresses of trains that need no sign-in: the public release log, and the calendar feed, known by its secret."""

from django.urls import path

from . import feeds, public_log

urlpatterns = [
    path("log/<slug:org>/<slug:slug>/", public_log.show, name="public_log"),
    path("log/<slug:org>/<slug:slug>/log.atom", public_log.show, {"form": "atom"}),
    path("log/<slug:org>/<slug:slug>/log.rss", public_log.show, {"form": "rss"}),
    path("log/<slug:org>/<slug:slug>/log.json", public_log.show, {"form": "json"}),
    path("calendar/<slug:slug>/<str:secret>.ics", feeds.feed, name="calendar-feed"),
]
