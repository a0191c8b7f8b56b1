"""Association of properties with outcomes, and rates: published figures, plain second computations, honest small samples."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.rules import association
from metrics.rules.association import Reading, Scale, adjusted, difference_interval, numeric, propose, yes_no
from metrics.rules.rates import compare, poisson_interval, rate, share

rows = st.lists(st.tuples(st.integers(0, 30).map(float), st.booleans()), min_size=2, max_size=40)


def test_published_intervals() -> None:
    # Newcombe 1998, example (a): 56 of 70 against 48 of 80.
    assert difference_interval(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    # Garwood's limits as tables print them.
    assert poisson_interval(0) == pytest.approx((0, 3.689), abs=5e-4)
    assert poisson_interval(10) == pytest.approx((4.795, 18.390), abs=5e-4)


@given(rows)
@settings(max_examples=60, deadline=None)
def test_the_rank_biserial_is_the_plain_count_of_pairs(given_rows: list[tuple[float, bool]]) -> None:
    found = numeric("x", "X", given_rows)
    bad = [v for v, ill in given_rows if ill]
    good = [v for v, ill in given_rows if not ill]
    if not bad or not good:
        assert found.effect is None and found.reading is Reading.TOO_LITTLE
        return
    plain = sum((a > b) - (a < b) for a, b in product(bad, good)) / (len(bad) * len(good))
    assert found.effect == pytest.approx(plain, abs=1e-12)
    assert found.interval is not None
    low, high = found.interval
    assert -1 <= low <= found.effect + 1e-9 and found.effect - 1e-9 <= high <= 1
    # Turned round, everything is turned round.
    mirrored = numeric("x", "X", [(-v, ill) for v, ill in given_rows])
    assert mirrored.interval == pytest.approx((-high, -low), abs=1e-6)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Few rows, the true chance known: 95 % of intervals hold it, within what 400 trials can tell."""
    draw = random.Random(5)
    held = 0
    for _ in range(400):
        bad = [draw.gauss(1, 1) for _ in range(8)]
        good = [draw.gauss(0, 1) for _ in range(20)]
        share_ = sum(a > b for a, b in product(bad, good)) / 160
        low, high = association.superiority_interval(share_, 8, 20)
        held += low <= 0.7602 <= high  # Φ(1 ÷ √2)
    assert 0.92 <= held / 400 <= 0.99


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
@settings(max_examples=40, deadline=None)
def test_odds_and_their_interval_agree_with_the_table(pairs: list[tuple[bool, bool]]) -> None:
    found = yes_no("x", "X", pairs)
    if found.effect is None:
        assert found.reading is Reading.TOO_LITTLE
        return
    low, high = found.interval or (0, 0)
    assert low <= found.effect <= high
    a, b = pairs.count((True, True)), pairs.count((True, False))
    c, d = pairs.count((False, True)), pairs.count((False, False))
    if a * d != b * c and min(a, b, c, d):
        assert (found.effect > 1) == (a * d > b * c)


def test_small_samples_are_said_to_be_small_and_never_read() -> None:
    found = numeric("coverage", "Coverage", [(10, True)] * 4 + [(90, False)] * 200)
    assert found.reading is Reading.TOO_LITTLE and "only 4 that went badly" in found.sample
    found = numeric("coverage", "Coverage", [(10 + n, True) for n in range(6)] + [(90, False)] * 200)
    assert found.reading is Reading.BETTER_WITH_MORE and "Small sample: 6" in found.sample


def test_many_comparisons_of_noise_find_little() -> None:
    """Forty properties without any bearing: unadjusted some look telling, adjusted hardly any may."""
    draw = random.Random(11)
    noise = [
        numeric(str(n), f"Noise {n}", [(draw.random(), draw.random() < 0.3) for _ in range(80)])
        for n in range(40)
    ]
    before = [f for f in noise if f.reading not in (Reading.UNCLEAR, Reading.TOO_LITTLE)]
    after = [f for f in adjusted(noise) if f.reading not in (Reading.UNCLEAR, Reading.TOO_LITTLE)]
    assert len(after) <= len(before) and len(after) <= 1
    assert all(f.adjusted is not None and f.p is not None and f.adjusted >= f.p for f in adjusted(noise))


def past(bad: list[float], good: list[float]) -> list[tuple[float | None, bool]]:
    return [(v, True) for v in bad] + [(v, False) for v in good]


def proposals(known: list[tuple[float | None, bool]], level: float) -> tuple[association.Proposal, ...]:
    checks = [{"kind": "coverage", "name": "coverage", "parameters": {"minimum": level}}]
    return propose(checks, {"coverage": known}, {"coverage": numeric("coverage", "Coverage", known)})


def test_a_check_is_tightened_where_less_went_with_bad_outcomes() -> None:
    known = past([61, 62, 63, 64, 66, 68], [72, 74, 75, 78, 80, 82, 84, 86, 88, 90, 91, 92])
    made = proposals(known, 60)
    assert [(p.direction, p.now, p.tried) for p in made] == [("tighten", 60, 72)]
    assert "6 of 6 that went badly and 0 of 12 that went well" in made[0].reason
    assert "Small sample" in made[0].sample
    assert proposals(known, 75) == (), "already stricter than the level that parts them"


def test_a_check_is_relaxed_only_where_enough_past_releases_say_it_matters_little() -> None:
    draw = random.Random(3)
    known: list[tuple[float | None, bool]] = [(60 + 30 * draw.random(), n % 4 == 0) for n in range(60)]
    made = proposals(known, 85)
    assert [p.direction for p in made] == ["relax"] and made[0].tried < 85
    assert proposals(known[:12], 85) == (), "too few to say anything"
    assert proposals(known, 20) == (), "nothing easier to try"


def test_the_words_say_association_and_not_cause() -> None:
    found = numeric("coverage", "Coverage", past([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12, 13]))
    assert found.scale is Scale.RANK_BISERIAL and found.strength == "large"
    for word in ("because", "caused", "causes", "due to", "leads"):
        assert word not in found.sentence.lower()
    assert "no cause" in association.CAUTION


@given(st.integers(0, 60), st.floats(0.5, 1e6))
@settings(max_examples=40, deadline=None)
def test_rates_lie_within_their_intervals(events: int, exposure: float) -> None:
    found = rate(events, exposure, per=1000)
    assert found.value is not None and found.interval is not None
    assert found.interval[0] <= found.value <= found.interval[1]
    assert bool(found.sample) == (events < 5)


def test_rates_are_compared_exactly() -> None:
    assert compare(rate(40, 100), rate(10, 100)).sentence == "Higher than in the period before."
    assert compare(rate(10, 100), rate(40, 100)).sentence == "Lower than in the period before."
    assert compare(rate(12, 100), rate(10, 100)).sentence.startswith("No change")
    assert compare(rate(1, 100), rate(1, 100)).sentence.startswith("Only 2")
    assert compare(rate(4, 0), rate(10, 100)).value is None
    assert share(0, 0, "runs").value is None and share(0, 3, "runs").interval is not None
