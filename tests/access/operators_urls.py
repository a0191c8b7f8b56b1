"""The installation's addresses with the operators' admin switched on."""

from django.urls import include, path

from releasetrain.access import operators

urlpatterns = [path("operators/", operators.site.urls), path("", include("releasetrain.urls"))]
handler404 = "releasetrain.interface.errors.not_found"
