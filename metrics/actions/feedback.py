"""Signals of monitoring and support: counted, tied to the backlog item that answers them, and into its priority."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.utils.dateparse import parse_datetime

from metrics.models import FeedbackCount, FeedbackSignal
from metrics.queries.feedback import pressure_of_feature
from planning.actions.ranking import refresh
from planning.models import Feature, ReportSource, exact_wsjf, wsjf_of
from planning.states import CLOSED
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, Refused, refuse
from trains.models import Service

explain_constraint("feedback_count_once", "This count was taken before.")

MOST = 1_000
# A clock that runs ahead a little is no reason to lose a report.
_TOLERANCE = timedelta(minutes=5)
_SOURCES = (
    (s.value, s.label)
    for s in (ReportSource.MONITORING, ReportSource.SUPPORT_TICKET, ReportSource.USER_REPORT)
)
SOURCES = tuple(_SOURCES)
SEVERITIES = ((1, "1 Critical"), (2, "2 High"), (3, "3 Medium"), (4, "4 Low"))


def _open_features(actor: Actor, subject: Any) -> Any:
    return Feature.objects.exclude(state__in=CLOSED).order_by("-created_at")


@action(
    "feedback_signal.report",
    creates=FeedbackSignal,
    requires="planning.report",
    within="service",
    label="Report a signal",
)
def report_signal(
    actor: Actor,
    *,
    service: Annotated[Service, Field("Service")],
    source: Annotated[str, Field("Where from", choices=SOURCES)],
    fingerprint: Annotated[
        str,
        Field(
            "Kind of report",
            "What such reports have in common: an alert's name, a ticket category.",
            max_length=120,
        ),
    ],
    title: Annotated[str, Field("In words", "Needed for a kind that is new.", max_length=200)] = "",
    times: Annotated[int, Field("How often", "Since it was counted last.", min=1, max=1_000_000)] = 1,
    severity: Annotated[int, Field("Severity", choices=SEVERITIES)] = 3,
    at: Annotated[datetime | None, Field("When", "Empty: now.")] = None,
    external_id: Annotated[
        str, Field("Id of the count", "The same id again changes nothing.", max_length=200)
    ] = "",
    url: Annotated[str, Field("Address", "Where it can be looked at.", max_length=500)] = "",
) -> FeedbackSignal:
    """Count what monitoring or support saw; the item that answers it rises in the backlog accordingly."""
    signal = _counted(service, source, fingerprint, title, times, severity, at or now(), external_id, url, "")
    if signal.feature:
        count_in(signal.feature)
    return signal


@action(
    "feedback_signal.report_many", creates=FeedbackSignal, requires="planning.report", within="service", hidden=True,
    label="Report signals",
)  # fmt: skip
def report_signals(
    actor: Actor,
    *,
    service: Annotated[Service, Field("Service")],
    signals: Annotated[
        list,
        Field("Signals", "Objects with source, fingerprint, title, times, severity, at, external_id, url."),
    ],
) -> dict[str, Any]:
    """Count many signals of a service at once: all or none."""
    if not 1 <= len(signals) <= MOST:
        refuse("feedback.size", f"Send 1 to {MOST} signals, not {len(signals)}.", field="signals", status=422)
    touched = [_counted(service, **_read(row, f"signals/{n}")) for n, row in enumerate(signals)]
    features = {s.feature.pk: s.feature for s in touched if s.feature}
    for feature in features.values():
        count_in(feature)
    return {
        "counted": len(touched),
        "kinds": len({s.pk for s in touched}),
        "items": sorted(f.key for f in features.values()),
    }


@action("feedback_signal.answer", on=FeedbackSignal, requires="planning.edit", label="Answered by")
def answer_signal(
    actor: Actor,
    signal: FeedbackSignal,
    *,
    feature: Annotated[Feature, Field("Backlog item", "What will end these reports.", rows=_open_features)],
) -> FeedbackSignal:
    """Say which backlog item answers these signals; from then on they count into its priority."""
    if feature.state in CLOSED:
        refuse(
            "feature.closed",
            f"{feature} is {feature.get_state_display().lower()}.",
            blocked_by=Ref.of(feature),
            field="feature",
        )
    signal.feature = feature
    signal.save()
    count_in(feature)
    return signal


@action("feature.count_signals", on=Feature, requires="planning.edit", label="Count signals in")
def count_signals(actor: Actor, feature: Feature) -> Feature:
    """Judge business risk and risk reduction anew by the signals that the item answers; also when they fell silent."""
    if not FeedbackSignal.objects.filter(feature=feature).exists():
        refuse(
            "feedback.none",
            f"No signal of monitoring or support is answered by {feature}.",
            remedy="Name it on the signal first.",
        )
    if feature.score_frozen_at:
        refuse("feedback.frozen", f"The score of {feature} was frozen when its plan was committed.")
    count_in(feature, lower=True)
    return feature


def count_in(feature: Feature, *, lower: bool = False) -> None:
    """Exposure and risk reduction of an item from its signals. By itself they only rise; people may let them fall.

    A score that nobody agreed yet, or that a committed plan froze, is left alone; the exposure is kept either way.
    """
    if not lower:  # whoever lets it fall acts on the item itself, which is locked already
        feature = Feature.objects.select_for_update(of=("self",)).get(pk=feature.pk)
    found = pressure_of_feature(feature)
    if feature.state in CLOSED or (found is None and not lower):
        return
    exposure = found.exposure if found else 1
    if lower or (feature.exposure or 0) < exposure:
        feature.exposure_likelihood = found.likelihood if found else 1
        feature.exposure_impact = found.impact if found else 1
        feature.exposure_reason = (found.sentence if found else "No signal in the last year.")[:300]
    parts = (feature.value, feature.time_criticality, feature.risk_reduction, feature.job_size)
    wanted = found.risk_reduction if found else 1
    agreed = not feature.score_frozen_at and None not in parts
    rises = feature.risk_reduction is not None and wanted > feature.risk_reduction
    if agreed and (rises or lower):
        value, time, _, size = (int(p or 0) for p in parts)
        feature.risk_reduction = wanted
        feature.wsjf = wsjf_of(value, time, wanted, size)
        feature.rank_score = exact_wsjf(value, time, wanted, size)
    feature.save()
    if agreed:
        refresh(feature.train_id, [feature])


def _counted(
    service: Service, source: str, fingerprint: str, title: str, times: int, severity: int, at: datetime, external_id: str,
    url: str, where: str,
) -> FeedbackSignal:  # fmt: skip
    fingerprint, title = fingerprint.strip(), title.strip()
    if not fingerprint:
        raise Refused(_fault(f"{where}fingerprint", "Say what such reports have in common."))
    if at > now() + _TOLERANCE:
        raise Refused(_fault(f"{where}at", "It has not happened yet."))
    if url and not url.startswith(("https://", "http://")):
        raise Refused(_fault(f"{where}url", "This is no address of a page."))
    signal = (
        FeedbackSignal.objects.filter(service=service, source=source, fingerprint=fingerprint)
        .select_related("feature", "service")
        .first()
    )
    if signal is None:
        signal = FeedbackSignal(
            service=service, source=source, fingerprint=fingerprint, title=title or fingerprint, url=url
        )
        signal.save()
    elif (title and title != signal.title) or (url and url != signal.url):
        signal.title, signal.url = title or signal.title, url or signal.url
        signal.save()
    if not (external_id and signal.counts.filter(external_id=external_id).exists()):
        FeedbackCount.objects.create(
            signal=signal, at=at, times=times, severity=severity, external_id=external_id
        )
    return signal


_TEXTS = {"source": 16, "fingerprint": 120, "title": 200, "external_id": 200, "url": 500}


def _fault(field: str, sentence: str) -> Refusal:
    return Refusal(
        "feedback.row", sentence, remedy="Correct it; nothing was counted.", field=field, status=422
    )


def _read(given: Any, at: str) -> dict[str, Any]:
    """One signal of a list, or a refusal that names the field at fault."""
    if not isinstance(given, Mapping):
        raise Refused(_fault(at, "A signal is an object."))
    unknown = sorted(set(map(str, given)) - {*_TEXTS, "times", "severity", "at"})
    if unknown:
        raise Refused(_fault(f"{at}/{unknown[0][:40]}", f"A signal has no property {unknown[0][:40]}."))
    found: dict[str, Any] = {"where": f"{at}/"}
    for name, most in _TEXTS.items():
        value = given.get(name) or ""
        if not isinstance(value, str) or len(value) > most or "\x00" in value:
            raise Refused(_fault(f"{at}/{name}", f"The {name} is text of at most {most} characters."))
        found[name] = value.strip()
    if found["source"] not in dict(SOURCES):
        raise Refused(_fault(f"{at}/source", f"The source is one of {', '.join(dict(SOURCES))}."))
    for name, default, most in (("times", 1, 1_000_000), ("severity", 3, 4)):
        number = given.get(name, default)
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise Refused(_fault(f"{at}/{name}", f"{name.capitalize()} is a whole number from 1 to {most}."))
        found[name] = number
    found["at"] = _moment(given.get("at"), f"{at}/at")
    return found


def _moment(value: Any, field: str) -> datetime:
    if value in (None, ""):
        return now()
    try:
        moment = parse_datetime(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        raise Refused(_fault(field, f"{str(value)[:40]!r} is no RFC 3339 time with its offset."))
    return moment
