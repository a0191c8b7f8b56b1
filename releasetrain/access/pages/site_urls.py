"""Addresses of access that belong to no organization."""

from django.conf import settings
from django.urls import path

from . import invitations

urlpatterns = [path("invitation/<str:token>", invitations.invited, name="invitation")]

if settings.OPERATORS_ADMIN_PATH:
    from releasetrain.access import operators

    urlpatterns += [path(f"{settings.OPERATORS_ADMIN_PATH}/", operators.site.urls)]
