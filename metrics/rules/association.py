"""Whether a property of releases goes together with how they turned out: effect sizes with honest intervals.

Nothing here says that one thing caused another. Numbers are compared by rank-biserial correlation, yes/no properties by odds
ratios. Where several properties are compared, the p-values are adjusted by Benjamini and Hochberg.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf, isfinite, sqrt

from governance.rules.shares import Z95, wilson
from metrics.rules.samples import FEW, SMALL

ALPHA = 0.05
CAUTION = (
    "An association in past releases; what else differed between them is not taken out, so it shows no cause."
)


class Scale(StrEnum):
    """Which effect size is given."""

    RANK_BISERIAL = "rank_biserial"
    ODDS_RATIO = "odds_ratio"


class Reading(StrEnum):
    """What the data allow to be said."""

    TOO_LITTLE = "too_little"
    UNCLEAR = "unclear"
    WORSE_WITH_MORE = "worse_with_more"
    BETTER_WITH_MORE = "better_with_more"


@dataclass(frozen=True, slots=True)
class Association:
    """A property against bad outcomes: `effect` above zero (odds above one) means more of it where things went badly."""

    name: str
    title: str
    scale: Scale
    bad: int
    good: int
    missing: int
    effect: float | None
    interval: tuple[float, float] | None
    p: float | None
    adjusted: float | None
    reading: Reading
    sample: str
    middle_bad: float | None = None
    middle_good: float | None = None

    @property
    def sentence(self) -> str:
        """The finding in words."""
        if self.reading is Reading.TOO_LITTLE:
            return self.sample
        if self.reading is Reading.UNCLEAR:
            return f"{self.title}: no difference can be told apart from chance."
        how = (
            "Bad outcomes came with more"
            if self.reading is Reading.WORSE_WITH_MORE
            else "Bad outcomes came with less"
        )
        return f"{how}: {self.title.lower()} ({self.strength} difference)."

    @property
    def strength(self) -> str:
        """The size of the effect by Cohen's conventions for r; odds ratios by Chen, Cohen and Chen."""
        if self.effect is None:
            return "unknown"
        if self.scale is Scale.RANK_BISERIAL:
            steps, size = (0.1, 0.3, 0.5), abs(self.effect)
        else:
            steps = (1.68, 3.47, 6.71)
            size = max(self.effect, 1 / self.effect) if self.effect > 0 else inf
        return ("negligible", "small", "medium", "large")[sum(size >= step for step in steps)]


def numeric(name: str, title: str, rows: Iterable[tuple[float | None, bool]]) -> Association:
    """Values of bad against good outcomes: Mann-Whitney U as rank-biserial correlation, 2U ÷ (m·n) − 1.

    The interval is Newcombe's (2006, method 5) for U ÷ (m·n), which stays honest for few rows and at the ends.
    """
    listed = list(rows)
    bad = [float(v) for v, ill in listed if ill and v is not None and isfinite(v)]
    good = [float(v) for v, ill in listed if not ill and v is not None and isfinite(v)]
    missing = len(listed) - len(bad) - len(good)
    if not bad or not good:
        return _nothing(name, title, Scale.RANK_BISERIAL, len(bad), len(good), missing)
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(bad, good, alternative="two-sided")
    share = float(found.statistic) / (len(bad) * len(good))
    low, high = superiority_interval(share, len(bad), len(good))
    return _read(
        Association(
            name, title, Scale.RANK_BISERIAL, len(bad), len(good), missing,
            2 * share - 1, (2 * low - 1, 2 * high - 1), float(found.pvalue), None, Reading.UNCLEAR,
            sample_words(len(bad), len(good)), _median(bad), _median(good),
        )
    )  # fmt: skip


def yes_no(name: str, title: str, rows: Iterable[tuple[bool | None, bool]]) -> Association:
    """A yes/no property against bad outcomes: the conditional odds ratio with its exact interval, p by Fisher."""
    listed = list(rows)
    table = [[0, 0], [0, 0]]
    for has, ill in listed:
        if has is not None:
            table[0 if has else 1][0 if ill else 1] += 1
    (a, b), (c, d) = table
    missing = len(listed) - a - b - c - d
    if not (a + c) or not (b + d) or not (a + b) or not (c + d):
        return _nothing(name, title, Scale.ODDS_RATIO, a + c, b + d, missing)
    from scipy.stats import fisher_exact
    from scipy.stats.contingency import odds_ratio

    ratio = odds_ratio(table)
    ends = ratio.confidence_interval(0.95)
    return _read(
        Association(
            name, title, Scale.ODDS_RATIO, a + c, b + d, missing,
            float(ratio.statistic), (float(ends.low), float(ends.high)), float(fisher_exact(table).pvalue), None,
            Reading.UNCLEAR, sample_words(a + c, b + d), a / (a + c), b / (b + d),
        )
    )  # fmt: skip


def adjusted(found: Sequence[Association]) -> tuple[Association, ...]:
    """The same with p-values adjusted for how many were compared (Benjamini and Hochberg), and read anew by them."""
    tested = [each for each in found if each.p is not None and each.reading is not Reading.TOO_LITTLE]
    if not tested:
        return tuple(found)
    from scipy.stats import false_discovery_control

    values = dict(
        zip(
            (e.name for e in tested),
            false_discovery_control([e.p or 0.0 for e in tested], method="bh"),
            strict=True,
        )
    )
    return tuple(
        _read(replace(each, adjusted=float(values[each.name]))) if each.name in values else each
        for each in found
    )


def superiority_interval(share: float, m: int, n: int) -> tuple[float, float]:
    """The 95 % interval of the chance that a value of the first group exceeds one of the second."""
    from scipy.optimize import brentq

    mean = (m + n) / 2 - 1

    def deviation(theta: float) -> float:
        spread = theta * (1 - theta) / (m * n)
        spread *= 1 + mean * (1 - theta) / (2 - theta) + mean * theta / (1 + theta)
        return Z95 * sqrt(max(spread, 0.0))

    low = 0.0 if share <= 0 else float(brentq(lambda t: share - t - deviation(t), 0.0, share))
    high = 1.0 if share >= 1 else float(brentq(lambda t: t - share - deviation(t), share, 1.0))
    return low, high


def difference_interval(
    hits: int, trials: int, other_hits: int, other_trials: int
) -> tuple[float, float] | None:
    """The 95 % interval of a difference of two shares (Newcombe 1998, method 10, from Wilson's intervals)."""
    first, second = wilson(hits, trials), wilson(other_hits, other_trials)
    if first is None or second is None:
        return None
    p, q = hits / trials, other_hits / other_trials
    low = p - q - sqrt((p - first[0]) ** 2 + (second[1] - q) ** 2)
    high = p - q + sqrt((first[1] - p) ** 2 + (q - second[0]) ** 2)
    return low, high


def sample_words(bad: int, good: int) -> str:
    """What to know about the smaller group; it decides how much can be seen."""
    least, which = (bad, "went badly") if bad <= good else (good, "went well")
    if least < FEW:
        few = f"only {least}" if least else "none"
        return f"Too little data: {few} that {which}; from {FEW} on a difference is looked for."
    if least < SMALL:
        return f"Small sample: {least} that {which}. The interval is wide, and one more can change it."
    return ""


def _read(found: Association) -> Association:
    """Below five in a group nothing is read; above, the interval and the adjusted p must agree."""
    if min(found.bad, found.good) < FEW:
        return replace(found, reading=Reading.TOO_LITTLE)
    p = found.adjusted if found.adjusted is not None else found.p
    centre = 0.0 if found.scale is Scale.RANK_BISERIAL else 1.0
    low, high = found.interval or (-inf, inf)
    if p is None or p >= ALPHA or low <= centre <= high:
        return replace(found, reading=Reading.UNCLEAR)
    return replace(found, reading=Reading.WORSE_WITH_MORE if low > centre else Reading.BETTER_WITH_MORE)


def _nothing(name: str, title: str, scale: Scale, bad: int, good: int, missing: int) -> Association:
    said = sample_words(bad, good) or "Too little data: it is the same for all, so nothing can be compared."
    return Association(
        name, title, scale, bad, good, missing, None, None, None, None, Reading.TOO_LITTLE, said
    )


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change to a check worth replaying: what, why, and the parameters to try."""

    check: str
    kind: str
    direction: str
    parameter: str
    now: float
    tried: float
    reason: str
    sample: str


@dataclass(frozen=True, slots=True)
class Lever:
    """Which parameter of a check kind reads which property, and which way is stricter."""

    parameter: str
    factor: str
    up_is_stricter: bool


LEVERS: Mapping[str, tuple[Lever, ...]] = {
    "coverage": (Lever("minimum", "coverage", True),),
    "test-results": (Lever("pass_rate", "pass_rate", True),),
    "readiness": (Lever("minimum", "readiness", True),),
    "static-analysis": (Lever("high", "findings_high", False),),
    "composition": (Lever("high", "findings_high", False),),
    "failure-history": (Lever("most", "failures_before", False),),
}


def propose(
    checks: Sequence[Mapping[str, object]],
    factors: Mapping[str, Sequence[tuple[float | None, bool]]],
    found: Mapping[str, Association],
) -> tuple[Proposal, ...]:
    """Checks to tighten or relax, judged by past releases.

    Tighten where more (or less) of what the check reads went with bad outcomes: to the level that parts bad from good best
    (Youden's index) among levels stricter than today's. Relax where at least twenty releases give no sign that it
    matters and the level has left nobody room: to what nine in ten of the good ones had.
    """
    proposals = []
    for check in checks:
        parameters = check.get("parameters")
        for lever in LEVERS.get(str(check.get("kind")), ()):
            level = parameters.get(lever.parameter) if isinstance(parameters, Mapping) else None
            if isinstance(level, bool) or not isinstance(level, int | float) or lever.factor not in found:
                continue
            made = _one(check, lever, float(level), factors.get(lever.factor, ()), found[lever.factor])
            if made is not None:
                proposals.append(made)
    return tuple(proposals)


def _one(
    check: Mapping[str, object],
    lever: Lever,
    level: float,
    rows: Sequence[tuple[float | None, bool]],
    found: Association,
) -> Proposal | None:
    known = [(float(v), ill) for v, ill in rows if v is not None]
    sign = 1 if lever.up_is_stricter else -1
    harmful = Reading.BETTER_WITH_MORE if lever.up_is_stricter else Reading.WORSE_WITH_MORE
    name, kind = str(check.get("name")), str(check.get("kind"))
    if found.reading is harmful:
        best = _parting(known, sign)
        if best is None or sign * best <= sign * level:
            return None
        stopped = [ill for v, ill in known if sign * v < sign * best]
        said = (
            f"{found.sentence} At {best:g} it would have stopped {sum(stopped)} of {found.bad} that went badly and"
            f" {len(stopped) - sum(stopped)} of {found.good} that went well."
        )
        return Proposal(name, kind, "tighten", lever.parameter, level, best, said, found.sample)
    if found.reading is Reading.UNCLEAR and len(known) >= SMALL:
        # What the level stops or would stop tells nothing about the outcome: try the level that nine in ten good ones reach.
        good = sorted((sign * v for v, ill in known if not ill), reverse=True)
        if not good:
            return None
        easier = sign * good[min(len(good) - 1, int(len(good) * 0.9))]
        if sign * easier >= sign * level:
            return None
        said = (
            f"{found.sentence} {sum(sign * v < sign * level for v, _ in known)} of {len(known)} past releases were on the"
            " wrong side of today's level without turning out worse."
        )
        return Proposal(name, kind, "relax", lever.parameter, level, easier, said, found.sample)
    return None


def _parting(known: Sequence[tuple[float, bool]], sign: int) -> float | None:
    """The level that parts bad from good best: caught share minus false-alarm share is largest."""
    bad = sum(ill for _, ill in known)
    good = len(known) - bad
    if not bad or not good:
        return None
    best: tuple[float, float] | None = None
    for level in sorted({v for v, _ in known}):
        caught = sum(ill for v, ill in known if sign * v < sign * level)
        alarms = sum(not ill for v, ill in known if sign * v < sign * level)
        index = caught / bad - alarms / good
        if caught and (best is None or index > best[0]):
            best = index, level
    return best[1] if best else None
