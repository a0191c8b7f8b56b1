"""Addresses of the API: verbs that make something, what apps add by hand, then all else that is generated."""

from django.urls import include, path

from releasetrain.interface import discovery
from releasetrain.interface.api import explorer, routes, schema

_OWN = [path("", include(own)) for own in discovery.modules("api.urls")]

urlpatterns = [
    path("", explorer.index, name="api-explorer"),
    path("schema/", schema.show, name="api-schema"),
    path("problems/", explorer.problems, name="api-problems"),
    path("problems/<str:code>", explorer.problem, name="api-problem"),
    path("v1/orgs/<slug:org>/", include([*routes.making(), *_OWN, *routes.patterns()])),
]
