"""Dashboards of flow over a small history whose figures are known by hand; every one on page, over REST and as file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from metrics.dashboards import found_dashboard
from metrics.pages.dashboards import asked_of
from metrics.rolling import roll_up
from releasetrain.tenancy.scope import tenant_scope
from tests.governance.gateway import Gateway, digest_of, lcov

pytestmark = pytest.mark.django_db
FLOW = (
    "gates",
    "delays",
    "cadence",
    "success",
    "stability",
    "times",
    "planning",
    "volatility",
    "recurrence",
    "pipelines",
    "feedback",
)
API = "/api/v1/orgs/northwind/metrics"


@pytest.mark.parametrize("name", FLOW)
def test_without_data_each_says_so_and_makes_up_nothing(name: str, web: Any, api: Any) -> None:
    page = web("executive").get(f"/o/northwind/metrics/{name}/")
    assert page.status_code == 200 and 'class="empty"' in page.text
    answer = api("executive").get(f"{API}/{name}")
    assert answer.status_code == 200
    for figure in answer.json()["figures"]:
        assert figure["value"] in (None, 0) or figure["sample"], figure


@pytest.mark.parametrize("name", FLOW)
def test_bad_questions_are_refused_with_their_field(name: str, api: Any) -> None:
    for query, field in (
        ("from=yesterday", "from"),
        ("train=x", "train"),
        ("from=2026-01-02&until=2026-01-01", "until"),
    ):
        answer = api("executive").get(f"{API}/{name}?{query}")
        dashboard = found_dashboard(name)
        assert dashboard is not None
        if field == "train" and answer.status_code == 200:
            continue
        assert answer.status_code == 422 and field in answer.text


# After the grants of the cast began: whoever asks may do so then.
T0 = datetime(2027, 10, 4, 9, tzinfo=UTC)
NOW = T0 + timedelta(days=60)
PERIOD = f"from={T0:%Y-%m-%d}&until={NOW:%Y-%m-%d}"


class History:
    """Two services over thirty days: 40 production deployments, 4 of which went badly, one of them with an incident."""

    def __init__(self, cast: Any):
        from problems.actions.incident_batch import IncidentRow
        from problems.actions.incident_batch import record_many as record_incidents
        from trains.actions import environments, services, teams, trains
        from trains.actions.commits import CommitRow
        from trains.actions.commits import record_many as record_commits
        from trains.actions.deployment_batch import record_many
        from trains.models import Environment

        self.cast = cast
        rte = cast["rte"]
        self.train = trains.create_train(
            rte, key="PAY", name="Payments", cadence_start=datetime(2026, 1, 5).date()
        )
        self.team = teams.create_team(rte, train=self.train, code="LED", name="Ledger team")
        self.ledger = services.create_service(rte, name="ledger", train=self.train, team=self.team, tier=2)
        self.wallet = services.create_service(rte, name="wallet", train=self.train, tier=3)
        self.production = environments.create_environment(
            rte, name="production", kind=Environment.Kind.PRODUCTION
        )
        environments.create_environment(rte, name="staging", kind=Environment.Kind.STAGING)
        deployments, commits = [], []
        for day in range(30):
            at = T0 + timedelta(days=day)
            deployments.append(self._deployed("ledger", day, at, "failed" if day == 15 else "succeeded"))
            if day in (5, 10):
                deployments.append(self._deployed("ledger", day, at + timedelta(hours=2), kind="rollback"))
            if day % 3 == 0:
                deployments.append(self._deployed("wallet", day, at))
            for n in range(2):
                commits.append(
                    CommitRow(
                        "ledger", f"{day:02d}{n}abcdef", at - timedelta(days=2), merged_at=at - timedelta(days=1),
                        source="ci", external_id=f"ledger-{day}-deploy", lines_added=200, lines_removed=50,
                    )
                )  # fmt: skip
        record_many(rte, deployments)
        record_commits(rte, commits)
        began = T0 + timedelta(days=20, hours=1)
        record_incidents(
            rte,
            [
                IncidentRow(
                    "Payments are declined", ("ledger",), began + timedelta(minutes=10), "pager", "i1", 1, began,
                    began + timedelta(hours=1), began + timedelta(hours=2), caused_by=("ledger-20-deploy",),
                    acknowledged_at=began + timedelta(minutes=15), fingerprint="declined",
                ),
                IncidentRow(
                    "Payments are declined again", ("ledger",), began + timedelta(days=3), "pager", "i2", 2,
                    fingerprint="declined",
                ),
            ],
        )  # fmt: skip
        # What caused the first is agreed, whatever the source of the deployment calls itself.
        from problems.models import FailureLink, Incident
        from trains.models import Deployment

        link, _ = FailureLink.objects.get_or_create(
            incident=Incident.objects.get(external_id="i1"),
            deployment=Deployment.objects.get(external_id="ledger-20-deploy"),
            kind="caused",
        )
        link.status, link.decided_at = "accepted", NOW
        link.save()

    def _deployed(
        self, service: str, day: int, at: datetime, status: str = "succeeded", kind: str = "deploy"
    ) -> Any:
        from trains.actions.deployment_batch import DeploymentRow

        return DeploymentRow(
            service=service, environment="production", status=status, kind=kind,
            version=f"1.{day - 1 if kind == 'rollback' else day}.0", started_at=at, finished_at=at + timedelta(minutes=10),
            source="ci", external_id=f"{service}-{day}-{kind}",
        )  # fmt: skip


@pytest.fixture
def gateway(cast: Any) -> Gateway:
    return Gateway(cast)


@pytest.fixture
def history(cast: Any) -> Any:
    with time_machine.travel(NOW, tick=False), tenant_scope(cast.organization.pk, cast["owner"]):
        yield History(cast)


def figures(answer: Any) -> dict[str, Any]:
    return {f["name"]: f for f in answer.json()["figures"]}


def table(answer: Any, title: str) -> list[dict[str, Any]]:
    found = next(t for t in answer.json()["tables"] if t["title"] == title)
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def test_success_is_what_a_plain_count_says(history: Any, api: Any) -> None:
    answer = api("executive").get(f"{API}/success?{PERIOD}")
    found = figures(answer)
    assert found["success_rate"]["value"] == pytest.approx(36 / 40)
    assert [found[n]["value"] * 40 for n in ("rolled_back", "failed", "incidents")] == pytest.approx(
        [2, 1, 1]
    )
    low, high = found["success_rate"]["interval"]
    assert 0.7 < low < 0.9 < high < 1
    apps = {str(r["Application"]): r for r in table(answer, "By application")}
    assert len(apps) == 2
    ledger = next(r for name, r in apps.items() if "ledger" in name)
    assert (ledger["Deployments"], ledger["Rolled back"], ledger["Failed"], ledger["With incidents"]) == (
        30,
        2,
        1,
        1,
    )
    teams = table(api("executive").get(f"{API}/success?{PERIOD}&by=team"), "By team")
    assert [(r["Team"], r["Deployments"]) for r in teams] == [("Ledger team", 30)]


def test_rows_behind_a_number_are_those_that_were_counted(history: Any, web: Any) -> None:
    client = web("executive")
    rows = client.get(f"/o/northwind/metrics/success/rolled_back/?{PERIOD}").text
    assert rows.count("1.5.0") >= 1 and rows.count("1.10.0") >= 1 and "1.15.0" not in rows
    incidents = client.get(f"/o/northwind/metrics/times/restore/?{PERIOD}").text
    assert "Payments are declined" in incidents and "declined again" not in incidents


def test_stability_counts_defects_against_lines(history: Any, api: Any) -> None:
    found = figures(api("executive").get(f"{API}/stability?{PERIOD}"))
    # One incident; 60 commits of 250 lines.
    assert found["per_thousand_lines"]["value"] == pytest.approx(1 / 15)
    assert found["defects"]["value"] == 1 and "1 defects only" in found["per_thousand_lines"]["sample"]


def test_lines_of_commits_that_were_live_before_the_period_do_not_count_again(history: Any, api: Any) -> None:
    later = T0 + timedelta(days=10)
    from trains.actions.commits import CommitRow
    from trains.actions.commits import record_many as record_commits

    again = CommitRow("ledger", "000abcdef", T0, source="ci", external_id="ledger-12-deploy")
    record_commits(history.cast["rte"], [again])
    answer = api("executive").get(f"{API}/stability?from={later:%Y-%m-%d}&until={NOW:%Y-%m-%d}")
    ledger = next(r for r in table(answer, "By service") if r["Service"] == "ledger")
    assert (ledger["Commits"], ledger["Lines"]) == (40, 10_000)


def test_times_are_those_between_the_moments(history: Any, api: Any) -> None:
    found = figures(api("executive").get(f"{API}/times?{PERIOD}"))
    assert [found[n]["value"] for n in ("detect", "acknowledge", "mitigate", "restore")] == [
        600,
        300,
        3600,
        7200,
    ]
    assert "1 incidents only" in found["restore"]["sample"]


def test_gates_compare_what_was_known_and_propose_nothing_from_too_little(history: Any, api: Any) -> None:
    answer = api("executive").get(f"{API}/gates?{PERIOD}")
    found = figures(answer)
    assert found["went_badly"]["value"] == pytest.approx(4 / 40)
    rows = {r["Property"]: r for r in table(answer, "What was known before, against the outcome")}
    assert (rows["Commits carried"]["Badly"], rows["Commits carried"]["Well"]) == (4, 26)
    assert "only 4 that went badly" in rows["Commits carried"]["Reading"]
    assert found["associated"]["value"] == 0 and found["proposals"]["value"] == 0
    assert any("shows no cause" in note for note in answer.json()["notes"])


def test_cadence_refuses_without_releases_and_says_what_is_missing(history: Any, api: Any) -> None:
    answer = api("executive").get(f"{API}/cadence?{PERIOD}")
    assert figures(answer)["proposed"]["value"] is None
    assert any("58 changes and 0 releases" in note for note in answer.json()["notes"])
    # Merged a day before each deployment: the 85th percentile as recorded.
    assert figures(answer)["lead_now"]["value"] == pytest.approx(86_400 + 600)


def test_repeated_incidents_are_recognised_by_their_fingerprint(history: Any, api: Any) -> None:
    found = figures(api("executive").get(f"{API}/recurrence?{PERIOD}"))
    assert found["repeated_incidents"]["value"] == pytest.approx(1 / 2)
    assert found["recurrence_rate"]["value"] is None


@pytest.mark.parametrize("name", FLOW)
def test_questions_to_the_database_do_not_grow_with_the_rows(
    name: str, history: Any, django_assert_max_num_queries: Any
) -> None:
    dashboard = found_dashboard(name)
    assert dashboard is not None
    question = asked_of(dashboard, {"from": f"{T0:%Y-%m-%d}", "until": f"{NOW:%Y-%m-%d}"}, "UTC")
    # Nothing is rolled up yet here: what concerns two periods reads the rows of both.
    with django_assert_max_num_queries(30):
        dashboard.answer(question)
    roll_up()
    with django_assert_max_num_queries(20):
        dashboard.answer(question)


def test_every_dashboard_is_a_page_and_files(history: Any, web: Any) -> None:
    client = web("executive")
    for name in ("success", "gates", "stability"):
        page = client.get(f"/o/northwind/metrics/{name}/?{PERIOD}")
        assert page.status_code == 200 and "What the figures mean" in page.text
        for form in ("csv", "pdf"):
            assert client.get(f"/o/northwind/metrics/{name}.{form}?{PERIOD}").status_code == 200


def run_of(n: int, outcome: str = "passed", **said: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=1, minutes=n)
    return {
        "service": "ledger", "stage": "test", "run": f"r{n}", "commit": f"c{n}", "outcome": outcome,
        "started_at": at.isoformat(), "finished_at": (at + timedelta(minutes=4)).isoformat(), **said,
    }  # fmt: skip


def test_pipelines_are_counted_by_stage_team_and_cause(history: Any, api: Any) -> None:
    pipeline = api("service_account")
    runs = [run_of(n) for n in range(30)]
    runs += [run_of(100 + n, "failed", cause="tests") for n in range(4)]
    runs += [
        run_of(200, "failed", commit="c1", cause="infrastructure", run="again"),
        run_of(300, "cancelled"),
    ]
    sent = pipeline.post("/api/v1/orgs/northwind/stage-runs/record_many", {"runs": runs})
    assert sent.status_code in (200, 201) and sent.json()["result"]["created"] == 36, sent.text
    again = pipeline.post("/api/v1/orgs/northwind/stage-runs/record_many", {"runs": runs})
    assert again.json()["result"]["created"] == 0 and again.json()["result"]["unchanged"] == 36
    answer = api("executive").get(f"{API}/pipelines?{PERIOD}&by=team")
    found = figures(answer)
    assert found["failure_rate"]["value"] == pytest.approx(5 / 35)
    assert found["flaky_share"]["value"] == pytest.approx(1 / 5)
    assert found["duration"]["value"] == 240
    assert [(r["Source team"], r["Attempts"], r["Flaky"]) for r in table(answer, "By source team")] == [
        ("Ledger team", 35, 1)
    ]
    assert [(r["Cause"], r["Failures"]) for r in table(answer, "By cause")] == [
        ("Tests", 4),
        ("Build infrastructure", 1),
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"outcome": "great"}, "runs/0/outcome"),
        ({"service": "nobody"}, "runs/0/service"),
        ({"cause": "tests"}, "runs/0/cause"),
        ({"finished_at": "2020-01-01T00:00:00Z"}, "runs/0/finished_at"),
        ({"attempt": "one"}, "runs/0/attempt"),
        ({"started_at": "soon"}, "runs/0/started_at"),
        ({"colour": "blue"}, "runs/0/colour"),
    ],
)
def test_a_bad_run_is_refused_at_its_field_and_nothing_is_kept(
    wrong: Any, field: str, history: Any, api: Any
) -> None:
    from metrics.models import StageRun

    answer = api("service_account").post(
        "/api/v1/orgs/northwind/stage-runs/record_many", {"runs": [run_of(1, **wrong), run_of(2)]}
    )
    assert answer.status_code == 422 and field in answer.text
    assert not StageRun.objects.exists()


def test_pipelines_answer_a_question_of_readiness(history: Any, api: Any) -> None:
    from trains.actions.releases import create_release

    release = create_release(history.cast["release_manager"], train=history.train, version="2.0.0")
    rest, pipeline = api("release_manager"), api("service_account")
    address = f"/api/v1/orgs/northwind/releases/{release.key}/assess_pipelines"
    assert rest.post(address, {}).json()["answer"] == "open", "nothing reported is no yes"
    pipeline.post("/api/v1/orgs/northwind/stage-runs/record_many", {"runs": [run_of(n) for n in range(30)]})
    said = rest.post(address, {}).json()
    assert said["answer"] == "yes" and "0 of 30 runs failed" in said["evidence"]
    broken = [run_of(100 + n, "failed") for n in range(10)]
    pipeline.post("/api/v1/orgs/northwind/stage-runs/record_many", {"runs": broken})
    assert rest.post(address, {}).json()["answer"] == "no"
    assert release.readiness.count() == 1
    assert rest.post(f"/api/v1/orgs/northwind/releases/{release.key}/assess_readiness", {}).status_code < 300
    assert release.readiness.filter(question__startswith="Are the pipelines").get().answer == "no"


def test_signals_raise_the_item_that_answers_them(history: Any, api: Any) -> None:
    from planning.actions.features import create_feature
    from planning.actions.scoring import agree_score
    from planning.models import Feature

    owner = history.cast["product_manager"]
    made = [
        create_feature(owner, train=history.train, title=title) for title in ("Faster ledger", "New colours")
    ]
    for feature, value in zip(made, (3, 8), strict=True):
        agree_score(owner, feature, value=value, time_criticality=1, risk_reduction=1, job_size=5)
    quiet, loud = made[1], made[0]
    assert Feature.objects.get(pk=quiet.pk).rank_score > Feature.objects.get(pk=loud.pk).rank_score
    rest, monitoring = api("product_manager"), api("service_account")
    address = "/api/v1/orgs/northwind/feedback-signals"
    counted = {
        "service": str(history.ledger.pk),
        "source": "monitoring",
        "fingerprint": "LedgerSlow",
        "title": "Ledger is slow",
    }
    first = monitoring.post(f"{address}/report", {**counted, "times": 12, "severity": 2, "external_id": "a1"})
    assert first.status_code in (200, 201), first.text
    monitoring.post(f"{address}/report", {**counted, "times": 12, "severity": 2, "external_id": "a1"})
    signal = first.json()["id"]
    assert rest.post(f"{address}/{signal}/answer", {"feature": loud.key}).status_code == 200
    risen = Feature.objects.get(pk=loud.pk)
    assert (risen.exposure_likelihood, risen.exposure_impact, risen.risk_reduction) == (5, 4, 13)
    assert "12 signals in the last four weeks" in risen.exposure_reason
    assert risen.rank_score > Feature.objects.get(pk=quiet.pk).rank_score
    found = figures(api("executive").get(f"{API}/feedback?{PERIOD}"))
    assert (
        found["signals"]["value"] == 12 and found["answered"]["value"] == 1 and found["risen"]["value"] == 1
    )
    # A year later nothing is heard any more; the item falls when a person says so, and not before.
    with time_machine.travel(NOW + timedelta(days=400), tick=False):
        assert Feature.objects.get(pk=loud.pk).risk_reduction == 13
        from metrics.actions.feedback import count_signals

        count_signals(owner, Feature.objects.get(pk=loud.pk))
    assert Feature.objects.get(pk=loud.pk).risk_reduction == 1


def test_another_level_of_a_check_is_replayed_and_not_published(gateway: Any, api: Any) -> None:
    with gateway.scope("release_manager"):
        versions = gateway.gate.versions.count()
    rest = api("release_manager")
    address = f"/api/v1/orgs/northwind/gates/{gateway.gate.key}/try_level"
    good = rest.post(address, {"check": "unit-tests", "parameter": "pass_rate", "value": 95})
    assert good.status_code in (200, 201), good.text
    replay = rest.get(f"/api/v1/orgs/northwind/replays/{good.json()['key']}").json()
    assert replay["checks"][0]["parameters"]["pass_rate"] == 95
    for wrong, field in (
        ({"check": "nothing", "parameter": "pass_rate", "value": 1}, "check"),
        ({"check": "unit-tests", "parameter": "colour", "value": 1}, "parameter"),
        ({"check": "unit-tests", "parameter": "pass_rate", "value": 101}, "value"),
        ({"check": "unit-tests", "parameter": "minimum_tests", "value": 1.5}, "value"),
    ):
        answer = rest.post(address, wrong)
        assert answer.status_code == 422 and field in answer.text
    with gateway.scope("release_manager"):
        assert gateway.gate.versions.count() == versions


def test_a_proposal_comes_from_the_past_and_leads_to_its_replay(gateway: Any, web: Any, api: Any) -> None:
    """Coverage was low wherever it went badly: the gate's level is proposed higher, and the link fills in the form."""
    from governance.actions.gates import publish_version
    from trains.actions.deployment_batch import DeploymentRow, record_many

    level = {
        "kind": "coverage",
        "name": "coverage",
        "parameters": {"minimum": 50, "not_lower": False},
        "max_age_hours": 720,
    }
    began = datetime(2027, 9, 1, 12, tzinfo=UTC)
    rows = []
    for n in range(26):
        bad = n < 8
        with time_machine.travel(began + timedelta(days=n), tick=False):
            gateway.post(lcov(60 + n if bad else 72 + n, 100), f"1.{n}.0", name="lcov.info")
        at = began + timedelta(days=n, hours=1)
        rows.append(
            DeploymentRow(
                service="ledger", environment="production", status="failed" if bad else "succeeded", version=f"1.{n}.0",
                digest=digest_of(f"1.{n}.0"), started_at=at, finished_at=at + timedelta(minutes=5), source="ci",
                external_id=f"d{n}",
            )
        )  # fmt: skip
    with time_machine.travel(began + timedelta(days=40), tick=False):
        with gateway.scope("release_manager") as manager:
            publish_version(manager, gateway.gate, checks=[level])
        with gateway.scope("rte") as rte:
            record_many(rte, rows)
        answer = api("executive").get(f"{API}/gates?from=2027-08-20")
        assert figures(answer)["proposals"]["value"] == 1, answer.text[:2000]
        made = table(answer, "Checks to try differently")[0]
        assert (made["Check"], made["Direction"], made["Now"], made["Try"]) == (
            "coverage",
            "Tighten",
            "50",
            "80",
        )
        assert "would have stopped 8 of 8" in made["Why"] and "Small sample" in made["Why"]
        page = web("release_manager").get("/o/northwind/metrics/gates/?from=2027-08-20").text
        address = page.split("do/try_level?", 1)[1].split('"', 1)[0].replace("&amp;", "&")
        form = web("release_manager").get(f"/o/northwind/gates/{gateway.gate.key}/do/try_level?{address}")
        assert form.status_code == 200 and 'value="80' in form.text and 'value="coverage"' in form.text
