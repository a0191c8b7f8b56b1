"""A release from planning to its end, and what is refused on the way."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.refusals import Refused
from tests.trains.emergency import way_in
from trains.actions import releases, scope
from trains.actions.increments import create_increment
from trains.actions.train_dependencies import agree_train_dependency, create_train_dependency
from trains.actions.trains import create_train
from trains.models import Classification, Iteration, Release
from trains.queries import active_freezes, current_iteration, next_release, release_content


def refused(act: Any, *args: Any, **said: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value


def now_is(release: Any) -> str:
    return str(Release.objects.get(pk=release.pk).state)


def test_a_release_goes_all_the_way(world: Any) -> None:
    manager = world.as_["release_manager"]
    release = world.approved(
        tier=2, rollback_plan="Redeploy 5.1.9", success_criteria="Error rate below 0.1 %"
    )
    world.deploy(release=release, status="succeeded")
    releases.mark_released(manager, release)
    releases.close_release(manager, release)
    states = list(
        Release.history.filter(id=release.pk).order_by("history_id").values_list("state", flat=True)
    )
    assert list(dict.fromkeys(states)) == [
        "planning",
        "scoped",
        "frozen",
        "ready",
        "approved",
        "deploying",
        "released",
        "closed",
    ]


def test_it_is_not_released_until_every_build_is_in_production(world: Any) -> None:
    manager = world.as_["release_manager"]
    release = world.frozen()
    scope.attach_artifact(manager, release, artifact=world.artifact())
    scope.attach_artifact(manager, release, artifact=world.artifact(service=world.web, seed="b"))
    releases.mark_ready(manager, release)
    releases.mark_approved(Actor.system(release.organization_id, "approved"), release)
    world.deploy(release=release)
    fault = refused(releases.mark_released, manager, release)
    assert (fault.code, "web" in fault.refusals[0].sentence) == ("release.undeployed", True)
    world.deploy(service=world.web, release=release)
    assert releases.mark_released(manager, release).released_at is not None


def test_nobody_approves_a_release_by_hand(world: Any) -> None:
    release = world.ready()
    assert refused(releases.mark_approved, world.as_["release_manager"], release).status == 403
    assert refused(releases.mark_approved, world.as_["owner"], release).status == 403
    assert now_is(release) == "ready"


@pytest.mark.parametrize(
    "verb", ["freeze_release", "mark_ready", "start_deploying", "mark_released", "close_release"]
)
def test_steps_out_of_turn_are_refused_with_the_reason(world: Any, verb: str) -> None:
    release = world.release()
    fault = refused(getattr(releases, verb), world.as_["release_manager"], release)
    assert (fault.code, fault.status) == ("state.illegal", 409)
    assert "planning" in fault.refusals[0].sentence


def test_an_empty_release_is_neither_scoped_nor_ready(world: Any) -> None:
    manager = world.as_["release_manager"]
    assert refused(releases.scope_release, manager, world.release()).code == "release.empty"
    assert refused(releases.mark_ready, manager, world.frozen("5.3.0")).code == "release.no_artifacts"


def test_a_critical_release_needs_a_way_back(world: Any) -> None:
    release = world.frozen(tier=1)
    manager = world.as_["release_manager"]
    scope.attach_artifact(manager, release, artifact=world.artifact())
    codes = [r.code for r in refused(releases.mark_ready, manager, release).refusals]
    assert codes == ["release.no_rollback_plan", "release.no_success_criteria"]
    releases.edit_release(manager, release, rollback_plan="Redeploy", success_criteria="No errors")
    assert releases.mark_ready(manager, release).state == "ready"


def test_after_the_freeze_changes_of_scope_need_their_cause(world: Any) -> None:
    manager = world.as_["release_manager"]
    release = world.frozen()
    fault = refused(scope.add_item, manager, release, title="New menu", cause="The customer asked")
    assert (fault.code, fault.refusals[0].blocked_by.id) == ("release.frozen", str(release.pk))
    hotfix = {
        "title": "Lost payments",
        "classification": Classification.HOTFIX,
        **way_in(world.as_, world.ledger),
    }
    assert refused(scope.add_item, manager, release, **{**hotfix, "cause": " "}).refusals[0].field == "cause"
    item = scope.add_item(manager, release, **hotfix)
    assert (item.after_freeze, item.cause, item.authority) == (
        True,
        hotfix["cause"],
        hotfix["emergency_change"],
    )
    original = release.items.get(title="Instant payments")
    assert refused(scope.remove_item, manager, release, item=original).refusals[0].field == "cause"
    assert scope.remove_item(manager, release, item=original, cause="Not finished").after_freeze


def test_the_agreed_date_freezes_the_scope_too(world: Any, moment: Any) -> None:
    release = world.release(scope_freeze_at=moment(-1), target_at=moment(100))
    assert (
        refused(scope.add_item, world.as_["release_manager"], release, title="Late").code == "release.frozen"
    )


def test_a_change_of_content_undoes_readiness_and_approval(world: Any) -> None:
    manager = world.as_["release_manager"]
    release = world.approved()
    before = digest(release_content(release))
    releases.edit_release(manager, release, impact="Nobody notices")
    assert (now_is(release), digest(release_content(release))) == ("approved", before)
    hotfix = {"title": "Lost payments", "classification": Classification.HOTFIX}
    scope.add_item(manager, release, **hotfix, **way_in(world.as_, world.ledger))
    assert now_is(release) == "frozen"
    assert digest(release_content(Release.objects.get(pk=release.pk))) != before


def test_the_same_feature_is_in_a_release_once(world: Any) -> None:
    release, feature = (
        world.release(),
        {"source_kind": "feature", "source_id": uuid4(), "title": "Instant payments"},
    )
    manager = world.as_["release_manager"]
    item = scope.add_item(manager, release, **feature)
    assert refused(scope.add_item, manager, release, **feature).code == "release.item_twice"
    scope.remove_item(manager, release, item=item)
    assert scope.add_item(manager, release, **feature).pk != item.pk


def test_a_problem_fix_release_takes_no_features(world: Any) -> None:
    release = world.release(classification=Classification.PROBLEM_FIX)
    assert (
        refused(scope.add_item, world.as_["release_manager"], release, title="Menu").code
        == "release.packaging"
    )


def test_a_new_build_of_a_service_replaces_the_old_one(world: Any) -> None:
    release = world.scoped()
    manager = world.as_["release_manager"]
    scope.attach_artifact(manager, release, artifact=world.artifact(version="5.2.0"))
    scope.attach_artifact(manager, release, artifact=world.artifact(version="5.2.1", seed="b"))
    assert [a.artifact.version for a in release.artifacts.all()] == ["5.2.1"]


def test_a_version_is_valid_and_used_once(world: Any) -> None:
    world.release("5.2.0")
    manager = world.as_["release_manager"]
    assert (
        refused(releases.create_release, manager, train=world.train, version="5.2").code == "version.invalid"
    )
    assert (
        refused(releases.create_release, manager, train=world.train, version="5.2.0").code
        == "release.version"
    )
    by_month = create_train(
        world.as_["rte"], key="MOB", name="Mobile", cadence_start=date(2026, 1, 5), version_scheme="YYYY.0M"
    )
    assert releases.create_release(manager, train=by_month, version="2026.11").version == "2026.11"
    assert (
        refused(releases.create_release, manager, train=by_month, version="2026.13").code == "version.invalid"
    )


def test_a_cancelled_release_frees_its_version(world: Any) -> None:
    manager = world.as_["release_manager"]
    releases.cancel_release(manager, world.release("5.2.0"), reason="Merged into 5.3")
    assert world.release("5.2.0").state == "planning"


def test_those_without_the_right_change_nothing(world: Any) -> None:
    release = world.release()
    assert (
        refused(releases.create_release, world.as_["team_member"], train=world.train, version="9.0.0").status
        == 403
    )
    assert refused(scope.add_item, world.as_["auditor"], release, title="x").status == 403


# -- cadence of a train


def test_a_program_increment_brings_its_iterations(world: Any) -> None:
    assert (world.pi.name, world.pi.starts, world.pi.ends) == ("26.1", date(2026, 1, 5), date(2026, 3, 16))
    found = list(world.pi.iterations.values_list("name", "innovation"))
    assert found == [
        ("26.1.1", False),
        ("26.1.2", False),
        ("26.1.3", False),
        ("26.1.4", False),
        ("26.1 IP", True),
    ]
    following = create_increment(world.as_["rte"], train=world.train)
    assert (following.name, following.starts) == ("26.2", date(2026, 3, 16))
    assert current_iteration(world.train, date(2026, 3, 15)).name == "26.1 IP"
    assert current_iteration(world.train, date(2026, 3, 16)).name == "26.2.1"


def test_program_increments_of_a_train_do_not_overlap(world: Any) -> None:
    fault = refused(create_increment, world.as_["rte"], train=world.train, name="x", starts=date(2026, 3, 9))
    assert (fault.code, fault.refusals[0].blocked_by.id) == ("pi.overlap", str(world.pi.pk))
    assert Iteration.objects.count() == 5


def test_the_next_release_is_the_one_due_first(world: Any, moment: Any) -> None:
    world.release("5.3.0", target_at=moment(50))
    due = world.release("5.2.0", target_at=moment(20))
    assert next_release(world.train) == due


def test_only_the_provider_promises_a_dependency(world: Any) -> None:
    other = create_train(world.as_["rte"], key="IDP", name="Identity", cadence_start=date(2026, 1, 5))
    rte = world.as_["rte"]
    needed = create_train_dependency(
        rte, provider=other, consumer=world.train, what="Step-up sign-in", needed_by=date(2026, 3, 1)
    )
    assert agree_train_dependency(rte, needed).state == "agreed"
    same = refused(
        create_train_dependency, rte, provider=other, consumer=other, what="x", needed_by=date(2026, 3, 1)
    )
    assert same.code == "train_dependency.same"


def test_freezes_in_force_are_those_that_name_the_place(world: Any, moment: Any) -> None:
    from trains.actions.freezes import create_freeze

    manager = world.as_["release_manager"]
    said = {"starts": moment(-1), "ends": moment(1), "reason": "r"}
    everywhere = create_freeze(manager, name="All", **said)
    create_freeze(manager, name="Staging", environment=world.staging, **said)
    assert active_freezes(world.train, world.production, world.ledger, moment(0)) == [everywhere]
    assert active_freezes(world.train, world.production, world.ledger, moment(0) + timedelta(hours=1)) == []
    assert refused(create_freeze, manager, name="Backwards", **(said | {"ends": moment(-2)})).status == 422
