"""The program board: colour of dependency strings, slack in working days, load of cells, conflicts in
words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from planning.rules.working_days import WorkingCalendar


class StringState(StrEnum):
    HEALTHY = "healthy"
    AT_RISK = "at_risk"
    CONFLICT = "conflict"


class Agreement(StrEnum):
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    COMMITTED = "committed"
    AT_RISK = "at_risk"
    BLOCKED = "blocked"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Iteration:
    """A column of the board; `end` is the day after its last."""

    name: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Card:
    """A feature on the board. Without an iteration it is not placed; `forecast` is when it is expected
    done."""

    id: str
    title: str
    team: str
    iteration: int | None
    size: float = 0.0
    forecast: date | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """`consumer` needs what `provider` makes. Without `needed` it is needed where the consumer stands."""

    id: str
    provider: str
    consumer: str
    agreement: Agreement = Agreement.ACCEPTED
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class DependencyString:
    """How a dependency is drawn. `slack_days` are the working days between delivery and need, both
    computed."""

    dependency: str
    state: StringState
    slack_days: int | None
    sentence: str


class Board:
    """Iterations and cards of one Program Increment, asked for strings and loads."""

    def __init__(
        self,
        iterations: Sequence[Iteration],
        cards: Iterable[Card],
        holidays: Iterable[date] = (),
        same_iteration: StringState = StringState.CONFLICT,
    ):
        for before, after in pairwise(iterations):
            if after.start < before.end:
                raise ValueError(f"{after.name} starts before {before.name} ends.")
        self.iterations = iterations
        self.cards: Mapping[str, Card] = {card.id: card for card in cards}
        self.calendar = WorkingCalendar(holidays)
        self.same_iteration = same_iteration

    def string(self, dependency: Dependency, min_slack: int = 0) -> DependencyString:
        """The state of one dependency.

        Conflict: the provider stands in the same or a later iteration than needed, or is expected only after the
        need. At risk: somebody is not placed, the provider has not accepted, it is blocked or said to be at risk,
        or less slack than `min_slack` is left. Healthy: none of these. Done is always healthy.
        A train may judge delivery in the same iteration milder (`same_iteration`), unless even that is missed.
        """
        provider, consumer = self.cards[dependency.provider], self.cards[dependency.consumer]
        needed = consumer.iteration if dependency.needed is None else dependency.needed
        slack = self._slack(provider, needed)

        state, why = self._judged(dependency.agreement, (provider, consumer), needed, slack, min_slack)
        sentence = f"{_named(consumer)} needs {_named(provider)}{why}."
        return DependencyString(dependency.id, state, slack, sentence)

    def _judged(
        self,
        agreement: Agreement,
        ends: tuple[Card, Card],
        needed: int | None,
        slack: int | None,
        min_slack: int,
    ) -> tuple[StringState, str]:
        provider, consumer = ends
        if agreement is Agreement.DONE:
            return StringState.HEALTHY, ": delivered"
        if provider.iteration is None or needed is None or slack is None:
            missing = provider if provider.iteration is None else consumer
            return StringState.AT_RISK, f": {_named(missing)} is not placed in an iteration"
        by = f" by {self.iterations[needed].name}"
        planned = self.iterations[provider.iteration].name
        if provider.iteration >= needed:
            same = provider.iteration == needed
            where = "the same iteration" if same else f"{planned}, which is later"
            late = not same or self._expected(provider) > self.iterations[needed].end
            state = StringState.CONFLICT if late else self.same_iteration
            why = f", but it is planned in {where}"
        elif slack < 0:
            state, why = StringState.CONFLICT, f", but it is expected {_days(-slack)} after that starts"
        elif agreement in _NEEDS_HANDLING:
            state, why = StringState.AT_RISK, f": {_NEEDS_HANDLING[agreement]}"
        elif slack < min_slack:
            state, why = StringState.AT_RISK, f": {_days(slack)} of slack, {min_slack} wanted"
        else:
            state, why = StringState.HEALTHY, f": planned in {planned}, {_days(slack)} of slack"
        return state, by + why

    def _slack(self, provider: Card, needed: int | None) -> int | None:
        """Working days from the provider's expected end to the start of the iteration that needs it."""
        if needed is None or provider.iteration is None:
            return None
        return self.calendar.between(self._expected(provider), self.iterations[needed].start)

    def _expected(self, provider: Card) -> date:
        """The day after the last that the provider needs."""
        assert provider.iteration is not None
        return provider.forecast or self.iterations[provider.iteration].end

    def strings(self, dependencies: Iterable[Dependency], min_slack: int = 0) -> tuple[DependencyString, ...]:
        """All strings of the board."""
        return tuple(self.string(each, min_slack) for each in dependencies)

    def loads(self, capacities: Mapping[tuple[str, int], Capacity]) -> tuple[CellLoad, ...]:
        """The load of every cell that has a card or a capacity, by team and iteration."""
        sizes: dict[tuple[str, int], list[Card]] = {}
        for card in self.cards.values():
            if card.iteration is not None:
                sizes.setdefault((card.team, card.iteration), []).append(card)
        cells = sorted(set(sizes) | set(capacities))
        return tuple(
            cell_load(team, self.iterations[at].name, sizes.get((team, at), []), capacities.get((team, at)))
            for team, at in cells
        )

    def conflicts(
        self,
        dependencies: Iterable[Dependency],
        capacities: Mapping[tuple[str, int], Capacity],
        min_slack: int = 0,
    ) -> tuple[str, ...]:
        """Everything on the board that cannot work as planned, as sentences: strings, then cells."""
        red = [s.sentence for s in self.strings(dependencies, min_slack) if s.state is StringState.CONFLICT]
        over = [load.sentence for load in self.loads(capacities) if load.state is LoadState.OVER]
        return (*red, *over)


_NEEDS_HANDLING = {
    Agreement.PROPOSED: "the provider has not accepted it",
    Agreement.AT_RISK: "the provider says it is at risk",
    Agreement.BLOCKED: "it is blocked",
}


class LoadState(StrEnum):
    FITS = "fits"
    IN_BUFFER = "in_buffer"
    OVER = "over"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a team can do in an iteration, and the part of it kept as a buffer."""

    total: float
    buffer: float = 0.0

    @property
    def plannable(self) -> float:
        return max(0.0, self.total - self.buffer)


@dataclass(frozen=True, slots=True)
class CellLoad:
    """A cell of the board. In the buffer means above capacity − buffer: it needs an accepted exception."""

    team: str
    iteration: str
    load: float
    capacity: Capacity | None
    state: LoadState
    sentence: str


def cell_load(team: str, iteration: str, cards: Iterable[Card], capacity: Capacity | None) -> CellLoad:
    """Load against capacity minus buffer."""
    load = sum(card.size for card in cards)
    place = f"{team} in {iteration}"
    if capacity is None:
        state, sentence = LoadState.UNKNOWN, f"{place}: {load:g} planned, no capacity recorded."
    elif load > capacity.total:
        state = LoadState.OVER
        sentence = (
            f"{place}: {load:g} planned, {load - capacity.total:g} above the capacity of {capacity.total:g}."
        )
    elif load > capacity.plannable:
        state = LoadState.IN_BUFFER
        inside = load - capacity.plannable
        sentence = f"{place}: {load:g} planned, {inside:g} of it in the buffer of {capacity.buffer:g}."
    else:
        state = LoadState.FITS
        sentence = f"{place}: {load:g} of {capacity.plannable:g} planned, {capacity.plannable - load:g} free."
    return CellLoad(team, iteration, load, capacity, state, sentence)


def _named(card: Card) -> str:
    return f"{card.id} ({card.team})"


def _days(count: int) -> str:
    return f"{count} working day{'' if count == 1 else 's'}"
