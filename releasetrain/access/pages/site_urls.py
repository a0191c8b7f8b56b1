"""Addresses of access that belong to no organization."""

from django.urls import path

from . import invitations

urlpatterns = [path("invitation/<str:token>", invitations.invited, name="invitation")]
