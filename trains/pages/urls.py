"""Addresses of trains' own pages, below /o/<organization>/."""

from django.urls import path

from . import boundaries, briefs, calendar, compatibility, volatility

app_name = "trains"
urlpatterns = [
    path("boundaries/", boundaries.show, name="boundaries"),
    path("calendar/", calendar.show, name="calendar"),
    path("compatibility/", compatibility.matrix, name="compatibility"),
    path("can-i-deploy/", compatibility.can_i_deploy, name="can_i_deploy"),
    path("scope-volatility/", volatility.show, name="scope_volatility"),
    path("content-briefs/<str:ref>/brief.pdf", briefs.document, {"form": "pdf"}, name="brief_pdf"),
    path("content-briefs/<str:ref>/brief.html", briefs.document, {"form": "html"}, name="brief_html"),
]
