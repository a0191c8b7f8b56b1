"""What a dashboard answers: figures with their definitions and rows, charts, tables, and what the data do not cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metrics.rules.speaking import spoken
from releasetrain.interface.charts import Chart


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure means. `version` grows with every change of the words or of the arithmetic."""

    name: str
    title: str
    text: str
    formula: str
    version: int = 1


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Rows of the period that were left out, and why."""

    reason: str
    sentence: str
    count: int


@dataclass(frozen=True, slots=True)
class Link:
    """A cell that leads somewhere. `to` is an object with a page, or an address."""

    text: str
    to: Any


@dataclass(frozen=True)
class Table:
    """Rows under columns. Cells are text, numbers, moments, `Link`s or None. `total` says how many rows there are
    when only the first are shown; numeric columns stand right when named in `numbers`."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    name: str = ""
    note: str = ""
    empty: str = "Nothing in this period."
    total: int | None = None
    numbers: Sequence[str] = ()


@dataclass(frozen=True)
class Figure:
    """One number that can be taken apart.

    `unit` is "seconds", "share", "per day" or a word; `value` None means that there is nothing to compute it from.
    `definition` names a definition of the dashboard (empty: the figure's own name). `rows` makes the rows behind it,
    only when somebody opens them; `count` says how many there are. `sample` says that it is small, `quality` what the
    data behind it lack. `band` is a word beside it (a tier, "target met") in a `tone`: ok, warn, bad or info.
    """

    name: str
    title: str
    value: float | None
    unit: str = ""
    definition: str = ""
    count: int | None = None
    rows: Callable[[], Table] | None = None
    note: str = ""
    sample: str = ""
    quality: str = ""
    interval: tuple[float, float] | None = None
    percentiles: Mapping[int, float] = field(default_factory=dict)
    excluded: Sequence[Exclusion] = ()
    band: str = ""
    tone: str = "info"
    trend: Chart | None = None

    @property
    def said(self) -> tuple[str, str]:
        """Number and unit as people say them."""
        return spoken(self.unit, self.value)

    @property
    def defined_by(self) -> str:
        return self.definition or self.name


@dataclass(frozen=True, slots=True)
class Gap:
    """Something about the data behind the figures: a sentence, and the share that is covered where it has one."""

    sentence: str
    covered: float | None = None

    @property
    def poor(self) -> bool:
        return self.covered is not None and self.covered < 0.95


@dataclass(frozen=True)
class Answer:
    """The whole of a dashboard for one question. `empty` is said instead of everything when there is nothing."""

    figures: Sequence[Figure] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    quality: Sequence[Gap] = ()
    notes: Sequence[str] = ()
    empty: str = ""

    def figure(self, name: str) -> Figure | None:
        return next((each for each in self.figures if each.name == name), None)
