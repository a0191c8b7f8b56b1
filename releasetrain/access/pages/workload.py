"""Workload identity: the rules, how they were used, what to write into a pipeline, and a trial of claims."""

from __future__ import annotations

from typing import Any

import orjson
from django import forms
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from releasetrain.access.models import TrustRule
from releasetrain.access.queries import trust
from releasetrain.audit.doorway import actions
from releasetrain.interface.links import verb_url
from releasetrain.interface.pages import page

_EXAMPLE = """{
  "iss": "https://token.actions.githubusercontent.com",
  "aud": "%s",
  "sub": "repo:acme/ledger:ref:refs/heads/main",
  "repository": "acme/ledger",
  "ref": "refs/heads/main",
  "event_name": "push"
}"""


class TrialForm(forms.Form):
    """The claims of a token, as JSON. Never a token: what is pasted here would be in many hands."""

    claims = forms.CharField(
        label="Claims",
        max_length=16_000,
        widget=forms.Textarea(attrs={"rows": 9, "spellcheck": "false", "class": "mono"}),
        help_text="The claims as JSON, not the token itself. Nothing of it is kept.",
    )

    def clean_claims(self) -> dict[str, Any]:
        text = self.cleaned_data["claims"]
        if text.strip().startswith("eyJ"):
            raise forms.ValidationError(
                "This is a token. Paste its claims: the JSON in its middle part, decoded."
            )
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from error
        if not isinstance(value, dict):
            raise forms.ValidationError("Give a JSON object, e.g. {…}.")
        return value


@require_http_methods(["GET", "POST"])
def overview(request: Any) -> HttpResponse:
    """Which pipelines are trusted, and why a token would be taken or not. A POST only tries."""
    trust.require_manager(request.actor)
    audience = trust.audience()
    form = TrialForm(request.POST or None, initial={"claims": _EXAMPLE % audience})
    tried = trust.tried(form.cleaned_data["claims"]) if request.method == "POST" and form.is_valid() else None
    rules = list(TrustRule.objects.select_related("service_account").order_by("disabled_at", "name"))
    used = trust.uses()
    create = actions()["trust_rule.create"]
    context = {
        "section": "settings",
        "title": "Workload identity",
        "crumbs": [("Settings", f"/o/{request.organization.slug}/settings/"), ("Workload identity", "")],
        "rules": [{"rule": rule, "use": used.get(rule.pk, {})} for rule in rules],
        "create": (create.decide(request.actor), verb_url(create)),
        "form": form,
        "tried": tried,
        "audience": audience,
        "host": request.build_absolute_uri("/").rstrip("/"),
    }
    return page(request, "access/workload_identity.html", context, status=422 if form.errors else 200)


def rule_page(request: Any, rule: TrustRule) -> dict[str, Any]:
    """The last accesses and the snippet for the pipeline."""
    return {
        "accesses": trust.accesses(rule),
        "host": request.build_absolute_uri("/").rstrip("/"),
        "audience": rule.audience,
    }
