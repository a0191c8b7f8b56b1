"""The question put to a dashboard: whose rows, which days, which options; read from the parameters of an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from metrics.queries.dora import Wanted
from metrics.rules.dora import LeadStart
from metrics.rules.periods import Bucket, Period
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import row_id

LONGEST = 3_660
DEFAULT_DAYS = 90
Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Option:
    """A choice that a dashboard offers beside the period: (value, label) pairs, or a function that lists them.

    Of a `multiple` one several may be chosen; they are kept as one text with commas.
    """

    name: str
    label: str
    choices: Choices | Callable[[], Choices]
    default: str
    help: str = ""
    multiple: bool = False

    def offered(self) -> Choices:
        return self.choices() if callable(self.choices) else self.choices


@dataclass(frozen=True)
class Question:
    """What is asked: whose deployments, which days (the last one included), which start of lead time, which buckets,
    and the dashboard's own options by name."""

    wanted: Wanted
    first: date
    last: date
    start: LeadStart
    bucket: Bucket
    zone: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def period(self) -> Period:
        zone = ZoneInfo(self.zone)
        after = self.last + timedelta(days=1)
        return Period(datetime.combine(self.first, time(), zone), datetime.combine(after, time(), zone))

    @property
    def query(self) -> str:
        """The question as the query of an address."""
        w = self.wanted
        pairs = {
            "from": self.first.isoformat(), "until": self.last.isoformat(), "train": w.train, "team": w.team,
            "service": w.service, "start": self.start.value, "bucket": self.bucket.value, **self.options,
        }  # fmt: skip
        return urlencode({name: value for name, value in pairs.items() if value})


def question_from(
    given: Mapping[str, str], zone: str, options: Sequence[Option] = (), days: int = DEFAULT_DAYS
) -> Question:
    """Read a question from the parameters of an address; refuses what makes no sense, naming the field."""
    today = now().astimezone(ZoneInfo(zone)).date()
    last = _day(given, "until") or today
    first = _day(given, "from") or last - timedelta(days=days - 1)
    if first > last:
        refuse("period.order", "The period ends before it begins.", field="until")
    if (last - first).days > LONGEST:
        refuse("period.length", "A period is at most ten years.", field="from")
    return Question(
        Wanted(*(_id(given, name) for name in ("train", "team", "service"))),
        first,
        last,
        _choice(given, "start", LeadStart, LeadStart.COMMITTED),
        _choice(given, "bucket", Bucket, Bucket.WEEK if (last - first).days <= 400 else Bucket.MONTH),
        zone,
        {option.name: _option(given, option) for option in options},
    )


def _day(given: Mapping[str, str], name: str) -> date | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        refuse("period.day", f"{text[:40]!r} is no day; write it as 2026-11-21.", field=name)
    if not 1990 <= day.year <= 2200:
        refuse("period.day", "That year is not covered.", field=name)
    return day


def _id(given: Mapping[str, str], name: str) -> str:
    text = given.get(name, "")
    if text and row_id(text) is None:
        refuse("filter.id", f"{name} is filtered by its id.", field=name)
    return text


def _choice(given: Mapping[str, str], name: str, kind: Any, default: Any) -> Any:
    text = given.get(name, "")
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        choices = ", ".join(each.value for each in kind)
        refuse("filter.choice", f"{name} is one of {choices}.", field=name)


def _option(given: Mapping[str, str], option: Option) -> str:
    listed = getattr(given, "getlist", None)
    text = ",".join(listed(option.name)) if option.multiple and listed else given.get(option.name, "")
    if not text:
        return option.default
    values = [value for value, _ in option.offered()]
    chosen = list(dict.fromkeys(text.split(","))) if option.multiple else [text]
    if not set(chosen) <= set(values):
        refuse("filter.choice", f"{option.name} is one of {', '.join(values)}."[:300], field=option.name)
    return ",".join(chosen)
