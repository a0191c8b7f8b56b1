"""Addresses of dashboards. What has an address of its own below metrics/ comes before the names of dashboards."""

from django.urls import path, re_path

from . import dashboards, wall

urlpatterns = [
    path("wall/", wall.wall, name="wall"),
    path("metrics/", dashboards.first, name="metrics"),
    re_path(
        r"^metrics/(?P<name>[a-z][a-z0-9-]*)\.(?P<form>csv|pdf|png)$",
        dashboards.as_file,
        name="dashboard_file",
    ),
    path("metrics/<str:name>/", dashboards.show, name="dashboard"),
    path("metrics/<slug:name>/<str:figure>/", dashboards.rows, name="dashboard_rows"),
]
