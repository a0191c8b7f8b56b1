"""Charts: well-formed, inside their box, truthful about signals, and the same data as their table."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.interface import charts
from releasetrain.interface.charts.drawing import Scale, ticks

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
VALUES = [4.0, 5.0, 4.5, 5.5, 4.2, 5.1, 4.8, 5.2, 4.4, 4.9, 5.0, 4.6, 5.3, 4.7, 4.1, 5.4, 4.9, 5.1, 4.3, 4.6]
WEEKS = [f"W{n}" for n in range(40)]

finite = st.floats(min_value=0, max_value=1e6, allow_nan=False)


def _samples() -> dict[str, charts.Chart]:
    labels, values = WEEKS[:20], VALUES
    return {
        "control": charts.control_chart(
            "Lead <time>", list(zip(labels, [*values[:19], 40.0], strict=True)), unit="d"
        ),
        "few points": charts.control_chart("Lead time", list(zip(labels[:5], values[:5], strict=True))),
        "p": charts.p_chart("Fail rate", [(w, i % 4, 20 + i) for i, w in enumerate(labels)]),
        "p with a gap": charts.p_chart("Fail rate", [("W1", 0, 0), ("W2", 1, 10), ("W3", 2, 10)], baseline=2),
        "lines": charts.line_chart(
            "Two",
            labels,
            {"a": values, "b": [None, *values[1:]]},
            bands=[charts.Band("r", values, values)],
            target=("t", 5),
        ),
        "burn-up": charts.burn_up(
            "Burn-up", labels, [50.0] * 20, [float(i) if i < 9 else None for i in range(20)]
        ),
        "flow": charts.cumulative_flow("Flow", labels, [("done", list(range(20))), ("doing", [3.0] * 20)]),
        "heat": charts.heat_map("Heat", ["Team & co", "B"], labels, [values, [None, *values[1:]]], unit="%"),
        "bars": charts.bar_chart(
            "Bars", [("one", [1, 2]), ("two", [0, 0])], parts=["x", "y"], tones=["ok", "bad"]
        ),
        "histogram": charts.histogram("Spread", values, unit="h", markers=[("p50", 4.8)]),
        "spark": charts.sparkline("Spark", values),
        "timeline": charts.timeline_chart(
            "Rollout",
            [
                charts.Span(
                    "svc", NOON, NOON + timedelta(hours=3), "ok", "done", (NOON, NOON + timedelta(hours=2))
                ),
                charts.Span("other", NOON + timedelta(days=2), None, "bad"),
            ],
            now=NOON + timedelta(days=3),
            markers=[charts.Marker("freeze", NOON + timedelta(days=1))],
        ),
        "empty": charts.timeline_chart("Nothing", []),
        "no values": charts.histogram("Nothing", []),
    }


SAMPLES = _samples()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_chart_is_well_formed_and_says_its_finding(name: str) -> None:
    chart = SAMPLES[name]
    root = ElementTree.fromstring(chart.svg)
    described = {root.find("title").attrib["id"], root.find("desc").attrib["id"]}
    assert root.find("title").text == chart.title
    assert root.find("desc").text == chart.finding
    assert set(root.attrib["aria-labelledby"].split()) == described
    assert root.attrib["role"] == "img"
    assert all(len(row) == len(chart.columns) for row in chart.rows)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_page_version_uses_classes_and_the_document_version_only_attributes(name: str) -> None:
    chart = SAMPLES[name]
    assert "style=" not in chart.svg
    assert "fill=" not in chart.svg
    alone = chart.standalone
    assert 'xmlns="http://www.w3.org/2000/svg"' in alone
    assert "class=" not in alone
    assert "style=" not in alone
    for shape in ElementTree.fromstring(alone).iter():
        kind = shape.tag.rpartition("}")[2]
        if kind in ("rect", "circle", "polygon", "text"):
            assert "fill" in shape.attrib, ElementTree.tostring(shape)
        if kind in ("line", "polyline"):
            assert "stroke" in shape.attrib, ElementTree.tostring(shape)


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_drawn_outside_the_box(name: str) -> None:
    chart = SAMPLES[name]
    width, height = chart.drawing.width, chart.drawing.height
    for shape in chart.drawing.shapes:
        xs = [float(v) for k, v in shape.attributes.items() if k in ("x", "x1", "x2", "cx")]
        ys = [float(v) for k, v in shape.attributes.items() if k in ("y", "y1", "y2", "cy")]
        for pair in str(shape.attributes.get("points", "")).split():
            x, y = pair.split(",")
            xs.append(float(x))
            ys.append(float(y))
        assert all(-1 <= x <= width + 1 for x in xs), shape
        assert all(-1 <= y <= height + 1 for y in ys), shape


@given(st.lists(finite, min_size=1, max_size=60))
def test_a_control_chart_survives_any_values_and_keeps_them_in_its_table(values: list[float]) -> None:
    chart = charts.control_chart("Any", [(str(i), v) for i, v in enumerate(values)], unit="h")
    ElementTree.fromstring(chart.svg)
    assert len(chart.rows) == len(values)
    assert "nan" not in chart.svg
    assert "inf" not in chart.svg


def test_limits_are_the_published_ones() -> None:
    # Mean 11, moving ranges 2 on average: 11 plus and minus 3 times 2 over 1.128.
    chart = charts.control_chart("Any", [(str(i), v) for i, v in enumerate([10.0, 12.0] * 10)])
    assert chart.finding == "20 points, mean 11, limits 5.68 to 16.32 from the first 20 points, no signals."
    share = charts.p_chart("Any", [(str(i), 10, 100) for i in range(20)])
    assert "mean 10 %, limits 1 to 19 from the first 20 points (2000 cases)" in share.finding
    rate = charts.u_chart("Any", [(str(i), 4, 1.0) for i in range(20)], unit="per week")
    assert "mean 4 per week, limits 0 to 10 from" in rate.finding


def test_too_few_points_give_the_run_without_limits() -> None:
    assert SAMPLES["few points"].finding == "5 points; limits need 20."
    assert SAMPLES["few points"].signals == []


def test_signals_are_shapes_and_sentences() -> None:
    values = [*VALUES, *[5.4] * 8, 20.0]
    points = [(f"W{i}", v) for i, v in enumerate(values)]
    chart = charts.control_chart("Lead time", points, unit="days")
    assert "W20 to W28: eight points in a row on one side of the centre." in chart.signals
    assert any(sentence.startswith("W28: 20 days is above the upper limit") for sentence in chart.signals)
    assert len(re.findall(r'class="out"', chart.svg)) == 1
    assert len(re.findall(r'class="run"', chart.svg)) == 1
    alone = charts.control_chart("Lead time", points, unit="days", standard="nelson", rules=(1,))
    assert len(alone.signals) == 1


def test_limits_begin_anew_where_a_change_is_declared() -> None:
    values = [*VALUES, *(v + 10 for v in VALUES)]
    points = [(f"W{i}", v) for i, v in enumerate(values)]
    before = charts.control_chart("Lead time", points)
    assert len([s for s in before.signals if "above the upper" in s]) == 20
    after = charts.control_chart("Lead time", points, changes=[20], events=[(20, "new")])
    assert after.signals == []
    assert "from 20 points since W20" in after.finding


def test_the_same_input_draws_the_same_bytes() -> None:
    for name, chart in _samples().items():
        assert chart.svg == SAMPLES[name].svg
        assert chart.standalone == SAMPLES[name].standalone


def test_shares_without_cases_are_gaps_not_zeros() -> None:
    chart = SAMPLES["p with a gap"]
    assert chart.rows[0] == ["W1", "0", "0", "–"]
    assert len(re.findall("<circle", chart.svg)) == 2


def test_a_heat_map_prints_each_number_and_says_where_there_is_none() -> None:
    chart = SAMPLES["heat"]
    assert "B, W0: no data" in chart.svg
    assert "Team &amp; co" in chart.svg
    assert chart.columns == ["", *WEEKS[:20]]


@given(st.floats(-1e5, 1e5), st.floats(0.001, 1e5))
def test_ticks_are_round_few_and_inside(low: float, reach: float) -> None:
    found = ticks(low, low + reach)
    assert len(found) <= 11
    assert all(low - reach * 1e-6 <= t <= low + reach * (1 + 1e-6) for t in found)


@given(st.lists(finite, min_size=1, max_size=80))
def test_a_histogram_counts_every_value_once(values: list[float]) -> None:
    chart = charts.histogram("Any", values)
    ElementTree.fromstring(chart.svg)
    assert sum(int(row[1]) for row in chart.rows) == len(values)
    assert len(chart.rows) <= 40


def test_a_scale_keeps_values_inside() -> None:
    scale = Scale(0, 10, 100, 200)
    assert [scale(-5), scale(0), scale(5), scale(10), scale(50)] == [100, 100, 150, 200, 200]
    assert Scale(3, 3, 0, 10)(3) == 5
