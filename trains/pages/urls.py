"""Addresses of trains' own pages, below /o/<organization>/."""

from django.urls import path

from . import calendar

app_name = "trains"
urlpatterns = [path("calendar/", calendar.show, name="calendar")]
