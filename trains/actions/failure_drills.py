"""Verbs of failure drills, and of the alerts by which they are judged."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Ref, Refusal, action, register_guard
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Environment, FailureDrill, ObservedAlert, Service
from trains.queries.drills import matches_of
from trains.rules import drills as rules
from trains.states_delivery import FAILURE_DRILL_STATES

State = FailureDrill.State
AHEAD = timedelta(minutes=5)
# Monitoring may tell of an alert a while after it fired.
GRACE = timedelta(minutes=10)
REJUDGED = timedelta(days=1)
MOST = 2_000
_SIGNALS = list(FailureDrill._meta.get_field("signal").flatchoices)

Expected = Annotated[
    str,
    Field("Alerts that must fire", help=f"One a line, like: {rules.EXAMPLE}.", long=True, max_length=10_000),
]
Signal = Annotated[str, Field("Way of failing", choices=_SIGNALS)]
Scenario = Annotated[
    str,
    Field(
        "Scenario", help="What is made to fail, and how it is put right again.", long=True, max_length=10_000
    ),
]


def _expected(text: str) -> list[dict[str, Any]]:
    try:
        return [each.as_json() for each in rules.read_expected(text)]
    except rules.DrillError as error:
        refuse("failure_drill.expected", str(error), field="expected")


def _signal(word: str) -> str:
    if word not in rules.SIGNALS:
        refuse("failure_drill.signal", f"One of {', '.join(rules.SIGNALS)}.", field="signal")
    return word


@action(
    "failure_drill.plan",
    creates=FailureDrill,
    requires="releases.manage",
    within="service",
    label="Plan a drill",
)
def plan_drill(
    actor: Actor,
    *,
    service: Annotated[Service, Field("Service")],
    environment: Annotated[Environment, Field("Environment")],
    title: Annotated[str, Field("Title", max_length=200)],
    scenario: Scenario,
    expected: Expected,
    signal: Signal = "errors",
    planned_for: Annotated[datetime | None, Field("Planned for")] = None,
    led_by: Annotated[User | None, Field("Led by", help="Empty: you.")] = None,
) -> FailureDrill:
    """Plan to make something fail, and say which alerts must fire how soon."""
    if not title.strip() or not scenario.strip():
        refuse(
            "required",
            "A drill has a title and a scenario.",
            field="scenario" if title.strip() else "title",
        )
    drill = FailureDrill(
        service=service,
        environment=environment,
        title=title.strip(),
        scenario=scenario.strip(),
        expected=_expected(expected),
        signal=_signal(signal),
        planned_for=planned_for,
    )
    drill.led_by_id = led_by.pk if led_by else actor.user_id
    drill.save()
    return drill


@action("failure_drill.edit", on=FailureDrill, requires="releases.manage", machine=FAILURE_DRILL_STATES)
def edit_drill(
    actor: Actor,
    drill: FailureDrill,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    scenario: Annotated[str | None, Field("Scenario", long=True, max_length=10_000)] = None,
    expected: Annotated[
        str | None,
        Field(
            "Alerts that must fire", help=f"One a line, like: {rules.EXAMPLE}.", long=True, max_length=10_000
        ),
    ] = None,
    signal: Annotated[str | None, Field("Way of failing", choices=_SIGNALS)] = None,
    planned_for: Annotated[datetime | None, Field("Planned for")] = None,
    led_by: Annotated[User | None, Field("Led by")] = None,
) -> FailureDrill:
    """Change a drill that has not begun; what is left empty stays."""
    news = {
        "title": title,
        "scenario": scenario,
        "expected": _expected(expected) if expected else None,
        "signal": _signal(signal) if signal else None,
        "planned_for": planned_for,
        "led_by": led_by,
    }
    for name, value in news.items():
        if value:
            setattr(drill, name, value)
    drill.save()
    return drill


@action(
    "failure_drill.start",
    on=FailureDrill,
    requires="releases.manage",
    machine=FAILURE_DRILL_STATES,
    danger=True,
    confirm="From now on the alerts have to fire. Begin the failure at the same moment.",
)
def start_drill(actor: Actor, drill: FailureDrill) -> FailureDrill:
    """Say that the failure begins now."""
    # One at a time per service: two failures at once would answer for each other.
    Service.objects.select_for_update(no_key=True).get(pk=drill.service_id)
    other = FailureDrill.objects.filter(
        service=drill.service_id, environment=drill.environment_id, state=State.RUNNING
    ).first()
    if other:
        refuse(
            "failure_drill.another",
            f"{other} is running there; its alerts could not be told from these.",
            remedy="Conclude it first.",
            blocked_by=Ref.of(other),
        )
    drill.started_at = now()
    return drill


@action("failure_drill.conclude", on=FailureDrill, requires="releases.manage", machine=FAILURE_DRILL_STATES)
def conclude_drill(
    actor: Actor,
    drill: FailureDrill,
    *,
    findings: Annotated[str, Field("What was learnt", long=True, max_length=20_000)] = "",
) -> FailureDrill:
    """Say that the failure is put right. The drill has passed if every alert fired within its time."""
    assert drill.started_at is not None  # only a running drill is concluded
    drill.ended_at = max(now(), drill.started_at)
    drill.findings = findings.strip() or drill.findings
    drill.state = State.PASSED if rules.passed(matches_of(drill)) else State.FAILED
    drill.save()
    return drill


@action(
    "failure_drill.rejudge",
    on=FailureDrill,
    requires="releases.manage",
    machine=FAILURE_DRILL_STATES,
    hidden=True,
)
def rejudge_drill(actor: Actor, drill: FailureDrill) -> FailureDrill:
    """Judge a failed drill again, by alerts that were reported late."""
    if not rules.passed(matches_of(drill)):
        refuse("failure_drill.still", "Still not every alert fired within its time.")
    drill.state = State.PASSED
    drill.save()
    return drill


@action(
    "failure_drill.note_findings", on=FailureDrill, requires="releases.manage", machine=FAILURE_DRILL_STATES
)
def note_findings(
    actor: Actor,
    drill: FailureDrill,
    *,
    findings: Annotated[str, Field("What was learnt", long=True, max_length=20_000)],
) -> FailureDrill:
    """Write down what the drill taught."""
    drill.findings = findings.strip()
    drill.save()
    return drill


@action(
    "failure_drill.cancel",
    on=FailureDrill,
    requires="releases.manage",
    machine=FAILURE_DRILL_STATES,
    danger=True,
)
def cancel_drill(
    actor: Actor, drill: FailureDrill, *, reason: Annotated[str, Field("Reason", long=True)]
) -> FailureDrill:
    """Give a drill up; it proves nothing."""
    return drill


def over_at(drill: FailureDrill) -> datetime | None:
    """When a running drill is over by itself: the last alert is due, and monitoring had time to tell."""
    if drill.started_at is None:
        return None
    longest = max((e.within_minutes for e in rules.stored(drill.expected)), default=0)
    return drill.started_at + timedelta(minutes=longest) + GRACE


def _expects_something(actor: Actor, drill: Any, params: dict[str, Any]) -> Refusal | None:
    if drill is None or drill.expected:
        return None
    return Refusal("failure_drill.nothing", "No alert is expected; the drill could prove nothing.")


register_guard("failure_drill.start", _expects_something)

Labels = Annotated[dict, Field("Labels", help="Names and values, e.g. severity and team.")]


@action(
    "observed_alert.record",
    creates=ObservedAlert,
    requires="deployments.record",
    within="service",
    label="Record an alert",
)
def record_alert(
    actor: Actor,
    *,
    name: Annotated[str, Field("Alert", help="As monitoring names it.", max_length=200)],
    starts_at: Annotated[datetime, Field("Fired")],
    fingerprint: Annotated[
        str,
        Field(
            "Fingerprint", help="How monitoring tells alerts apart. Empty: name and labels.", max_length=120
        ),
    ] = "",
    ends_at: Annotated[datetime | None, Field("Resolved")] = None,
    service: Annotated[Service | None, Field("Service")] = None,
    environment: Annotated[Environment | None, Field("Environment")] = None,
    severity: Annotated[str, Field("Severity", max_length=40)] = "",
    labels: Labels = {},  # noqa: B006 - read only
    source: Annotated[str, Field("Monitoring system", max_length=80)] = "",
) -> ObservedAlert:
    """Report that an alert fired, or was resolved. The same fingerprint and beginning is the same alert."""
    return _kept(
        actor,
        {
            "name": name,
            "starts_at": starts_at,
            "fingerprint": fingerprint,
            "ends_at": ends_at,
            "service": service,
            "environment": environment,
            "severity": severity,
            "labels": labels,
            "source": source,
        },
    )


def _kept(actor: Actor, said: dict[str, Any]) -> ObservedAlert:
    name = said["name"].strip()
    if not name:
        refuse("observed_alert.name", "An alert has a name.", field="name")
    if said["starts_at"] > now() + AHEAD:
        refuse("observed_alert.future", "It lies in the future.", field="starts_at")
    if said["ends_at"] and said["ends_at"] < said["starts_at"]:
        refuse("observed_alert.period", "It was resolved before it fired.", field="ends_at")
    labels = _clean_labels(said["labels"])
    severity = said["severity"] or labels.get("severity", "")[:40]
    printed = said["fingerprint"].strip() or _printed(name, labels)
    known, _ = ObservedAlert.objects.get_or_create(
        source=said["source"].strip(),
        fingerprint=printed,
        starts_at=said["starts_at"],
        defaults={
            "name": name,
            "service": said["service"],
            "environment": said["environment"],
            "severity": severity,
            "labels": labels,
            "ends_at": said["ends_at"],
        },
    )
    if said["ends_at"] and known.ends_at != said["ends_at"]:
        known.ends_at = said["ends_at"]
        known.save()
    _rejudge(actor, known)
    return known


def _printed(name: str, labels: dict[str, str]) -> str:
    return digest({"name": name, "labels": labels})


def _clean_labels(labels: Any) -> dict[str, str]:
    if not isinstance(labels, dict) or len(labels) > 64:
        refuse("observed_alert.labels", "Labels are an object of at most 64 names.", field="labels")
    found = {str(key)[:100]: str(value)[:500] for key, value in labels.items()}
    if any("\x00" in key or "\x00" in value for key, value in found.items()):
        refuse("observed_alert.labels", "Labels are texts.", field="labels")
    return found


def _rejudge(actor: Actor, alert: ObservedAlert) -> None:
    """An alert that is told of late may answer for a drill that was concluded without it."""
    missed = FailureDrill.objects.filter(
        state=State.FAILED,
        started_at__lte=alert.starts_at,
        ended_at__gte=alert.starts_at,
        ended_at__gt=now() - REJUDGED,
    )
    if alert.service_id:
        missed = missed.filter(service=alert.service_id)
    system = Actor.system(actor.organization_id, f"alert reported late: {alert}"[:100])
    for drill in missed:
        if rules.passed(matches_of(drill)):
            rejudge_drill(system, drill)


@action(
    "observed_alert.record_all",
    creates=ObservedAlert,
    requires="deployments.record",
    label="Record many alerts",
)
def record_alerts(
    actor: Actor,
    *,
    alerts: Annotated[
        list,
        Field(
            "Alerts",
            help='A list of {"name", "starts_at", "ends_at", "fingerprint", "service", "environment", "severity",'
            ' "labels"}; services and environments by name.',
        ),
    ],
    source: Annotated[str, Field("Monitoring system", max_length=80)] = "",
) -> dict[str, int]:
    """Report many alerts: all or none. What names no known service is kept without one."""
    if not alerts or len(alerts) > MOST:
        refuse("observed_alert.rows", f"Give between 1 and {MOST} alerts.", field="alerts")
    rows = [_row(number, row) for number, row in enumerate(alerts, 1)]
    services = {s.name: s for s in Service.objects.filter(name__in={r["service"] for r in rows})}
    places = {e.name: e for e in Environment.objects.filter(name__in={r["environment"] for r in rows})}
    for row in rows:
        row["service"], row["environment"] = services.get(row["service"]), places.get(row["environment"])
        _kept(actor, {**row, "source": source})
    return {"recorded": len(rows)}


_FIELDS = {"name", "starts_at", "ends_at", "fingerprint", "service", "environment", "severity", "labels"}


def _row(number: int, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        refuse("observed_alert.row", f"Row {number} is no object.", field="alerts")
    unknown = sorted(set(map(str, row)) - _FIELDS)
    if unknown:
        refuse("observed_alert.row", f"Row {number}: there is no field {unknown[0][:40]}.", field="alerts")
    texts = {
        key: (row.get(key) or "", most)
        for key, most in (
            ("name", 200),
            ("fingerprint", 120),
            ("service", 120),
            ("environment", 80),
            ("severity", 40),
        )
    }
    for key, (value, most) in texts.items():
        if not isinstance(value, str) or "\x00" in value or len(value) > most:
            refuse(
                "observed_alert.row",
                f"Row {number}: {key} is a text of at most {most} characters.",
                field="alerts",
            )
    moments = {key: _moment(number, key, row.get(key)) for key in ("starts_at", "ends_at")}
    if moments["starts_at"] is None:
        refuse("observed_alert.row", f"Row {number}: starts_at says when it fired.", field="alerts")
    return {**{k: v for k, (v, _) in texts.items()}, **moments, "labels": row.get("labels") or {}}


def _moment(number: int, key: str, value: Any) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        refuse("observed_alert.row", f"Row {number}: {key} is no moment with a time zone.", field="alerts")
    return moment
