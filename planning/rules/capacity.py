"""Capacity of a team in an iteration, and the buffer taken from it by a visible rule of risk exposure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from planning.rules.working_days import WorkingCalendar

LIKELIHOOD_MAX = IMPACT_MAX = 5


@dataclass(frozen=True, slots=True)
class Person:
    """`share` of the working time given to this team; absences are whole days, in any order."""

    name: str
    share: float = 1.0
    absences: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class TeamCapacity:
    """Person-days for planned work, with the arithmetic behind it."""

    working_days: int
    present_days: float
    load_factor: float
    days: float
    sentence: str


def team_capacity(
    people: Iterable[Person],
    start: date,
    end: date,
    *,
    load_factor: float = 0.8,
    holidays: Iterable[date] = (),
) -> TeamCapacity:
    """People × days × load factor: working days from `start` up to and without `end`, less absences and
    holidays."""
    if not 0 <= load_factor <= 1:
        raise ValueError("The load factor lies between 0 and 1.")
    calendar = WorkingCalendar(holidays)
    working = calendar.between(start, end)
    if working < 0:
        raise ValueError("The iteration ends before it starts.")
    count, present = 0, 0.0
    for person in people:
        if not 0 <= person.share <= 1:
            raise ValueError(f"The share of {person.name} lies between 0 and 1.")
        away = sum(calendar.is_working(day) for day in set(person.absences) if start <= day < end)
        count += 1
        present += (working - away) * person.share
    days = present * load_factor
    factors = f"{present:g} person-days present × {load_factor:g} = {days:g}"
    who = "1 person" if count == 1 else f"{count} people"
    sentence = f"{who}, {working} working days, {factors}."
    return TeamCapacity(working, present, load_factor, days, sentence)


HISTORY_ITERATIONS = 5
LEAST_HISTORY = 2


@dataclass(frozen=True, slots=True)
class PastIteration:
    """What a finished iteration brought: points done, and the loaded days (present × load factor) they took."""

    name: str
    points: float
    days: float


@dataclass(frozen=True, slots=True)
class Velocity:
    """Points that a loaded day brings, and from which iterations this is known."""

    per_day: float
    iterations: tuple[str, ...]
    sentence: str


def velocity(past: Iterable[PastIteration]) -> Velocity:
    """All points ÷ all loaded days of the last five iterations that brought any; 1 until two of them are known."""
    known = [each for each in past if each.points > 0 and each.days > 0][-HISTORY_ITERATIONS:]
    if len(known) < LEAST_HISTORY:
        return Velocity(1.0, (), "Less than two finished iterations, so a day counts as one point.")
    points, days = sum(each.points for each in known), sum(each.days for each in known)
    per_day = points / days
    return Velocity(
        per_day,
        tuple(each.name for each in known),
        f"{points:g} points in {days:g} days over {', '.join(each.name for each in known)}: {per_day:.2f} points a day.",
    )


@dataclass(frozen=True, slots=True)
class Exposure:
    """One source of uncertainty: a risk, an integration, a third party. Likelihood and impact are 1 to 5."""

    name: str
    likelihood: int
    impact: int

    def __post_init__(self) -> None:
        if not (1 <= self.likelihood <= LIKELIHOOD_MAX and 1 <= self.impact <= IMPACT_MAX):
            raise ValueError(f"{self.name}: likelihood and impact are 1 to 5.")

    @property
    def share(self) -> float:
        """Likelihood × impact ÷ 25."""
        return self.likelihood * self.impact / (LIKELIHOOD_MAX * IMPACT_MAX)


def combined_exposure(exposures: Iterable[Exposure]) -> float:
    """1 − Π(1 − share): none gives 0, a certain one gives 1, and another one never lowers it."""
    free = 1.0
    for each in exposures:
        free *= 1 - each.share
    return 1 - free


@dataclass(frozen=True, slots=True)
class BufferRule:
    """The share of capacity kept free: the step whose `from` the exposure has reached. Versioned, shown as
    it is."""

    version: int
    steps: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.steps or self.steps[0][0] != 0:
            raise ValueError("The first step starts at an exposure of 0.")
        if list(self.steps) != sorted(self.steps) or any(
            later[1] < earlier[1] for earlier, later in zip(self.steps, self.steps[1:], strict=False)
        ):
            raise ValueError("More exposure never means a smaller buffer.")
        if any(not 0 <= share < 1 for _, share in self.steps):
            raise ValueError("A buffer is a share of 0 up to, and without, 1.")

    def share(self, exposure: float) -> float:
        """The buffer's share of capacity."""
        return max(share for start, share in self.steps if exposure >= start)


STANDARD_RULE = BufferRule(1, ((0.0, 0.10), (0.2, 0.15), (0.4, 0.20), (0.6, 0.25), (0.8, 0.33)))


@dataclass(frozen=True, slots=True)
class Buffer:
    days: float
    share: float
    exposure: float
    overridden: bool
    sentence: str


def buffer(
    capacity_days: float,
    exposures: Iterable[Exposure],
    *,
    rule: BufferRule = STANDARD_RULE,
    override: float | None = None,
    reason: str = "",
) -> Buffer:
    """The buffer of a team's capacity; an override needs its reason."""
    exposure = combined_exposure(exposures)
    share = rule.share(exposure)
    sentence = f"Exposure {exposure:.2f}, so {share:.0%} by rule version {rule.version}"
    if override is not None:
        if not 0 <= override < 1:
            raise ValueError("A buffer is a share of 0 up to, and without, 1.")
        if not reason.strip():
            raise ValueError("A buffer that departs from the rule needs a reason.")
        sentence += f"; set to {override:.0%}: {reason.strip()}"
        share = override
    days = capacity_days * share
    return Buffer(days, share, exposure, override is not None, f"{sentence}, {days:.1f} days.")
