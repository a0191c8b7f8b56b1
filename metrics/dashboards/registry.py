"""The registry of dashboards."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from metrics.asking import Option, Question

from .answer import Answer, Definition

Answering = Callable[[Question], Answer]
_NAME = re.compile(r"[a-z][a-z0-9-]{1,40}\Z")
FILTERS = ("train", "team", "service")


@dataclass(frozen=True)
class Dashboard:
    """One dashboard: what it is called, what it answers, what may be asked of it.

    `filters` of train, team and service; `options` of its own beside them (a report year, a start of lead time);
    `days` is the period it opens with; `bucketed` offers day, week and month; a `brief` one is printed on one page, with
    the formulas of its definitions only.
    """

    name: str
    title: str
    about: str
    answer: Answering
    definitions: Sequence[Definition]
    order: int = 500
    filters: Sequence[str] = FILTERS
    options: Sequence[Option] = ()
    days: int = 90
    bucketed: bool = True
    brief: bool = False

    def definition(self, name: str) -> Definition | None:
        return next((each for each in self.definitions if each.name == name), None)


_dashboards: dict[str, Dashboard] = {}


def dashboard(
    name: str,
    *,
    title: str,
    about: str,
    definitions: Sequence[Definition],
    order: int = 500,
    filters: Sequence[str] = FILTERS,
    options: Sequence[Option] = (),
    days: int = 90,
    bucketed: bool = True,
    brief: bool = False,
) -> Callable[[Answering], Answering]:
    """Declare a function as a dashboard."""
    if not _NAME.match(name) or name in _dashboards:
        raise ValueError(f"A dashboard needs a name of its own in small letters: {name!r}.")
    if unknown := set(filters) - set(FILTERS):
        raise ValueError(f"No such filters: {unknown}.")

    def declare(answer: Answering) -> Answering:
        _dashboards[name] = Dashboard(
            name, title, about, answer, tuple(definitions), order, tuple(filters), tuple(options), days, bucketed, brief,
        )  # fmt: skip
        return answer

    return declare


def dashboards() -> list[Dashboard]:
    """All of them, in the order of their tabs."""
    return sorted(_dashboards.values(), key=lambda each: (each.order, each.title))


def found_dashboard(name: str) -> Dashboard | None:
    return _dashboards.get(name)
