"""Addresses of the installation: forms that make something, pages of apps, then all else that is generated."""

from django.urls import include, path

from releasetrain.interface import discovery, health
from releasetrain.interface.views import routes

_OWN = [path("", include(own)) for own in discovery.modules("pages.urls")]

urlpatterns = [
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("api/", include("releasetrain.api_urls")),
    path("o/<slug:org>/", include([*routes.making(), *_OWN, *routes.patterns()])),
    *(path("", include(own)) for own in discovery.modules("pages.site_urls")),
    path("", include("releasetrain.interface.frame")),
    path("", include("releasetrain.interface.styleguide.urls")),
    path("accounts/", include("allauth.urls")),
]

handler400 = "releasetrain.interface.errors.bad_request"
handler403 = "releasetrain.interface.errors.forbidden"
handler404 = "releasetrain.interface.errors.not_found"
handler500 = "releasetrain.interface.errors.failed"
