"""What a catalogue holds, as text, and the faults that keep one from being read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MOST_CONTROLS = 10_000
LONGEST_STATEMENT = 40_000
_WIDTHS = {"identifier": 80, "code": 60, "title": 300, "group": 160}
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Fault:
    """One thing wrong, at its place in the file."""

    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}" if self.place else self.sentence


class CatalogueFaults(ValueError):
    """The file is refused whole; every fault is named."""

    def __init__(self, *faults: Fault):
        super().__init__("; ".join(map(str, faults[:5])))
        self.faults = faults


@dataclass(frozen=True)
class ControlText:
    """One control. `parent` is the identifier of what it is part of, or empty."""

    identifier: str
    code: str
    title: str
    statement: str = ""
    group: str = ""
    parent: str = ""
    withdrawn: bool = False
    place: str = ""


@dataclass(frozen=True)
class CatalogueText:
    """A catalogue; title, version and source identifier are empty where the file does not say them."""

    controls: tuple[ControlText, ...]
    title: str = ""
    version: str = ""
    source_id: str = ""
    form: str = ""
    notes: tuple[str, ...] = field(default=())


def one_line(value: object, width: int = 0) -> str:
    """Text in one line without control characters; cut with an ellipsis where a width is given."""
    text = " ".join(_UNFIT.sub(" ", str(value or "")).split())
    return text if not width or len(text) <= width else text[: width - 1] + "…"


def whole(value: object) -> str:
    """Text of several lines without control characters."""
    return "\n".join(line.rstrip() for line in _UNFIT.sub(" ", str(value or "")).splitlines()).strip()


def judged(controls: list[ControlText], form: str, **about: str) -> CatalogueText:
    """The catalogue, or every fault of its controls."""
    faults: list[Fault] = []
    if not controls:
        faults.append(Fault("", "The file holds no controls."))
    if len(controls) > MOST_CONTROLS:
        raise CatalogueFaults(
            Fault("", f"The file holds {len(controls)} controls; at most {MOST_CONTROLS} are read.")
        )
    seen: dict[str, str] = {}
    known = {c.identifier for c in controls}
    for control in controls:
        if not control.identifier:
            faults.append(Fault(control.place, "It has no identifier."))
        elif control.identifier in seen:
            faults.append(
                Fault(control.place, f"{control.identifier} is there already, at {seen[control.identifier]}.")
            )
        seen.setdefault(control.identifier, control.place)
        for name, width in _WIDTHS.items():
            if len(getattr(control, name)) > width:
                faults.append(Fault(control.place, f"Its {name} is longer than {width} characters."))
        if not control.title:
            faults.append(Fault(control.place, f"{control.identifier or 'It'} has neither title nor text."))
        if len(control.statement) > LONGEST_STATEMENT:
            faults.append(Fault(control.place, f"Its text is longer than {LONGEST_STATEMENT} characters."))
        if control.parent and control.parent not in known:
            faults.append(
                Fault(control.place, f"It is part of {control.parent[:80]}, which is not in the file.")
            )
        if control.parent and control.parent == control.identifier:
            faults.append(Fault(control.place, "It is part of itself."))
    faults += _circles(controls) if not faults else []
    if faults:
        raise CatalogueFaults(*faults)
    return CatalogueText(tuple(controls), form=form, **about)  # type: ignore[arg-type]


def _circles(controls: list[ControlText]) -> list[Fault]:
    """Controls that would be part of themselves by way of others."""
    above = {c.identifier: c.parent for c in controls}
    settled: set[str] = {""}
    for control in controls:
        path: dict[str, None] = {}
        at = control.identifier
        while at not in settled:
            if at in path:
                return [Fault(control.place, f"{at} is part of itself by way of {above[at]}.")]
            path[at] = None
            at = above.get(at, "")
        settled |= path.keys()
    return []
