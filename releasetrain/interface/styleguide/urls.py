"""The address of the style guide."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from releasetrain.interface.pages import page

from . import samples


def guide(request: HttpRequest) -> HttpResponse:
    """All components with invented content; the same page that the accessibility tests look at."""
    return page(request, "styleguide/index.html", samples.context())


urlpatterns = [path("styleguide/", guide, name="styleguide")]
