"""Own pages of gates: publishing a version by form, a result's file, the badge of a release."""

from __future__ import annotations

import math
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import escape
from django.views.decorators.http import require_http_methods, require_safe

from governance import files
from governance.actions.gates import USUAL_WAIVER, WAIVING_ROLES, clean_checks, publish_version
from governance.actions.replays import replay_gate
from governance.checks import registry
from governance.checks.differing import differences, rule_of
from governance.models import Gate, Result
from governance.queries import verdicts
from governance.queries.subjects import gates_before, subject_of
from governance.rules.verdicts import combine
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.refusals import Refusal, Refused, refuse
from trains.models import Environment, Release
from trains.queries.deployments import environments_of

MOST_DRAFTS = 100


@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: Any, ref: str) -> HttpResponse:
    """The form of a new version: each check with its explained parameters, further kinds to add, and what changes."""
    gate = _found(request, Gate, ref)
    refusals: list[Refusal] = []
    version = gate.current_version
    sent, note, status = list(version.checks) if version else [], "", 200
    if request.method == "POST":
        sent, note = _sent(request.POST)
        try:
            if "publish" in request.POST:
                publish_version(request.actor, gate, checks=sent, note=note)
                return redirect_to(gate)
            if "replay" in request.POST:
                return redirect_to(replay_gate(request.actor, gate, checks=sent))
            if sent:
                clean_checks(sent)
        except Refused as refused:
            refusals = refused.refusals
            # Adding and removing is not publishing: what is wrong is shown, and nothing was refused.
            status = refused.status if {"publish", "replay"} & set(request.POST) else 200
    decision = publish_version.decide(request.actor, gate)
    beside, above = _placed(refusals)
    context = {
        "title": f"New version of {gate}",
        "section": "gates",
        "crumbs": [
            ("Gates", links.page_root() + "gates/"),
            (str(gate), links.url_for(gate)),
            ("New version", ""),
        ],
        "gate": gate,
        "version": version,
        "drafts": [_draft(i, spec, beside.get(i, {})) for i, spec in enumerate(sent)],
        "faults": [
            (_anchor(i, name), said) for i, faults in sorted(beside.items()) for name, said in faults.items()
        ],
        "changes": differences(version.checks if version else [], sent),
        "kinds": _by_subject(),
        "roles": [(role.value, role.label) for role in WAIVING_ROLES],
        "note": note,
        "refusals": above or decision.refusals,
        "blocked": not decision.allowed,
        "back": links.url_for(gate),
    }
    return page(request, "governance/gate_publish.html", context, status=status)


# Where the field of a check stands on the page, by its name in a refusal.
_ANCHORS = {"name": "n-{}", "max_age_hours": "a-{}", "waivable": "w-{}", "waived_by": "b-{}", "": "c-{}"}


def _anchor(index: int, name: str) -> str:
    """The place on the page of a check's field."""
    if name.startswith("parameters/"):
        return f"p-{index}-{name.partition('/')[2]}"
    return _ANCHORS.get(name, "c-{}").format(index)


_SUBJECTS = {"release": "About releases", "artifact": "About builds", "any": "About either"}


def _by_subject() -> list[tuple[str, list[registry.CheckKind]]]:
    """The kinds to choose from, grouped by what they are about."""
    found = registry.kinds().values()
    return [
        (label, sorted((k for k in found if k.subject == subject), key=lambda k: k.title))
        for subject, label in _SUBJECTS.items()
    ]


def _placed(refusals: list[Refusal]) -> tuple[dict[int, dict[str, str]], list[Refusal]]:
    """What is wrong, at the field of the check where it is wrong; the rest stands above the form."""
    beside: dict[int, dict[str, str]] = {}
    above = []
    for refusal in refusals:
        parts = (refusal.field or "").split("/")
        if len(parts) >= 2 and parts[0] == "checks" and parts[1].isdigit():
            name = "/".join(parts[2:])
            said = " ".join(filter(None, (refusal.sentence, refusal.remedy)))
            beside.setdefault(int(parts[1]), {})[name] = said
        else:
            above.append(refusal)
    return beside, above


def _draft(index: int, spec: dict[str, Any], faults: dict[str, str]) -> dict[str, Any]:
    """One check as the form shows it, with what is wrong beside each field."""
    kind = registry.find(spec["kind"])
    given = spec.get("parameters", {})
    fields = [
        {
            "name": f"p-{index}-{name}",
            "parameter": p,
            "value": _written(given.get(name, p.default)),
            "type": p.kind.__name__,
            "fault": faults.get(f"parameters/{name}", ""),
        }
        for name, p in (kind.parameters.items() if kind else ())
    ]
    return {
        **spec,
        "index": index,
        "number": index + 1,
        "title": kind.title if kind else spec["kind"],
        "help": kind.help if kind else "",
        "rule": rule_of(spec),
        "fields": fields,
        "waived_by": spec.get("waived_by") or USUAL_WAIVER.value,
        "faults": faults,
        "fault": faults.get("", "") or faults.get("kind", "") or faults.get("parameters", ""),
    }


def _written(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else value


def _sent(data: Any) -> tuple[list[dict[str, Any]], str]:
    """The checks in the order of their numbers, what was removed left out, what was added with its defaults."""
    checks: list[tuple[float, dict[str, Any]]] = []
    for index in data.getlist("check")[:MOST_DRAFTS]:
        if f"remove-{index}" in data:
            continue
        kind = registry.find(data.get(f"kind-{index}", ""))
        given = {
            name: data.get(f"p-{index}-{name}", "") if p.kind is not bool else f"p-{index}-{name}" in data
            for name, p in (kind.parameters.items() if kind else ())
        }
        checks.append(
            (
                _number(data.get(f"order-{index}"), len(checks)),
                {
                    "kind": data.get(f"kind-{index}", ""),
                    "name": data.get(f"name-{index}", ""),
                    "parameters": given,
                    "max_age_hours": _number(data.get(f"age-{index}"), 0),
                    "waivable": f"waivable-{index}" in data,
                    "waived_by": data.get(f"by-{index}", ""),
                },
            )
        )
    checks.sort(key=lambda pair: pair[0])
    wanted = [spec for _, spec in checks]
    added = registry.find(data.get("add", ""))
    if added:
        names = {spec["name"] for spec in wanted}
        name = next(n for n in (added.kind, *(f"{added.kind}-{i}" for i in range(2, 99))) if n not in names)
        wanted.append(
            {
                "kind": added.kind,
                "name": name,
                "parameters": {n: p.default for n, p in added.parameters.items()},
                "max_age_hours": added.max_age_hours,
                "waivable": True,
                "waived_by": "",
            }
        )
    return wanted, data.get("note", "")


def _number(text: str | None, otherwise: float) -> float:
    try:
        number = float(text or "")
    except ValueError:
        return otherwise
    if not math.isfinite(number) or abs(number) > 1e9:
        return otherwise
    return int(number) if number == int(number) else number


@require_safe
def result_file(request: Any, ref: str) -> HttpResponse:
    """A report as it was received: as an attachment, never rendered."""
    return report_as_received(_found(request, Result, ref))


def report_as_received(result: Result) -> HttpResponse:
    """An attachment that no browser takes for anything but a file to keep."""
    try:
        content = files.read(result.file)
    except files.Disposed as disposed:
        refuse("file.disposed", str(disposed), remedy="The result that was read from it stays.", status=410)
    except files.Damaged as damage:
        raise Http404(str(damage)) from damage
    extension = {"application/json": "json", "application/xml": "xml"}.get(result.file.media_type, "txt")
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{result.kind}-{result.digest[7:19]}.{extension}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


_COLOURS = {"pass": "#2f7d4f", "fail": "#b3261e", "error": "#b3261e", "pending": "#6b7280"}


@require_safe
def badge(request: HttpRequest, ref: str) -> HttpResponse:
    """The release's standing verdict before an environment (production unless asked otherwise), as a picture."""
    release = _found(request, Release, ref)
    wanted = request.GET.get("environment", "")
    targets = [e for e in environments_of(release.train) if (e.name == wanted if wanted else e.is_production)]
    word = _verdict_before(release, targets)
    label = f"gate {targets[0].name}" if len(targets) == 1 else "gates"
    response = HttpResponse(_svg(label, word), content_type="image/svg+xml")
    response["Cache-Control"] = "private, no-cache"
    return response


def _verdict_before(release: Release, environments: list[Environment]) -> str:
    subject = subject_of(release, None)
    gates = [g for e in environments for g in gates_before(e, subject) if g.mode == Gate.Mode.ACTIVE]
    found = [verdicts.latest(gate, subject) for gate in gates]
    return combine(verdicts.standing_verdict(e) if e else "pending" for e in found)


def _svg(label: str, word: str) -> str:
    left, right = 12 + 7 * len(label), 12 + 7 * len(word)
    total = left + right
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img"'
        f' aria-label="{escape(label)}: {word}">'
        f"<title>{escape(label)}: {word}</title>"
        f'<rect width="{left}" height="20" fill="#374151"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[word]}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{escape(label)}</text><text x="{left + right / 2:g}" y="14">{word}</text></g></svg>'
    )


def _found(request: Any, model: Any, ref: str) -> Any:
    resource = resource_of(model)
    found = resource.find(request.actor, ref) if resource else None
    if found is None:
        raise Http404
    return found
