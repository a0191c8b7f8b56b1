"""Addresses of the change advisory board, of minutes, and of the pages around risk and policy."""

from django.urls import path

from . import cab, minutes, policies, policy_form

urlpatterns = [
    path("cab/", cab.desk, name="cab"),
    path("cab/minutes/<uuid:ref>/", minutes.minutes, name="cab_minutes"),
    path("cab/minutes/<uuid:ref>.pdf", minutes.minutes_pdf, name="cab_minutes_pdf"),
    path("cab/meeting/<uuid:ref>/<str:tail>/", cab.meeting_act, name="cab_meeting_act"),
    path("cab/<str:reference>/", cab.desk, name="cab_change"),
    path("cab/<str:reference>/vote/", cab.vote, name="cab_vote"),
    path("changes/<str:reference>/risk/", policies.questionnaire_page, name="change_risk"),
    path("approval-policies/new-version/", policy_form.new_version, name="approval_policy_form"),
    path("what-would-decide/", policies.what_if, name="what_would_decide"),
]
