"""Addresses outside any organization."""

from django.urls import path

from . import hooks, site

urlpatterns = [
    path("hooks/<slug:org>/<uuid:source>", hooks.receive, name="hooks"),
    path("", site.landing, name="landing"),
    path("organizations/new/", site.new_organization, name="new_organization"),
    path("accounts/profile/", site.profile, name="profile"),
]
