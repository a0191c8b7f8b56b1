"""Addresses of the pages of segregated duties and of rollback authorisation."""

from django.urls import path

from . import duties, rollbacks

urlpatterns = [
    path("duties/", duties.duties, name="duties"),
    path("rollbacks/", rollbacks.rollbacks, name="rollbacks"),
]
