"""Addresses outside any organization."""

from django.urls import path

from . import hooks, own_sessions, scim, sign_on, site

urlpatterns = [
    path("hooks/<slug:org>/<uuid:source>", hooks.receive, name="hooks"),
    path("", site.landing, name="landing"),
    path("organizations/new/", site.new_organization, name="new_organization"),
    path("accounts/profile/", site.profile, name="profile"),
    path("accounts/sessions/", own_sessions.show, name="sessions"),
    path("accounts/sso/", sign_on.find, name="find_sign_on"),
    path("accounts/sso/callback/", sign_on.callback, name="sign_on_callback"),
    path("accounts/sso/<slug:slug>/start/", sign_on.start, name="sign_on"),
    path("accounts/sso/<slug:slug>/break-glass/", sign_on.glass, name="break_glass"),
    path("scim/<slug:org>/v2", scim.answer),
    path("scim/<slug:org>/v2/<path:path>", scim.answer, name="scim"),
]
