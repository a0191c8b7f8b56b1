"""Addresses of trains' own pages, below /o/<organization>/."""

from django.urls import path

from . import boundaries, calendar

app_name = "trains"
urlpatterns = [
    path("boundaries/", boundaries.show, name="boundaries"),
    path("calendar/", calendar.show, name="calendar"),
]
