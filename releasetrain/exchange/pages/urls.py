"""Addresses below /o/<organization>/ that belong to no single domain."""

from django.urls import path

from . import audit, events, home, notifications, organization, tools

urlpatterns = [
    path("", home.show, name="home"),
    path("integrations/", events.integrations, name="integrations"),
    path("tools/", tools.show, name="tools"),
    path("tools/export.csv", tools.export, name="tools_export"),
    path("notifications/settings/", notifications.settings, name="notification_settings"),
    path("settings/", organization.settings, name="settings"),
    path("service-accounts/<str:reference>/token/", organization.new_token, name="new_token"),
    path("audit/", audit.trail, name="audit_trail"),
    path("audit/export.csv", audit.export, name="audit_export"),
    path("audit/<int:number>/", audit.entry, name="audit_entry"),
]
