"""Service level objectives with their error budgets, on pages, in gates and on releases; and KPIs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.actions.kpis import create_kpi, edit_kpi, retire_kpi, review_kpi
from metrics.actions.slos import adjust_slo, create_slo, retire_slo
from metrics.checks_budget import error_budget
from metrics.models import Kpi
from metrics.pages.objectives import lines
from metrics.queries import kpis, slos
from metrics.rules.budgets import BudgetState, Slice, budget
from metrics.rules.formulas import series_in
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions.series import post_values
from trains.models import Artifact, Release, ReleaseArtifact, Service, Train

WINDOW = timedelta(days=28)
AT = now().replace(second=0, microsecond=0)


def refused(call, *given, **named):
    with pytest.raises(Refused) as caught:
        call(*given, **named)
    return caught.value.refusals[0]


def hours(bad: float, total: float = 100.0, count: int = 24 * 28, until=AT) -> list[Slice]:
    return [Slice(until - timedelta(hours=i), bad, total) for i in range(count)]


class TestBudget:
    def test_half_of_what_is_allowed_leaves_half(self):
        found = budget(99.0, WINDOW, hours(0.5), AT)
        assert (found.state, round(found.left, 6)) == (BudgetState.KEPT, 0.5)
        assert round(found.attained, 6) == 99.5
        assert found.gone_at is None
        assert round(found.burns["24 h"], 6) == 0.5

    def test_more_than_allowed_is_exhausted(self):
        found = budget(99.0, WINDOW, hours(2), AT)
        assert (found.state, round(found.left, 6)) == (BudgetState.EXHAUSTED, -1.0)

    def test_a_fast_burn_is_seen_before_the_budget_is_gone(self):
        slices = [*hours(20, count=1), *hours(0.1, count=600, until=AT - timedelta(hours=2))]
        found = budget(99.0, WINDOW, slices, AT)
        assert found.state is BudgetState.BURNING
        assert found.gone_at is not None
        assert found.gone_at > AT

    @pytest.mark.parametrize("slices", [[], hours(0, total=0), hours(0, until=AT - timedelta(hours=14))])
    def test_nothing_or_nothing_new_is_no_answer(self, slices):
        assert budget(99.0, WINDOW, slices, AT).state is BudgetState.UNKNOWN

    @given(
        st.lists(
            st.tuples(st.integers(0, 600), st.integers(0, 50), st.integers(50, 90)), min_size=1, max_size=40
        ),
        st.floats(90, 99.9),
    )
    @settings(max_examples=60, deadline=None)
    def test_left_and_attained_say_the_same(self, rows, objective):
        slices = [Slice(AT - timedelta(hours=hour), bad, total) for hour, bad, total in rows]
        found = budget(objective, WINDOW, slices, AT)
        assert (found.left > 0) == (found.bad < found.allowed)
        assert abs((1 - found.left) * (100 - objective) - (100 - found.attained)) < 1e-6

    def test_formulas_name_their_series(self):
        formula = 'series.orders.mean / series["visits:rate"].mean + series.orders.max + counts.incidents'
        assert series_in(formula) == ["orders", "visits:rate"]


@pytest.fixture
def checkout(in_northwind):
    return Service.objects.create(name="promised-checkout")


def promised(cast, service, **given):
    said = {
        "name": "Answers",
        "kind": "bad",
        "series": "http_errors_total",
        "total_series": "http_requests_total",
        "objective": 99.0,
        **given,
    }
    return create_slo(cast["release_manager"], service=service, **said)


@pytest.fixture
def manager(cast, in_northwind):
    """Whoever may define metrics."""
    return next(
        cast[role]
        for role in ("rte", "release_manager", "executive", "owner")
        if cast[role].may("metrics.manage")
    )


def counted(cast, service, bad_per_minute: float, minutes: int = 300) -> None:
    """Counters of a service: 100 requests a minute, some of them bad."""
    moments = [AT - timedelta(minutes=minutes - i) for i in range(minutes + 1)]
    rows = [
        {"name": name, "points": [[m.isoformat(), rate * i] for i, m in enumerate(moments)]}
        for name, rate in (("http_errors_total", bad_per_minute), ("http_requests_total", 100.0))
    ]
    post_values(cast["service_account"], series=rows, service=service)


@pytest.mark.django_db
class TestObjectives:
    @pytest.fixture(autouse=True)
    def _may(self, cast, manager):
        cast["release_manager"] = manager

    @pytest.mark.parametrize(
        ("bad", "state"), [(0.1, BudgetState.KEPT), (0.9, BudgetState.LOW), (3.0, BudgetState.EXHAUSTED)]
    )
    def test_counters_are_measured_against_the_promise(self, cast, checkout, bad, state):
        slo = promised(cast, checkout)
        counted(cast, checkout, bad)
        found = slos.budgets([slo])[slo.pk]
        assert found.state is state
        assert abs(found.attained - (100 - bad)) < 1e-6

    def test_slices_of_five_minutes_are_counted(self, cast, checkout):
        slo = promised(
            cast,
            checkout,
            kind="slices",
            series="latency_seconds",
            total_series="",
            at_most=0.5,
            objective=90.0,
        )
        points = [
            [(AT - timedelta(minutes=200 - i)).isoformat(), 0.9 if 100 <= i < 110 else 0.2]
            for i in range(200)
        ]
        post_values(
            cast["service_account"], series=[{"name": "latency_seconds", "points": points}], service=checkout
        )
        found = slos.budgets([slo])[slo.pk]
        assert 40 <= found.total <= 41
        assert 1 <= found.bad <= 3

    def test_good_events_without_a_value_of_them_are_no_answer(self, cast, checkout):
        slo = promised(cast, checkout, kind="good", series="http_good_total")
        counted(cast, checkout, 0.1)
        assert slos.budgets([slo])[slo.pk].state is BudgetState.UNKNOWN

    def test_many_objectives_cost_as_many_queries_as_one(self, cast, checkout):
        counted(cast, checkout, 0.1)
        first = promised(cast, checkout)
        with CaptureQueriesContext(connection) as one:
            slos.budgets([first])
        several = [first, *(promised(cast, checkout, name=f"Answers {n}") for n in range(5))]
        with CaptureQueriesContext(connection) as six:
            slos.budgets(several)
        assert len(one) == len(six) == 3

    def test_an_adjustment_is_kept_with_its_reason_and_shown(self, cast, checkout, web):
        slo = promised(cast, checkout)
        counted(cast, checkout, 2.0)
        adjust_slo(
            cast["release_manager"], slo, objective=97.5, reason="REV-7: the promise was never kept in a year"
        )
        assert slos.budgets([*slos.live([checkout])])[slo.pk].state is not BudgetState.EXHAUSTED
        page = web("release_manager").get(f"/o/northwind/slos/{slo.key}/").content.decode()
        assert "from 99.0 to 97.5" in page
        assert "REV-7: the promise was never kept in a year" in page

    def test_the_gate_asks_for_what_is_left(self, cast, checkout):
        context = type("Context", (), {"services": (checkout,), "at": now()})()
        assert error_budget(context, least=10, required=False).verdict == "pass"
        assert error_budget(context, least=10, required=True).verdict == "fail"
        slo = promised(cast, checkout)
        assert error_budget(context, least=10, required=False).verdict == "pending"
        counted(cast, checkout, 0.95)
        said = error_budget(context, least=10, required=False)
        assert (said.verdict, slo.key in said.reason) == ("fail", True)
        assert error_budget(context, least=2, required=True).verdict == "pass"

    def test_whoever_decides_on_a_release_sees_the_budgets_of_its_services(
        self, cast, checkout, web, in_northwind
    ):
        counted(cast, checkout, 3.0)
        promised(cast, checkout)
        train = Train.objects.create(name="Measured", key="MEASURED", cadence_start=now().date())
        release = Release.objects.create(train=train, version="9.9.0")
        artifact = Artifact.objects.create(service=checkout, digest="sha256:" + "9" * 64, version="9.9.9")
        ReleaseArtifact.objects.create(release=release, service=checkout, artifact=artifact)
        page = web("release_manager").get(f"/o/northwind/releases/{release.key}/").content.decode()
        assert "Error budgets" in page
        assert "Exhausted" in page

    def test_what_cannot_be_measured_is_refused(self, cast, checkout):
        for said, field in (
            ({"series": "a b"}, "series"),
            ({"total_series": ""}, "total_series"),
            ({"total_series": "http_errors_total"}, "total_series"),
            ({"at_most": 1.0}, "at_most"),
            ({"kind": "slices"}, "total_series"),
            ({"kind": "slices", "total_series": ""}, "at_most"),
            ({"kind": "slices", "total_series": "", "at_most": 1.0, "at_least": 2.0}, "at_least"),
            ({"labels": {"a": 1}}, "labels"),
            ({"name": " "}, "name"),
        ):
            assert refused(promised, cast, checkout, **said).field == field
        slo = promised(cast, checkout)
        assert refused(promised, cast, checkout).field == "name"
        slo = retire_slo(cast["release_manager"], slo, reason="Replaced")
        assert (
            refused(adjust_slo, cast["release_manager"], slo, objective=98.0, reason="x").code
            == "slo.retired"
        )
        assert refused(create_slo, cast["service_account"], **promise(checkout)).status == 403

    def test_the_dashboard_lists_them_as_page_and_json(self, cast, checkout, web, api):
        promised(cast, checkout)
        counted(cast, checkout, 3.0)
        page = web("release_manager").get("/o/northwind/metrics/objectives/")
        assert page.status_code == 200
        assert "promised-checkout" in page.content.decode()
        body = api("release_manager").get("/api/v1/orgs/northwind/metrics/objectives").json()
        assert "within_budget" in str(body)
        assert lines([checkout])[0][1].state is BudgetState.EXHAUSTED


def promise(service) -> dict:
    return {
        "service": service,
        "name": "x",
        "kind": "bad",
        "series": "a_total",
        "total_series": "b_total",
        "objective": 99.0,
    }


@pytest.mark.django_db
class TestIndicators:
    def define(self, cast, manager, **given):
        said = {
            "name": "Orders per visit",
            "formula": "series.orders.mean / series.visits.mean * 100.0",
            "target": 5.0,
            "direction": "up",
            "owner": cast.user("product_manager"),
            "review_on": (now() + timedelta(days=30)).date(),
            "decision": "Whether the new checkout stays",
            **given,
        }
        return create_kpi(manager, **said)

    def post(self, cast, days: int = 60, **means: float) -> None:
        rows = [
            {
                "name": name,
                "points": [[(AT - timedelta(hours=6 * i)).isoformat(), mean] for i in range(1, days * 4)],
            }
            for name, mean in means.items()
        ]
        rows = [{**row, "service": "measured-shop"} for row in rows]
        post_values(cast["service_account"], series=rows)

    @pytest.fixture
    def shop(self, in_northwind):
        return Service.objects.create(name="measured-shop")

    def test_a_formula_over_series_gives_a_value_for_each_period(self, cast, manager, shop):
        kpi = self.define(cast, manager, service=shop)
        self.post(cast, orders=6.0, visits=100.0)
        found = kpis.values([kpi], 2)[kpi.pk]
        assert [round(each.value, 6) for each in found] == [6.0, 6.0]
        assert all(each.met for each in found)

    def test_counts_need_no_series(self, cast, manager, in_northwind):
        formula = "counts.failed_deployments * 100 / (counts.deployments + 1)"
        kpi = self.define(cast, manager, formula=formula, direction="down")
        assert kpis.values([kpi])[kpi.pk][-1].value is not None

    def test_without_values_there_is_no_answer_and_the_reason_names_the_series(self, cast, manager, shop):
        kpi = self.define(cast, manager, service=shop)
        self.post(cast, orders=6.0)
        found = kpis.values([kpi])[kpi.pk][-1]
        assert (found.value, found.met) == (None, None)
        assert "visits" in found.reason

    def test_dividing_by_nothing_is_no_answer(self, cast, manager, shop):
        kpi = self.define(cast, manager, service=shop)
        self.post(cast, orders=6.0, visits=0.0)
        assert kpis.values([kpi])[kpi.pk][-1].value is None

    @pytest.mark.parametrize("formula", ["", "1 +", "release.key", "counts.bugs", "series.orders.mean +"])
    def test_a_formula_that_cannot_be_asked_is_refused(self, cast, manager, in_northwind, formula):
        assert refused(self.define, cast, manager, formula=formula).field == "formula"

    def test_one_without_a_decision_is_vanity_and_counts_nowhere(self, cast, manager, web, api, in_northwind):
        plain = self.define(cast, manager, name="Page views", formula="days * 2.0", decision=" ")
        self.define(cast, manager, name="Kept", formula="days * 1.0", target=1.0)
        body = api("release_manager").get("/api/v1/orgs/northwind/metrics/indicators").json()
        assert "1 marked as vanity" in str(body)
        assert api("release_manager").get(f"/api/v1/orgs/northwind/kpis/{plain.key}").json()["vanity"] is True
        page = web("release_manager").get(f"/o/northwind/kpis/{plain.key}/").content.decode()
        assert "No decision is served by it" in page

    def test_a_review_says_what_was_decided_and_when_it_is_looked_at_again(self, cast, manager, in_northwind):
        kpi = self.define(cast, manager, formula="days * 1.0")
        later = (now() + timedelta(days=90)).date()
        assert refused(review_kpi, manager, kpi, note=" ", review_on=later).field == "note"
        assert refused(review_kpi, manager, kpi, note="x", review_on=now().date()).field == "review_on"
        kpi = review_kpi(manager, kpi, note="The checkout stays.", review_on=later)
        assert (kpi.review_on, kpi.review_note) == (later, "The checkout stays.")
        edited = edit_kpi(manager, kpi, target=7.0, reason="Raised")
        assert edited.target == 7.0
        assert refused(edit_kpi, cast["service_account"], kpi, target=7.0, reason="x").status == 403
        retired = retire_kpi(manager, kpi, reason="Decided")
        assert refused(review_kpi, manager, retired, note="x", review_on=later).code == "kpi.retired"
        assert kpi not in kpis.live()

    def test_many_indicators_cost_no_more_queries(self, cast, manager, shop):
        self.post(cast, orders=6.0, visits=100.0)
        first = self.define(cast, manager, service=shop)
        with CaptureQueriesContext(connection) as one:
            kpis.values([first], 4)
        more = [self.define(cast, manager, service=shop, name=f"KPI {n}") for n in range(4)]
        with CaptureQueriesContext(connection) as five:
            kpis.values([first, *more], 4)
        assert len(one) == len(five)
        assert Kpi.objects.count() >= 5
