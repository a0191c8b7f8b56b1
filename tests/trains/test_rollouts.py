"""Staged rollouts: steps, analyses, commands to the platform; what leads on, what holds, and what goes back by itself."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains import delivering, ports
from trains.actions import rollouts, staged_paths
from trains.actions.canary import create_config
from trains.actions.deployments import finish_deployment
from trains.actions.freezes import create_freeze
from trains.models import CanaryAnalysis, Deployment, Rollout, RolloutCommand
from trains.rules import staged_paths as path_rules
from trains.rules.canary import Verdict
from trains.rules.rollouts import Act, Standing, decide
from trains.rules.staged_paths import Step

ORG = "/api/v1/orgs/northwind"
MINUTE = timedelta(minutes=1)
STEPS = "10 % for 10 min\n50 % for 10 min\n100 %"
BASE = datetime.fromisoformat("2027-03-01T10:00:00+00:00")


def refused(act: Any, *args: Any, **said: Any) -> Any:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value.refusals[0]


# -- the rule


def standings() -> Any:
    return st.builds(
        Standing,
        state=st.sampled_from(["running", "held"]),
        steps=st.just((Step(10, 10), Step(50, 10), Step(100, 0, judged=False))),
        step=st.integers(1, 3),
        began_at=st.sampled_from([None, BASE]),
        now=st.sampled_from([BASE, BASE + 5 * MINUTE, BASE + 11 * MINUTE]),
        awaiting=st.booleans(),
        overdue=st.booleans(),
        verdict=st.sampled_from([None, *Verdict]),
        critical=st.booleans(),
        blockers=st.sampled_from([(), ("PRB-1 is open.",)]),
        broken=st.sampled_from(["", "The deployment failed."]),
        held_by=st.sampled_from(["person", "blocker", "analysis", "data", "command"]),
        auto_advance=st.booleans(),
        auto_roll_back=st.booleans(),
    )


@given(s=standings())
def test_nothing_but_a_pass_after_the_whole_bake_time_leads_on(s: Standing) -> None:
    act = decide(s).act
    if act in (Act.ADVANCE, Act.COMPLETE):
        assert s.state == "running" and s.baked and not s.awaiting and not s.blockers and not s.broken
        assert s.verdict is Verdict.PASS or not s.current.judged
        assert (act is Act.COMPLETE) == (s.step == 3) and (s.auto_advance or act is Act.COMPLETE)
    if act is Act.ROLL_BACK:
        assert s.auto_roll_back and (s.broken or s.verdict is Verdict.FAIL)
    if act is Act.HOLD:
        assert decide(s).held_by and decide(s).why
    if s.awaiting and not s.broken:
        assert act in (Act.WAIT, Act.HOLD)  # never a second command while one has no answer
    if s.blockers and s.state == "running" and not s.awaiting:
        assert act in (Act.HOLD, Act.ROLL_BACK)


@given(text=st.text(max_size=60))
def test_any_text_is_read_as_a_path_or_refused(text: str) -> None:
    try:
        steps = path_rules.read_steps(text, ["CAN-1"])
    except path_rules.StepError:
        return
    assert path_rules.read_steps("\n".join(map(str, steps)), ["CAN-1"]) == steps


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("10 % for 10 min", "ends with 100"),
        ("50 % for 5 min\n10 % for 5 min\n100 %", "more traffic"),
        ("100 %", "At least one step"),
        ("10 % for 5 min: CAN-9\n100 %", "CAN-9"),
        ("ten percent\n100 %", "is no step"),
    ],
)
def test_a_path_that_cannot_be_meant_says_why(text: str, word: str) -> None:
    with pytest.raises(path_rules.StepError, match=word):
        path_rules.read_steps(text, ["CAN-1"])


# -- a rollout


class Ship:
    """An approved release on its way to production, with measurements as a test wants them."""

    def __init__(self, world: Any, clock: Any, *, authorised: bool = True, **said: Any) -> None:
        self.world, self.clock = world, clock
        self.rm, self.bot = world.as_["release_manager"], world.as_["service_account"]
        world.deploy("5.1.0", started_at=now() - timedelta(days=1), finished_at=now() - timedelta(hours=23))
        self.release = world.approved()
        config = create_config(
            self.rm,
            name="Ledger",
            metrics=[
                {"name": "errors", "direction": "increase", "critical": True, "minimum": 5},
                {"name": "latency", "direction": "increase", "minimum": 5},
            ],
        )
        self.path = staged_paths.create_path(self.rm, name="Careful", steps=STEPS, config=config, **said)
        if authorised:
            staged_paths.authorise_path(self.rm, self.path)
        self.rollout = rollouts.plan_rollout(
            self.rm, service=world.ledger, environment=world.production, path=self.path, release=self.release
        )
        self.system = Actor.system(self.rollout.organization_id, "test round")

    def start(self) -> None:
        rollouts.start_rollout(self.rm, self.rollout)

    def command(self) -> RolloutCommand:
        return self.rollout.commands.order_by("-number").first()

    def confirm(self) -> None:
        rollouts.confirm_command(self.bot, self.command())

    def deploy(self) -> Deployment:
        return self.world.deploy("5.2.0", status="running", release=self.release)

    def measure(
        self, minutes: int, *, worse: float = 0, names: tuple[str, ...] = ("errors", "latency")
    ) -> None:
        """So many minutes pass, with a value each quarter of a minute on both sides."""
        dice = random.Random(7)
        start = now()
        self.clock.shift(minutes * MINUTE)
        for name in names:
            for track, shift in (("baseline", 0.0), ("canary", worse)):
                points = [
                    [(start + n * MINUTE / 4 + MINUTE / 8).isoformat(), 10 + dice.random() + shift]
                    for n in range(4 * minutes)
                ]
                self.post(name, track, points)

    def post(self, name: str, track: str, points: list[Any]) -> None:
        from trains.actions.series import post_values

        post_values(
            self.bot,
            service=self.world.ledger,
            environment=self.world.production,
            series=[{"name": name, "labels": {"track": track}, "points": points}],
        )

    def round(self) -> Rollout:
        delivering.lead_on(self.system, self.read())
        return self.read()

    def read(self) -> Rollout:
        self.rollout = Rollout.objects.get(pk=self.rollout.pk)
        return self.rollout


@pytest.fixture
def ship(world: Any) -> Any:
    with time_machine.travel(BASE, tick=False) as clock:

        def made(**said: Any) -> Ship:
            return Ship(world, clock, **said)

        yield made


def test_a_good_version_goes_step_by_step_to_all_traffic(ship: Any, api: Any) -> None:
    it = ship()
    it.start()
    assert (it.read().state, it.rollout.step, it.rollout.weight, it.rollout.baseline_version) == (
        "running",
        1,
        0,
        "5.1.0",
    )
    deployment = it.deploy()
    assert it.read().deployment == deployment
    # Without a confirmation nothing happens, whatever is measured.
    it.measure(2)
    assert it.round().step == 1 and it.command().number == 1 and not it.rollout.analyses
    told = api("service_account").post(f"{ORG}/rollout-commands/{it.command().pk}/confirm", {})
    assert told.status_code == 200, told.content
    assert it.read().weight == 10
    it.measure(5)
    assert it.round().step == 1  # it passes so far, but its time is not over
    it.measure(6)
    assert (it.round().step, it.command().weight, it.command().state) == (2, 50, "awaiting")
    it.confirm()
    it.measure(11)
    it.round()
    assert it.command().weight == 100
    it.confirm()
    done = it.round()
    assert (done.state, done.weight) == ("completed", 100)
    deployment.refresh_from_db()
    assert deployment.state == "succeeded"
    assert [a["verdict"] for a in done.analyses] == ["pass", "pass"]
    assert {a.release_id for a in CanaryAnalysis.objects.all()} == {it.release.pk}
    weights = list(it.rollout.commands.order_by("number").values_list("weight", flat=True))
    assert weights == [10, 50, 100]


def test_a_critical_failure_goes_back_by_itself_before_the_bake_time_is_over(ship: Any) -> None:
    it = ship()
    it.start()
    deployment = it.deploy()
    it.confirm()
    it.measure(3, worse=5)
    assert it.round().state == "rolling_back" and "errors" in it.rollout.reason
    assert (it.command().act, it.command().weight) == ("roll_back", 0)
    rollback = Deployment.objects.get(kind="rollback")
    assert (rollback.version, rollback.outcome) == ("5.1.0", "running")
    it.clock.shift(2 * MINUTE)
    it.confirm()
    deployment.refresh_from_db()
    rollback.refresh_from_db()
    assert (it.read().state, it.rollout.weight, deployment.state) == ("rolled_back", 0, "rolled_back")
    assert rollback.finished_at - rollback.started_at == 2 * MINUTE
    assert it.round().state == "rolled_back"


def test_without_authorisation_a_failure_holds_and_a_person_decides(ship: Any) -> None:
    it = ship(authorised=False)
    it.start()
    it.deploy()
    it.confirm()
    it.measure(11, worse=5)
    assert (it.round().state, it.rollout.held_by) == ("held", "analysis")
    assert it.command().number == 1 and not Deployment.objects.filter(kind="rollback").exists()
    assert refused(rollouts.advance, it.rm, it.rollout, reason="I am in a hurry.").code == "rollout.failed"
    rollouts.roll_back(it.rm, it.rollout, reason="Errors doubled.")
    assert it.read().state == "rolling_back" and it.command().act == "roll_back"


def test_too_little_data_is_never_a_pass_and_more_of_it_leads_on(ship: Any) -> None:
    it = ship()
    it.start()
    it.confirm()
    it.clock.shift(11 * MINUTE)
    assert (it.round().state, it.rollout.held_by, it.rollout.step) == ("held", "data", 1)
    assert it.rollout.analyses[0]["verdict"] == "indeterminate"
    for _ in range(3):
        it.clock.shift(MINUTE)
        assert it.round().step == 1
    it.measure(4)
    it.round()
    assert it.round().step == 2


def test_a_problem_that_is_active_halts_it_and_its_end_lets_it_go_on(ship: Any, monkeypatch: Any) -> None:
    active: list[ports.Blocker] = []
    monkeypatch.setattr(ports, "_blockers", [*ports._blockers, lambda rollout: active])
    it = ship()
    it.start()
    it.confirm()
    it.measure(11)
    active.append(ports.Blocker("PRB-9 is open."))
    assert (it.round().state, it.rollout.held_by, it.rollout.reason) == ("held", "blocker", "PRB-9 is open.")
    assert refused(rollouts.resume, it.rm, it.rollout, reason="x").code == "rollout.blocked"
    assert it.round().step == 1
    active.clear()
    it.round()
    assert it.read().state == "running" and it.rollout.step_began_at == now()  # the step bakes anew
    assert it.round().step == 1
    it.measure(11)
    assert it.round().step == 2


def test_a_freeze_halts_it_too(ship: Any) -> None:
    it = ship()
    it.start()
    it.confirm()
    it.measure(11)
    create_freeze(
        it.world.as_["rte"],
        name="Quarter end",
        starts=now() - MINUTE,
        ends=now() + 60 * MINUTE,
        reason="Closing",
    )
    assert it.round().held_by == "blocker" and "Quarter end" in it.rollout.reason
    it.measure(61)
    assert it.round().state == "running"


def test_a_platform_that_does_not_answer_holds_it_and_is_told_again_by_the_same_command(ship: Any) -> None:
    it = ship()
    it.start()
    first = it.command()
    it.clock.shift(11 * MINUTE)
    assert (it.round().state, it.rollout.held_by) == ("held", "command")
    rollouts.resume(it.rm, it.rollout, reason="The platform is back.")
    assert it.command().pk == first.pk and it.command().sent_times == 2 and it.read().state == "running"
    it.confirm()
    it.confirm()  # delivered twice: nothing changes
    assert it.read().weight == 10
    it.measure(11)
    it.round()
    said = refused(rollouts.refuse_command, it.bot, first, reason="late")
    assert said.code == "rollout_command.answered" and "command 2" in said.remedy


def test_a_refusal_of_the_platform_waits_for_a_person_and_never_loops(ship: Any) -> None:
    it = ship()
    it.start()
    deployment = it.deploy()
    it.confirm()
    it.measure(3, worse=5)
    it.round()
    rollouts.refuse_command(it.bot, it.command(), reason="No route.")
    for _ in range(3):
        it.clock.shift(20 * MINUTE)
        assert (it.round().state, it.rollout.held_by, it.command().number) == ("held", "command", 2)
    rollouts.resume(it.rm, it.rollout, reason="Route is there.")
    assert (it.read().state, it.command().act, it.command().number) == ("rolling_back", "roll_back", 3)
    it.clock.shift(11 * MINUTE)
    it.round()
    assert it.command().sent_times == 2  # a rollback must arrive: it is told again
    it.confirm()
    deployment.refresh_from_db()
    assert deployment.state == "rolled_back" and Deployment.objects.filter(kind="rollback").count() == 1


def test_a_deployment_that_failed_takes_the_rollout_back(ship: Any) -> None:
    it = ship()
    it.start()
    finish_deployment(it.bot, it.deploy(), status="failed")
    assert it.round().state == "rolling_back" and "failed" in it.rollout.reason
    assert [c.state for c in it.rollout.commands.order_by("number")] == ["superseded", "awaiting"]


def test_a_round_that_comes_twice_or_dies_neither_repeats_nor_loses_a_command(
    ship: Any, monkeypatch: Any
) -> None:
    it = ship()
    it.start()
    it.confirm()
    it.measure(11)
    entries = LedgerEntry.objects.filter(verb="rollout_command.issue")
    before = entries.count()

    def dies(*args: Any, **said: Any) -> None:
        raise SystemExit("killed")

    # The worker dies after the command was written and before the act is committed.
    with monkeypatch.context() as patch:
        patch.setattr(rollouts.step_up, "riders", [dies])
        with pytest.raises(SystemExit), transaction.atomic():
            it.round()
    assert it.command().number == 1 and it.read().step == 1 and entries.count() == before
    it.round()
    assert it.command().number == 2 and it.rollout.step == 2 and entries.count() == before + 1
    for _ in range(3):
        it.round()
    assert it.rollout.commands.count() == 2 and entries.count() == before + 1
    # And the database refuses a second one that awaits, whoever writes it.
    with pytest.raises(IntegrityError), transaction.atomic():
        RolloutCommand.objects.create(
            rollout=it.rollout, number=9, act="shift", weight=50, issued_at=now(), due_at=now()
        )


def test_what_carries_the_canary_marker_reaches_production_on_a_staged_path_only(ship: Any, api: Any) -> None:
    from trains.actions.scope import lift_canary, mark_canary

    it = ship()
    item = it.release.items.get()
    assert item.canary is False
    it.world.deploy("5.2.0", status="running", environment=it.world.staging, release=it.release)
    mark_canary(it.rm, item)
    again = it.world
    release = again_approved(it)
    said = refused(again.deploy, "5.2.0", status="running", release=release)
    assert said.code == "deployment.unstaged" and "Instant payments" in said.sentence
    assert refused(lift_canary, it.rm, item, reason="We know it.").code == "permission.missing"
    it.start()
    assert it.deploy().state == "running"


def again_approved(it: Any) -> Any:
    """The marker changed the content: the release is made ready and approved anew."""
    from trains.actions.releases import mark_approved, mark_ready

    it.release.refresh_from_db()
    assert it.release.state == "frozen"
    mark_ready(it.rm, it.release)
    it.release.refresh_from_db()
    return mark_approved(it.system, it.release)


def test_items_of_the_highest_risk_carry_the_marker_by_themselves(world: Any) -> None:
    from trains.actions.scope import add_item
    from trains.queries.releases import release_content

    release = world.scoped()
    item = add_item(world.as_["release_manager"], release, title="Ledger switch", tier=1)
    assert item.canary
    marks = {row["title"]: row.get("canary") for row in release_content(release)["items"]}
    assert marks == {"Instant payments": None, "Ledger switch": True}


def test_a_canary_that_cannot_be_told_from_its_baseline_is_no_path(world: Any) -> None:
    manager = world.as_["release_manager"]
    config = create_config(manager, name="X", metrics=[{"name": "errors"}])
    same = {"track": "one"}
    said = refused(
        staged_paths.create_path,
        manager,
        name="Blind",
        steps=STEPS,
        config=config,
        canary_labels=same,
        baseline_labels=same,
    )
    assert said.code == "staged_path.same_labels" and said.field == "baseline_labels"


def test_a_changed_path_is_not_authorised_any_more_and_rollouts_keep_theirs(ship: Any) -> None:
    it = ship()
    it.path.refresh_from_db()
    staged_paths.edit_path(it.rm, it.path, steps="20 % for 5 min\n100 %")
    it.path.refresh_from_db()
    assert it.path.authorised_by is None and len(it.read().steps) == 3
    it.start()
    assert it.read().auto_roll_back is False and "Nobody authorised" in it.rollout.reason


def test_what_the_product_does_by_itself_nobody_else_does(ship: Any, api: Any) -> None:
    it = ship()
    it.start()
    for verb in ("step_up", "halt", "go_on", "go_back", "complete"):
        answer = api("release_manager").post(f"{ORG}/rollouts/{it.rollout.key}/{verb}", {})
        assert answer.status_code in (403, 409), (verb, answer.content)
    assert it.read().step == 1
