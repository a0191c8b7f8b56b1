"""The judge of canaries: classes, scores and verdicts; limits; configurations; judging what was recorded."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions.canary import analyse, change_config, create_config, retire_config
from trains.actions.series import post_values
from trains.models import CanaryAnalysis, Service
from trains.rules import mann_whitney, thresholds
from trains.rules.canary import Classification, Config, Direction, Metric, Verdict, classify, judge
from trains.rules.canary_config import ConfigError, config_of

samples = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=2, max_size=25)


def about(mean: float, count: int = 40, seed: int = 1) -> list[float]:
    source = random.Random(seed)
    return [source.gauss(mean, mean / 10) for _ in range(count)]


def metric(name="errors", **given) -> Metric:
    return Metric(name, **given)


def verdict(metrics, baseline, canary, **given) -> Verdict:
    return judge(Config(tuple(metrics), **given), baseline, canary).verdict


class TestShift:
    @given(samples, samples)
    @settings(max_examples=40, deadline=None)
    def test_the_other_way_round_is_the_same_with_the_sign_turned(self, one, other):
        forth, back = mann_whitney.shift(one, other), mann_whitney.shift(other, one)
        assert math.isclose(forth.estimate, -back.estimate, abs_tol=1e-4)
        assert math.isclose(forth.p_value, back.p_value, abs_tol=1e-9)
        assert min(one) - max(other) <= forth.lower
        assert forth.upper <= max(one) - min(other)

    @given(samples, st.floats(-1000, 1000).map(lambda value: round(value, 2)))
    @settings(max_examples=40, deadline=None)
    def test_pairs_won_and_lost_make_one(self, values, moved):
        other = [value + moved for value in values]
        assert math.isclose(
            mann_whitney.common_language(values, other) + mann_whitney.common_language(other, values), 1.0
        )


class TestJudge:
    def test_the_same_behaviour_passes_and_advances(self):
        judgement = judge(Config((metric(),)), {"errors": about(10)}, {"errors": about(10, seed=2)})
        assert (judgement.verdict, judgement.advice, judgement.score) == (Verdict.PASS, "advance", 100.0)

    def test_a_worse_canary_fails_and_is_rolled_back(self):
        judgement = judge(Config((metric(),)), {"errors": about(10)}, {"errors": about(30)})
        assert (judgement.verdict, judgement.advice) == (Verdict.FAIL, "rollback")
        assert judgement.metrics[0].classification is Classification.HIGH
        assert math.isclose(judgement.metrics[0].effect or 0, 3, rel_tol=0.01)

    def test_only_the_bad_direction_counts(self):
        falls = {"errors": about(30)}, {"errors": about(10)}
        assert verdict([metric(direction=Direction.INCREASE)], *falls) is Verdict.PASS
        assert verdict([metric(direction=Direction.DECREASE)], *falls) is Verdict.FAIL

    def test_between_the_marks_it_holds(self):
        metrics = [metric(name) for name in ("a", "b", "c", "d", "e")]
        baseline = {name: about(10) for name in "abcde"}
        canary = {**{name: about(10, seed=3) for name in "abcd"}, "e": about(30)}
        judgement = judge(Config(tuple(metrics)), baseline, canary)
        assert (judgement.verdict, judgement.advice, judgement.score) == (Verdict.MARGINAL, "hold", 80.0)

    def test_a_critical_metric_fails_alone(self):
        metrics = [metric(name, critical=name == "e") for name in ("a", "b", "c", "d", "e")]
        baseline = {name: about(10) for name in "abcde"}
        canary = {**{name: about(10, seed=3) for name in "abcd"}, "e": about(30)}
        assert verdict(metrics, baseline, canary) is Verdict.FAIL

    @pytest.mark.parametrize("count", [0, 1, 9])
    def test_too_little_data_is_indeterminate_however_bad_or_good_it_looks(self, count):
        for mean in (1, 10, 75):
            judgement = judge(Config((metric(),)), {"errors": about(10)}, {"errors": about(mean, count)})
            assert (judgement.verdict, judgement.advice) == (Verdict.INDETERMINATE, "hold")

    @given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.floats(-1e6, 1e6), max_size=9)))
    @settings(max_examples=50, deadline=None)
    def test_no_canary_without_data_ever_passes(self, values):
        metrics = [metric(name, nan="replace", groups=(name,)) for name in "abcd"]
        assert verdict(metrics, {name: about(5) for name in "abcd"}, values) is not Verdict.PASS

    def test_a_group_without_data_holds_although_the_score_counts_it_as_passed(self):
        metrics = [metric("a"), metric("b"), metric("c"), metric("d", groups=("latency",))]
        baseline = {name: about(10) for name in "abcd"}
        canary = {name: about(10, seed=2) for name in "abc"}
        judgement = judge(Config(tuple(metrics)), baseline, canary)
        assert (judgement.score, judgement.verdict) == (100.0, Verdict.INDETERMINATE)
        assert "latency" in judgement.reason

    def test_a_critical_metric_without_data_holds_and_does_not_roll_back(self):
        metrics = [metric("a"), metric("b"), metric("c", critical=True)]
        both = {name: about(10) for name in "ab"}
        judgement = judge(Config(tuple(metrics)), {**both, "c": about(10)}, both)
        assert (judgement.verdict, judgement.score) == (Verdict.INDETERMINATE, 0.0)

    def test_measured_harm_is_a_failure_even_where_other_metrics_are_silent(self):
        metrics = [metric("a"), metric("b")]
        assert verdict(metrics, {"a": about(10), "b": about(10)}, {"a": about(40)}) is Verdict.FAIL

    def test_muted_metrics_are_shown_and_not_counted(self):
        metrics = [metric("a"), metric("b", muted=True)]
        judgement = judge(
            Config(tuple(metrics)), {"a": about(10), "b": about(10)}, {"a": about(10, seed=2), "b": about(99)}
        )
        assert judgement.verdict is Verdict.PASS
        assert judgement.metrics[1].classification is Classification.HIGH

    def test_limits_judge_the_canary_alone(self):
        limit = metric(method="limit", at_most=0.5, minimum=5, limits=thresholds.Limits(failures=1, count=1))
        assert classify(limit, (), [0.1] * 9 + [0.9]).classification is Classification.PASS
        assert classify(limit, (), [0.1] * 8 + [0.9] * 2).classification is Classification.HIGH
        assert classify(limit, (), [0.1] * 4).classification is Classification.NODATA

    def test_required_metrics_fail_without_data(self):
        metrics = [metric("a", groups=("one",)), metric("b", required=True, groups=("two",))]
        judgement = judge(Config(tuple(metrics)), {"a": about(10), "b": about(10)}, {"a": about(10, seed=2)})
        assert judgement.metrics[1].classification is Classification.NODATA_FAIL
        assert judgement.verdict is Verdict.FAIL


class TestLimits:
    def test_an_analysis_that_ends_before_it_measured_is_inconclusive(self):
        assert thresholds.assess(thresholds.Limits(), thresholds.Tally(), terminating=True) == "Inconclusive"

    @given(st.lists(st.sampled_from(list(thresholds.Phase)[:1] + list(thresholds.Phase)[3:]), max_size=20))
    def test_more_failures_than_allowed_always_fail(self, phases):
        so_far = thresholds.tally(phases)
        if so_far.failed > 2:
            assert thresholds.assess(thresholds.Limits(failures=2), so_far) is thresholds.Phase.FAILED

    def test_the_worst_of_several_is_the_whole(self):
        assert thresholds.worst([thresholds.Phase.SUCCESSFUL, thresholds.Phase.ERROR]) == "Error"
        assert thresholds.worst([]) == "Pending"


class TestConfigurations:
    @pytest.mark.parametrize(
        ("metrics", "weights", "said"),
        [
            ([], None, "at least one"),
            (["x"], None, "no object"),
            ([{"name": "a b"}], None, "name of a series"),
            ([{"name": "a"}, {"name": "a"}], None, "twice"),
            ([{"name": "a", "colour": 1}], None, "no field colour"),
            ([{"name": "a", "direction": "up"}], None, "increase or decrease or either"),
            ([{"name": "a", "critical": "yes"}], None, "true or false"),
            ([{"name": "a", "tolerance": -1}], None, "between 0 and 10"),
            ([{"name": "a", "minimum": 1}], None, "between 2"),
            ([{"name": "a", "method": "limit"}], None, "needs a bound"),
            ([{"name": "a", "at_most": 1}], None, "needs a bound"),
            ([{"name": "a", "muted": True}], None, "muted"),
            ([{"name": "a", "groups": []}], None, "short names"),
            ([{"name": "a"}], {"all": 90}, "together they are 100"),
            ([{"name": "a"}], {"b": 100}, "No metric is in"),
        ],
    )
    def test_what_cannot_be_judged_by_is_refused_with_the_reason(self, metrics, weights, said):
        with pytest.raises(ConfigError, match=said):
            config_of(metrics, weights)


@pytest.fixture
def checkout(in_northwind):
    return Service.objects.create(name="canaried-checkout")


def configured(cast, service, **given):
    metrics = given.pop("metrics", [{"name": "errors_ratio", "direction": "increase", "critical": True}])
    return create_config(cast["release_manager"], name="By errors", metrics=metrics, service=service, **given)


def recorded(cast, service, track: str, mean: float, minutes: int = 40) -> None:
    values = about(mean, minutes)
    points = [[(now() - timedelta(minutes=minutes - i)).isoformat(), value] for i, value in enumerate(values)]
    row = {"name": "errors_ratio", "labels": {"track": track}, "points": points}
    post_values(cast["service_account"], series=[row], service=service)


@pytest.mark.django_db
class TestAnalyses:
    def run(self, cast, config, service, **given):
        sides = {"canary_labels": {"track": "canary"}, "baseline_labels": {"track": "baseline"}, **given}
        return analyse(cast["service_account"], config=config, service=service, **sides)

    @pytest.mark.parametrize(
        ("mean", "minutes", "said"), [(1.0, 40, "pass"), (4.0, 40, "fail"), (4.0, 6, "indeterminate")]
    )
    def test_recorded_series_are_judged_and_the_values_kept(self, cast, checkout, mean, minutes, said):
        config = configured(cast, checkout)
        recorded(cast, checkout, "baseline", 1.0)
        recorded(cast, checkout, "canary", mean, minutes)
        analysis = self.run(cast, config, checkout)
        assert analysis.verdict == said
        assert len(analysis.values["canary"]["errors_ratio"]) == minutes
        again = judge(
            config_of(analysis.settings["metrics"]), analysis.values["baseline"], analysis.values["canary"]
        )
        assert again.as_json() == analysis.judgement

    def test_the_period_before_may_be_the_baseline(self, cast, checkout):
        config = configured(cast, checkout)
        points = [
            [(now() - timedelta(minutes=80 - i)).isoformat(), v]
            for i, v in enumerate(about(1.0) + about(5.0))
        ]
        post_values(
            cast["service_account"], series=[{"name": "errors_ratio", "points": points}], service=checkout
        )
        middle = now() - timedelta(minutes=40)
        analysis = analyse(
            cast["service_account"],
            config=config,
            service=checkout,
            start=middle,
            end=now(),
            baseline_start=middle - timedelta(minutes=40),
            baseline_end=middle,
        )
        assert analysis.verdict == "fail"

    def test_nothing_recorded_is_indeterminate(self, cast, checkout):
        assert self.run(cast, configured(cast, checkout), checkout).verdict == "indeterminate"

    def test_values_may_be_given(self, cast, checkout):
        values = {"baseline": {"errors_ratio": about(1)}, "canary": {"errors_ratio": about(1, seed=5)}}
        assert self.run(cast, configured(cast, checkout), checkout, values=values).verdict == "pass"

    def test_refusals_say_what_to_change(self, cast, checkout):
        config = configured(cast, checkout)

        def refused(call, *given, **named):
            with pytest.raises(Refused) as caught:
                call(*given, **named)
            return caught.value.refusals[0]

        robot, manager = cast["service_account"], cast["release_manager"]
        same = refused(analyse, robot, config=config, service=checkout)
        assert (same.code, same.field) == ("canary_analysis.same", "baseline_labels")
        other = Service.objects.create(name="uncanaried")
        assert refused(analyse, robot, config=config, service=other).field == "config"
        for values in ({"x": 1}, {"canary": {"y": [1]}}, {"canary": {"errors_ratio": ["1"]}}):
            assert refused(self.run, cast, config, checkout, values=values).field == "values"
        late = refused(self.run, cast, config, checkout, start=now(), end=now() - timedelta(hours=1))
        assert late.field == "start"
        assert refused(configured, cast, checkout).field == "name"
        bad = refused(change_config, manager, config, metrics=[{"name": "a", "tolerance": 99}], reason="x")
        assert bad.field == "metrics"
        assert refused(change_config, manager, config, marginal=99.0, reason="x").field == "marginal"
        assert refused(change_config, cast["executive"], config, passes=80.0, reason="x").status == 403
        config = retire_config(manager, config, reason="Replaced")
        assert refused(self.run, cast, config, checkout).code == "canary_config.retired"

    def test_a_change_does_not_change_what_was_judged(self, cast, checkout):
        config = configured(cast, checkout)
        analysis = self.run(cast, config, checkout)
        change_config(
            cast["release_manager"], config, passes=80.0, marginal=60.0, reason="Too strict in trial"
        )
        kept = CanaryAnalysis.objects.get(pk=analysis.pk)
        assert (kept.settings["passes"], kept.settings["marginal"]) == (95.0, 75.0)

    def test_pages_and_api_show_the_same_analysis(self, cast, checkout, web, api):
        analysis = self.run(cast, configured(cast, checkout), checkout)
        page = web("release_manager").get(f"/o/northwind/canary-analyses/{analysis.key}/")
        assert page.status_code == 200
        assert "Indeterminate" in page.content.decode()
        body = api("release_manager").get(f"/api/v1/orgs/northwind/canary-analyses/{analysis.key}").json()
        assert body["verdict"] == "indeterminate"
