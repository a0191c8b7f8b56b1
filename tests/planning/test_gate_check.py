"""The gate check "scope-dependencies": a release does not go before what its features need."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from releasetrain.kernel.clock import now


def judge(world: Any, release: Any) -> Any:
    from governance.checks.context import CheckContext
    from planning.checks import scope_dependencies

    return scope_dependencies(
        CheckContext(
            organization_id=world.cast.organization.pk, gate=SimpleNamespace(), environment=SimpleNamespace(),
            release=release, artifacts=(), services=(), at=now(), max_age=timedelta(days=1),
        )
    )  # fmt: skip


def test_it_names_the_dependency_that_is_not_committed(world):
    from planning.actions.dependencies import accept_dependency, commit_dependency, withdraw_dependency
    from planning.actions.releases import add_to_release
    from trains.actions.releases import create_release

    provider, consumer = world.feature("Posting API"), world.feature("Refunds")
    manager = world.cast["release_manager"]
    release = create_release(manager, train=world.train, version="26.11.0")
    add_to_release(manager, consumer, release=release)
    assert judge(world, release).verdict == "pass"

    dependency = world.needs(consumer, provider)
    outcome = judge(world, release)
    assert outcome.verdict == "fail"
    assert f"{consumer.key} needs {provider.key} “Posting API”, which is proposed" in outcome.reason
    assert [ref.label for ref in outcome.evidence] == [provider.key]

    commit_dependency(world.cast["rte"], accept_dependency(world.cast["rte"], dependency))
    settled = judge(world, release)
    assert settled.verdict == "pass"
    # The facts enter the inputs digest: a change of state makes an earlier verdict void.
    assert settled.facts != outcome.facts

    second = world.needs(consumer, world.feature("Ledger close"))
    assert judge(world, release).verdict == "fail"
    withdraw_dependency(world.cast["rte"], second)
    assert judge(world, release).verdict == "pass"


def test_it_is_registered_for_releases():
    from governance.checks.registry import find

    kind = find("scope-dependencies")
    assert kind is not None
    assert kind.subject == "release"
    assert "committed" in kind.rule({})


def test_an_evidence_package_of_a_release_carries_its_features(world):
    from governance.evidence.collect import Subject, collectors_for
    from planning.actions.releases import add_to_release
    from trains.actions.releases import create_release

    feature = world.feature("Refunds")
    manager = world.cast["release_manager"]
    release = create_release(manager, train=world.train, version="26.11.0")
    add_to_release(manager, feature, release=release)
    subject = Subject(
        kind="release", title="Release", label=str(release), object=release, releases=frozenset({release.pk})
    )
    planning = next(c for c in collectors_for("release") if c.name == "planning.features")
    assert ("feature", str(feature.pk)) in {(kind, ident) for kind, ident, *_ in planning.collect(subject)}
