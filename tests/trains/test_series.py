"""Time series: posted, corrected, rolled up, read, kept as long as a policy says."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions.series import clear_out, post_values, push_exposition, set_policy, something_outlived
from trains.models import Environment, Series, SeriesBlock, Service
from trains.queries import series as reading
from trains.rules.exposition import ExpositionError, samples
from trains.rules.series import COARSE, FINE, RAW, Block, increases, merged, replaced, rolled_up, start_of

# Four full hours ago: grants of the cast begin when the tests do, so that time may only go forward.
NOON = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=4)


def refusal(call, actor, **params) -> str:
    with pytest.raises(Refused) as caught:
        call(actor, **params)
    assert caught.value.refusals[0].status in (403, 422)
    return caught.value.refusals[0].code


@pytest.fixture
def checkout(in_northwind):
    return Service.objects.create(name="measured-checkout")


@pytest.fixture
def robot(cast):
    return cast["service_account"]


def every_minute(minutes: int, value=float, until=None) -> list:
    until = until or now().replace(second=0, microsecond=0)
    return [[(until - timedelta(minutes=minutes - i)).isoformat(), value(i)] for i in range(minutes)]


class TestRules:
    @given(st.lists(st.tuples(st.integers(0, 3_599_999), st.floats(-1e6, 1e6)), max_size=60))
    @settings(max_examples=60, deadline=None)
    def test_points_in_any_order_and_twice_make_the_same_block(self, points):
        last = dict(points)
        whole, new = merged(Block(), points)
        assert new == len(last)
        assert whole.offsets == sorted(last)
        assert whole.values == [last[offset] for offset in whole.offsets]
        again, none = merged(whole, last.items())
        assert (again, none) == (whole, 0)

    @given(st.lists(st.tuples(st.integers(0, 3_599_999), st.floats(-1e6, 1e6)), min_size=1, max_size=60))
    @settings(max_examples=60, deadline=None)
    def test_roll_ups_hold_every_point_once(self, points):
        hour, _ = merged(Block(), points)
        for step in (FINE, COARSE):
            buckets = rolled_up(hour, step, counter=False)
            assert sum(b.count for b in buckets) == len(hour.values)
            assert min(b.low for b in buckets) == min(hour.values)
            assert max(b.high for b in buckets) == max(hour.values)
            total = sum(b.value * b.count for b in buckets)
            assert math.isclose(total, math.fsum(hour.values), abs_tol=1e-3)

    def test_a_roll_up_made_again_replaces_its_own_hour_only(self):
        first = rolled_up(merged(Block(), [(0, 1.0), (1_000, 3.0)])[0], COARSE, counter=False)
        block = replaced(replaced(Block(), 0, first), 3_600_000, first)
        assert block.values == [2.0, 2.0]
        later = rolled_up(merged(Block(), [(0, 10.0)])[0], COARSE, counter=False)
        assert replaced(block, 3_600_000, later).values == [2.0, 10.0]

    def test_a_counter_that_fell_was_started_anew(self):
        assert increases([0, 60, 120], [10.0, 25.0, 5.0]) == [(60, 60, 15.0), (120, 60, 5.0)]

    def test_expositions_of_both_formats_are_read(self):
        text = '# TYPE hits counter\nhits_total{code="200"} 7 1763640000.5\n# EOF\n'
        (sample,) = samples(text)
        assert (sample.name, sample.value, sample.labels, sample.counter) == (
            "hits_total",
            7.0,
            {"code": "200"},
            True,
        )
        assert sample.at == datetime.fromtimestamp(1763640000.5, UTC)
        older = '# TYPE lag gauge\nlag{shard="a"} 4.5\nlag{shard="b"} NaN\n'
        assert [s.value for s in samples(older)] == [4.5]
        with pytest.raises(ExpositionError):
            list(samples("lag{shard= 4\n"))


@pytest.mark.django_db
class TestPosting:
    def test_points_are_read_as_they_came_and_the_same_again_changes_nothing(self, robot, checkout):
        row = {"name": "latency_seconds", "labels": {"track": "canary"}, "points": every_minute(90)}
        said = post_values(robot, series=[row], service=checkout)
        assert said == {"series": 1, "points": 90, "new": 90, "known": 0}
        assert post_values(robot, series=[row], service=checkout)["new"] == 0
        found = reading.values(
            checkout,
            ["latency_seconds", "absent"],
            now() - timedelta(hours=2),
            now(),
            labels={"track": "canary"},
        )
        assert reading.numbers(found["latency_seconds"]) == [float(i) for i in range(90)]
        assert found["absent"] == []
        other = reading.values(
            checkout, ["latency_seconds"], now() - timedelta(hours=2), now(), labels={"track": "x"}
        )
        assert other["latency_seconds"] == []

    def test_a_corrected_point_fixes_what_was_rolled_up(self, robot, checkout):
        points = [[(NOON + timedelta(minutes=i)).isoformat(), 10.0] for i in range(60)]
        post_values(robot, series=[{"name": "queue", "points": points}], service=checkout)
        late = [[(NOON + timedelta(minutes=30)).isoformat(), 610.0]]
        post_values(robot, series=[{"name": "queue", "points": late}], service=checkout)
        period = (NOON, NOON + timedelta(hours=1))
        coarse = reading.values(checkout, ["queue"], *period, step=COARSE)["queue"][0]
        assert (coarse.values, coarse.highs, coarse.counts) == ([20.0], [610.0], [60])
        fine = reading.values(checkout, ["queue"], *period, step=FINE)["queue"][0]
        assert len(fine.values) == 12
        assert fine.values[6] == fmean([610.0, 10, 10, 10, 10])

    def test_counters_are_read_as_increases_at_every_step(self, robot, checkout):
        points = [[(NOON + timedelta(minutes=i)).isoformat(), 100.0 + 6 * i] for i in range(121)]
        post_values(robot, series=[{"name": "hits_total", "points": points}], service=checkout)
        raw = reading.values(checkout, ["hits_total"], NOON, NOON + timedelta(hours=2))["hits_total"][0]
        assert raw.increase == 6 * 119
        assert {round(value, 9) for value in raw.values} == {0.1}
        fine = reading.values(checkout, ["hits_total"], NOON, NOON + timedelta(hours=2), step=FINE)[
            "hits_total"
        ][0]
        assert fine.increase == 6 * 115  # from the last of the first five minutes to the last of the last

    def test_many_questions_cost_three_queries(self, robot, checkout):
        rows = [
            {"name": name, "labels": {"track": track}, "points": every_minute(10)}
            for name in ("a", "b", "c")
            for track in ("canary", "baseline")
        ]
        post_values(robot, series=rows, service=checkout)
        asks = [
            reading.Ask(checkout, ("a", "b", "c"), now() - timedelta(hours=1), now(), {"track": track})
            for track in ("canary", "baseline")
        ]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answers = reading.many(asks)
        assert len(queries) == 3
        assert all(len(readings) == 1 for answer in answers for readings in answer.values())

    def test_long_periods_are_read_coarser(self):
        end = now()
        assert [
            reading.step_for(end - timedelta(days=days), end, [reading.SeriesPolicy()]) for days in (1, 7, 90)
        ] == [RAW, FINE, COARSE]

    def test_an_exposition_is_pushed_and_counters_are_known(self, robot, checkout):
        text = '# TYPE hits counter\nhits_total{code="500"} 3\nhits_total{code="200"} 90\n# TYPE temp gauge\ntemp 21.5\n# EOF\n'
        assert push_exposition(robot, text=text, service=checkout, labels={"instance": "a"})["series"] == 3
        assert Series.objects.get(name="temp").labels == {"instance": "a"}
        assert set(Series.objects.filter(name="hits_total").values_list("kind", flat=True)) == {"counter"}
        assert (
            refusal(push_exposition, robot, text="no exposition {", service=checkout) == "series.exposition"
        )
        assert refusal(push_exposition, robot, text="# EOF\n", service=checkout) == "series.exposition"

    @pytest.mark.parametrize(
        ("row", "code"),
        [
            ("x", "series.row"),
            ({"name": "a b", "value": 1}, "series.name"),
            ({"name": "a", "value": "1"}, "series.points"),
            ({"name": "a", "value": True}, "series.points"),
            ({"name": "a"}, "series.points"),
            ({"name": "a", "points": [[1, 2, 3]]}, "series.points"),
            ({"name": "a", "points": [["2026-11-20T12:00:00", 1]]}, "series.moment"),
            ({"name": "a", "points": [[1e18, 1]]}, "series.moment"),
            ({"name": "a", "value": 1, "at": "2099-01-01T00:00:00Z"}, "series.future"),
            ({"name": "a", "value": 1, "at": "2001-01-01T00:00:00Z"}, "series.too_old"),
            ({"name": "a", "value": 1, "labels": {"x": 1}}, "series.labels"),
            ({"name": "a", "value": 1, "labels": {"1x": "1"}}, "series.labels"),
            ({"name": "a", "value": 1, "kind": "histogram"}, "series.row"),
            ({"name": "a", "value": 1, "service": "nobody"}, "series.service"),
            ({"name": "a", "value": 1, "environment": "nowhere"}, "series.environment"),
            ({"name": "a", "value": 1, "colour": "red"}, "series.row"),
        ],
    )
    def test_what_is_no_measurement_is_refused_by_its_row(self, robot, checkout, row, code):
        assert refusal(post_values, robot, series=[row], service=checkout) == code
        assert not Series.objects.filter(service=checkout).exists()

    def test_people_who_may_not_post_results_may_not_post_values(self, cast, checkout):
        row = {"name": "a", "value": 1}
        assert refusal(post_values, cast["executive"], series=[row], service=checkout) == "permission.missing"

    def test_series_of_environments_and_services_are_kept_apart(self, robot, checkout):
        place = Environment.objects.create(name="measured-production", kind="production", rank=91)
        row = {"name": "lag", "value": 4}
        post_values(robot, series=[row], service=checkout, environment=place)
        post_values(robot, series=[{**row, "value": 9}], service=checkout)
        assert Series.objects.filter(name="lag").count() == 2
        hour = (now() - timedelta(hours=1), now() + timedelta(minutes=1))
        here = reading.values(checkout, ["lag"], *hour, environment=place)
        assert reading.numbers(here["lag"]) == [4.0]


@pytest.mark.django_db
class TestKeeping:
    def test_points_go_step_by_step_and_the_last_block_takes_its_series_along(self, cast, robot, checkout):
        points = [[(NOON + timedelta(minutes=i)).isoformat(), 1.0] for i in range(60)]
        owner = cast["owner"]
        post_values(robot, series=[{"name": "brief", "points": points}], service=checkout)
        set_policy(owner, beginning="brief", raw_days=2, fine_days=10, coarse_days=40)
        blocks = SeriesBlock.objects.filter(series__name="brief")
        assert sorted(blocks.values_list("step", flat=True)) == [RAW, FINE, COARSE]
        for days, left in ((3, [FINE, COARSE]), (12, [COARSE]), (48, [])):
            with time_machine.travel(NOON + timedelta(days=days), tick=False):
                assert something_outlived()
                clear_out(owner)
                assert sorted(blocks.values_list("step", flat=True)) == left
        assert not Series.objects.filter(name="brief").exists()

    def test_an_hour_whose_points_are_gone_is_closed(self, cast, robot, checkout):
        row = {"name": "brief", "points": [[NOON.isoformat(), 1.0]]}
        set_policy(cast["owner"], beginning="brief", raw_days=2, fine_days=10, coarse_days=40)
        post_values(robot, series=[row], service=checkout)
        with time_machine.travel(NOON + timedelta(days=3), tick=False):
            clear_out(cast["owner"])
            late = {"name": "brief", "points": [[(NOON + timedelta(minutes=5)).isoformat(), 9.0]]}
            assert refusal(post_values, robot, series=[late], service=checkout) == "series.closed"

    def test_policies_keep_coarser_points_at_least_as_long(self, cast, in_northwind):
        assert refusal(set_policy, cast["owner"], raw_days=20, fine_days=10) == "series_policy.order"
        assert refusal(set_policy, cast["owner"], beginning="a b") == "series.name"
        assert refusal(set_policy, cast["executive"]) == "permission.missing"

    def test_stretches_start_where_they_should(self):
        moment = datetime(2026, 11, 21, 12, 34, 56, tzinfo=UTC)
        assert start_of(moment, RAW) == datetime(2026, 11, 21, 12, tzinfo=UTC)
        assert start_of(moment, FINE) == datetime(2026, 11, 21, tzinfo=UTC)
        assert start_of(moment, COARSE).weekday() == 3


@pytest.mark.django_db
class TestRest:
    PATH = "/api/v1/orgs/northwind/series"

    def test_a_process_pushes_its_exposition_and_the_values_are_read_again(self, api, checkout):
        rest = api("service_account")
        text = 'queue_depth{shard="a"} 7\nqueue_depth{shard="b"} 9\n'
        said = rest.post(
            f"{self.PATH}/openmetrics?service=measured-checkout", text, content_type="text/plain"
        )
        assert (said.status_code, said.json()["new"]) == (200, 2)
        until = (now() + timedelta(minutes=1)).isoformat().replace("+", "%2B")
        query = f"service=measured-checkout&name=queue_depth&label=shard=b&to={until}"
        found = rest.get(f"{self.PATH}/values?{query}").json()["series"]
        assert [series["points"][0][1] for series in found] == [9.0]

    @pytest.mark.parametrize(
        ("address", "body", "status"),
        [
            ("openmetrics?service=nobody", "a 1\n", 422),
            ("openmetrics", "a{ 1\n", 422),
            ("openmetrics", b"\xff\xfe", 422),
            ("openmetrics", "", 422),
        ],
    )
    def test_what_is_no_exposition_is_refused(self, api, checkout, address, body, status):
        said = api("service_account").post(f"{self.PATH}/{address}", body, content_type="text/plain")
        assert said.status_code == status

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "name=a&step=7",
            "name=a&from=x",
            "name=a&label=x",
            "name=a&service=nobody",
            "name=a&from=2001-01-01T00:00:00Z",
        ],
    )
    def test_what_cannot_be_read_is_refused(self, api, checkout, query):
        assert api("service_account").get(f"{self.PATH}/values?{query}").status_code == 422

    def test_the_page_of_a_series_shows_its_chart(self, robot, checkout, web):
        post_values(robot, series=[{"name": "latency_seconds", "points": every_minute(90)}], service=checkout)
        row = Series.objects.get(name="latency_seconds")
        for span in ("day", "week", "quarter", "x"):
            page = web("release_manager").get(f"/o/northwind/series/{row.pk}/?span={span}")
            assert page.status_code == 200
        assert "As posted for 14 days" in page.content.decode()
