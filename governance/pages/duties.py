"""Pages of segregated duties: the matrix with its near misses and uses, and the panel of a change or a release."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from governance.models import ChangeDeployment, ChangeRequest, DutyException, DutyMatrix, DutyNearMiss
from governance.queries import duties as queries
from governance.rules import duties as rules
from governance.rules.duties import Act
from releasetrain.audit.doorway import actions
from releasetrain.interface import links
from releasetrain.interface.pages import page

SHOWN = 25
_TONES = {"allowed": "ok", "second_person": "warn", "forbidden": "bad"}


@require_safe
def duties(request: HttpRequest) -> HttpResponse:
    """The conflict matrix in force, what was tried against it, what was let through, and what was found out later."""
    matrix = queries.in_force()
    proposed = (
        DutyMatrix.objects.filter(state=DutyMatrix.State.PROPOSED).select_related("proposed_by").first()
    )
    change = actions()["duty_matrix.change"]
    request_exception = actions()["duty_exception.request"]
    actor = request.actor  # type: ignore[attr-defined]
    violations = queries.violations()
    unauthorised = ChangeDeployment.objects.filter(authorised=False).select_related(
        "deployment__service", "deployment__environment", "change"
    )
    rows = matrix_rows()
    misses = DutyNearMiss.objects.select_related("user", "change")
    return page(
        request,
        "governance/duties.html",
        {
            "section": "duties",
            "matrix": matrix,
            "proposed": proposed,
            "confirm_url": links.verb_url(actions()["duty_matrix.confirm"], proposed) if proposed else "",
            "confirm": actions()["duty_matrix.confirm"].decide(actor, proposed) if proposed else None,
            "rows": [row for row in rows if row["kept_apart"]],
            "free": [f"{row['first']}, {row['second'].lower()}" for row in rows if not row["kept_apart"]],
            "near_misses": list(misses[:SHOWN]),
            "near_miss_count": misses.count(),
            "exceptions": list(
                DutyException.objects.select_related("change", "user", "granted_by", "used_for__service")[
                    :SHOWN
                ]
            ),
            "exception_count": DutyException.objects.count(),
            "violations": violations[:SHOWN],
            "violation_count": len(violations),
            "unauthorised": list(unauthorised[:SHOWN]),
            "unauthorised_count": unauthorised.count(),
            "change": change.decide(actor),
            "change_url": links.verb_url(change),
            "ask": request_exception.decide(actor),
            "ask_url": links.verb_url(request_exception),
            "root": links.page_root(),
        },
    )


def matrix_rows() -> list[dict[str, Any]]:
    """One row for each pair, what holds beside the floor; those that are kept apart first."""
    cells = queries.cells_in_force()
    found = []
    for pair in rules.PAIRS:
        first, second = sorted(pair.split("+"), key=list(Act).index)
        levels = [_cell(pair, tier, rules.level(cells, tier, first, second)) for tier in rules.TIERS]
        found.append(
            {
                "first": rules.LABELS[first],
                "second": rules.LABELS[second],
                "levels": levels,
                "kept_apart": any(level["value"] != "allowed" for level in levels),
            }
        )
    return sorted(found, key=lambda row: not row["kept_apart"])


def _cell(pair: str, tier: str, value: str) -> dict[str, Any]:
    floor = rules.FLOOR[pair][tier]
    return {
        "tier": f"{tier.capitalize()} risk",
        "value": value,
        "tone": _TONES[value],
        "label": rules.LEVEL_LABELS[value],
        "stricter": rules.RANK[value] > rules.RANK[floor],
        "fixed": floor == rules.Level.FORBIDDEN,
    }


def duties_panel(request: Any, change: ChangeRequest) -> dict[str, Any]:
    """Who did what on the change's chain, who may still approve it and why others may not."""
    done = queries.acts_of(change)
    void = queries.approvals_that_do_not_count(change, done)
    chairs = queries.chairs(change, done) if change.state in _DECIDED_LATER else []
    exceptions = change.duty_exceptions.select_related("user", "granted_by")
    ask = actions()["duty_exception.request"]
    return {
        "change": change,
        "hands": queries.hands(done),
        "chairs": chairs,
        "free": sum(c.may for c in chairs),
        "void": [h.user for h in queries.hands(done) if h.user.pk in void],
        "exceptions": list(exceptions),
        "mine": _mine(request, change, done),
        "ask": ask.decide(request.actor),
        "ask_url": f"{links.verb_url(ask)}?change={change.pk}",
        "report_url": f"{links.page_root()}duties/",
    }


_DECIDED_LATER = (ChangeRequest.State.DRAFT, ChangeRequest.State.AWAITING_APPROVAL)


def _mine(request: Any, change: ChangeRequest, done: list[queries.Done]) -> list[dict[str, Any]]:
    """What this viewer may do on the chain, and what keeps them from the rest."""
    user_id = request.actor.user_id
    if user_id is None or not any(d.user_id == user_id for d in done):
        return []
    found = []
    for act, verb in ((Act.APPROVED, "approve"), (Act.DEPLOYED, "deploy"), (Act.VALIDATED, "validate")):
        against = queries.standing_against(change, user_id, act, done)
        if against:
            did = " and ".join(queries.says(c) for c in against)
            found.append({"verb": verb, "why": did})
    return found
