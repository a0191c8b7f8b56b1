"""The registry of check kinds. An app that owns facts declares what a gate may ask about them.

    @check("open-problems", title="Open problems", subject="release", parameters={"severity": count("Worst severity", 1)},
           words="No open problem of severity {severity} or worse.")
    def open_problems(ctx: CheckContext, *, severity: int) -> Outcome: ...

A kind reads through the context's moment and subject only, and returns an outcome; whatever it raises is the verdict
error. Facts that led to the outcome go into `facts`, so that they enter the inputs digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from releasetrain.kernel.refusals import Ref

from .context import CheckContext
from .parameters import BadParameter, BadParameters, Parameter

SUBJECTS = ("artifact", "release", "any")


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    as_of        the moment of its oldest evidence; older than the check's age limit is stale, hence no pass
    valid_until  when time alone may change the outcome (a window closes, a freeze begins)
    """

    verdict: str
    reason: str
    remedy: str = ""
    evidence: tuple[Ref, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    as_of: datetime | None = None
    valid_until: datetime | None = None


def passed(reason: str, **more: Any) -> Outcome:
    return Outcome("pass", reason, **_refs(more))


def failed(reason: str, remedy: str, **more: Any) -> Outcome:
    return Outcome("fail", reason, remedy, **_refs(more))


def pending(reason: str, remedy: str, **more: Any) -> Outcome:
    return Outcome("pending", reason, remedy, **_refs(more))


def _refs(more: dict[str, Any]) -> dict[str, Any]:
    """Evidence may be given as objects."""
    given: Iterable[Any] = more.pop("evidence", ())
    return {**more, "evidence": tuple(each if isinstance(each, Ref) else Ref.of(each) for each in given)}


@dataclass(frozen=True)
class CheckKind:
    """A kind of check as declared."""

    kind: str
    title: str
    body: Callable[..., Outcome]
    subject: str
    parameters: Mapping[str, Parameter]
    words: str | Callable[..., str]
    max_age_hours: int
    dated: bool = False
    rejudge: Callable[..., str | None] | None = None

    @property
    def help(self) -> str:
        return " ".join((self.body.__doc__ or "").split())

    def clean(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters with their values; raises BadParameters for unknown names and bad values."""
        return self._read(given, vetted=False)

    def vetted(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The same before a version is published, when each value is also asked whether it can work."""
        return self._read(given, vetted=True)

    def _read(self, given: Mapping[str, Any], *, vetted: bool) -> dict[str, Any]:
        faults = {n: f"{self.title} has no parameter {n}." for n in sorted(set(given) - set(self.parameters))}
        found: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            try:
                found[name] = parameter.clean(given.get(name, parameter.default))
                if vetted and parameter.vet is not None:
                    found[name] = parameter.vet(found[name])
            except BadParameter as fault:
                faults[name] = str(fault)
        if faults:
            raise BadParameters(faults)
        return found

    @property
    def schema(self) -> dict[str, Any]:
        """Its parameters as JSON Schema (2020-12)."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.title,
            "description": self.help,
            "type": "object",
            "properties": {name: parameter.schema for name, parameter in self.parameters.items()},
            "additionalProperties": False,
        }

    def rule(self, parameters: Mapping[str, Any]) -> str:
        """The rule in plain words, with its thresholds."""
        shown = {
            n: ", ".join(v) if isinstance(v, list) else f"{v:g}" if isinstance(v, float) else v
            for n, v in parameters.items()
        }
        return self.words(**parameters) if callable(self.words) else self.words.format(**shown)


_kinds: dict[str, CheckKind] = {}


def check(
    kind: str,
    *,
    title: str,
    subject: str = "any",
    parameters: Mapping[str, Parameter] | None = None,
    words: str | Callable[..., str] = "",
    max_age_hours: int = 24,
    dated: bool = False,
    rejudge: Callable[..., str | None] | None = None,
) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Declare a check kind. `max_age_hours` is what a form proposes as the age limit of its evidence.

    For replays over past releases: `dated` says that the body reads only facts that carry their moment, as of the context's;
    `rejudge` is a pure fn(recorded facts, **parameters) -> verdict, or None where those facts do not tell.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,39}", kind):
        raise ValueError(f"{kind!r} is not a name of a check kind")
    if kind in _kinds:
        raise ValueError(f"check kind {kind} is declared twice")
    if subject not in SUBJECTS:
        raise ValueError(f"a check is about one of {SUBJECTS}, not {subject!r}")

    def declare(body: Callable[..., Outcome]) -> Callable[..., Outcome]:
        _kinds[kind] = CheckKind(
            kind,
            title,
            body,
            subject,
            dict(parameters or {}),
            words or title,
            max_age_hours,
            dated,
            rejudge,
        )
        return body

    return declare


def kinds() -> dict[str, CheckKind]:
    """All declared kinds, by name."""
    return dict(sorted(_kinds.items()))


def find(kind: str) -> CheckKind | None:
    return _kinds.get(kind)


__all__ = [
    "CheckContext",
    "CheckKind",
    "Outcome",
    "Parameter",
    "check",
    "failed",
    "find",
    "kinds",
    "passed",
    "pending",
]
