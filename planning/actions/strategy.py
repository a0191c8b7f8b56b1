"""Writing a test strategy, agreeing it with the quality owner, and saying what stands."""

from __future__ import annotations

from typing import Annotated, Any

from planning.models import Feature, Risk, StrategyState, TestLevel, TestStrategy, TestStrategyLine
from planning.queries.strategy import readiness, standings
from planning.states import CLOSED
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from trains.models import ReadinessAnswer, Release, Team

from .risks import Impact, Likelihood, create_risk

explain_constraint("test_strategy_feature_once", "The feature has a test strategy already.")
explain_constraint("test_strategy_release_once", "The release has a test strategy already.")
explain_constraint("test_strategy_agreed_by_another", "Nobody agrees a test strategy that they wrote.")

Approach = Annotated[str, Field("Approach", "What is risky here, and how tests meet that risk.", long=True)]
What = Annotated[str, Field("What is tested", max_length=300)]
Automated = Annotated[bool, Field("Automated", "A machine runs it, without anybody asking.")]


def _teams(actor: Actor, subject: Any) -> Any:
    """Teams of the train that the strategy, or its line, is for."""
    strategy = subject.strategy if isinstance(subject, TestStrategyLine) else subject
    if not isinstance(strategy, TestStrategy):
        return Team.objects.all()
    owner: Any = strategy.subject
    return Team.objects.filter(train_id=owner.train_id)


@action("feature.write_test_strategy", on=Feature, requires="planning.edit", label="Write a test strategy")
def write_for_feature(actor: Actor, feature: Feature, *, approach: Approach = "") -> TestStrategy:
    """Begin the test strategy of a feature."""
    return TestStrategy.objects.create(feature=feature, approach=approach, written_by_id=actor.user_id)


@action("release.write_test_strategy", on=Release, requires="planning.edit", label="Write a test strategy")
def write_for_release(actor: Actor, release: Release, *, approach: Approach = "") -> TestStrategy:
    """Begin the test strategy of a release as a whole."""
    return TestStrategy.objects.create(release=release, approach=approach, written_by_id=actor.user_id)


def _changed(actor: Actor, strategy: TestStrategy) -> None:
    """Whoever changes a strategy has written it; what was agreed is no longer what stands there."""
    strategy.written_by_id = actor.user_id
    strategy.state, strategy.agreed_at, strategy.agreed_by = StrategyState.DRAFT, None, None
    strategy.save()


@action("test_strategy.edit", on=TestStrategy, requires="planning.edit")
def edit_strategy(actor: Actor, strategy: TestStrategy, *, approach: Approach) -> TestStrategy:
    """Change the approach; the quality owner has to agree again."""
    strategy.approach = approach
    _changed(actor, strategy)
    return strategy


@action("test_strategy.add_line", on=TestStrategy, requires="planning.edit", label="Add a line")
def add_line(
    actor: Actor,
    strategy: TestStrategy,
    *,
    level: Annotated[TestLevel, Field("Level")],
    what: What,
    automated: Automated = True,
    team: Annotated[Team | None, Field("Team that tests it", rows=_teams)] = None,
    owner: Annotated[User | None, Field("Person who tests it")] = None,
) -> TestStrategyLine:
    """Say what is tested at a level, automated or not, and by whom; the quality owner has to agree again."""
    if not what.strip():
        refuse("test_strategy.what", "Say what is tested.", field="what", status=422)
    line = TestStrategyLine.objects.create(
        strategy=strategy, level=level, what=what.strip(), automated=automated, team=team, owner=owner
    )
    _changed(actor, strategy)
    return line


@action("test_strategy.agree", on=TestStrategy, requires="planning.assure", label="Agree")
def agree_strategy(actor: Actor, strategy: TestStrategy) -> TestStrategy:
    """Agree the strategy as quality owner; whoever wrote any of it cannot."""
    strategy.state, strategy.agreed_at, strategy.agreed_by_id = StrategyState.AGREED, now(), actor.user_id
    strategy.save()
    return strategy


@action(
    "test_strategy.raise_risk", on=TestStrategy, requires="planning.edit", label="Raise its gaps as a risk"
)
def raise_risk(
    actor: Actor, strategy: TestStrategy, *, likelihood: Likelihood = 3, impact: Impact = 3
) -> Risk:
    """Put what the strategy leaves untested into the risk register, linked to what it threatens."""
    (found,) = standings([strategy.subject])
    if not found.grave:
        refuse("test_strategy.no_gaps", f"{strategy} has no gaps.", remedy="There is nothing to raise.")
    subject = strategy.feature or strategy.release
    assert subject is not None  # the database asks for one of both
    risk: Risk = create_risk(
        actor,
        train=subject.train,
        title=f"Because {len(found.grave)} gaps are left in its tests, {subject} may go out with faults",
        likelihood=likelihood,
        impact=impact,
        pi=subject.pi,
        feature=strategy.feature,
        release=strategy.release,
        description="\n".join(gap.sentence for gap in found.grave),
        mitigation="\n".join(dict.fromkeys(gap.remedy for gap in found.grave)),
    )
    return risk


@action("test_strategy_line.edit", on=TestStrategyLine, requires="planning.edit")
def edit_line(
    actor: Actor,
    line: TestStrategyLine,
    *,
    level: Annotated[TestLevel | None, Field("Level")] = None,
    what: Annotated[str | None, Field("What is tested", max_length=300)] = None,
    automated: Annotated[bool | None, Field("Automated")] = None,
    team: Annotated[Team | None, Field("Team that tests it", rows=_teams)] = None,
    owner: Annotated[User | None, Field("Person who tests it")] = None,
) -> TestStrategyLine:
    """Change a line; what is left out stays. The quality owner has to agree again."""
    if what is not None and not what.strip():
        refuse("test_strategy.what", "Say what is tested.", field="what", status=422)
    changes = {"level": level, "what": what, "automated": automated, "team": team, "owner": owner}
    for name, value in changes.items():
        if value is not None:
            setattr(line, name, value)
    line.save()
    _changed(actor, line.strategy)
    return line


@action(
    "test_strategy_line.put_in_place", on=TestStrategyLine, requires="planning.edit", label="It is in place"
)
def put_in_place(
    actor: Actor,
    line: TestStrategyLine,
    *,
    evidence: Annotated[str, Field("What shows it", "A link to the tests or the run.", max_length=500)],
) -> TestStrategyLine:
    """Say that these tests exist and run; the agreement stands."""
    if not evidence.strip():
        refuse("test_strategy.evidence", "Say what shows it.", field="evidence", status=422)
    line.in_place_at, line.evidence = now(), evidence.strip()
    line.save()
    return line


@action("test_strategy_line.remove", on=TestStrategyLine, requires="planning.edit", danger=True)
def remove_line(
    actor: Actor, line: TestStrategyLine, *, reason: Annotated[str, Field("Reason", max_length=300)]
) -> TestStrategyLine:
    """Take a line out; the quality owner has to agree again."""
    line.removed_at = now()
    line.save()
    _changed(actor, line.strategy)
    return line


def _writers(strategy: TestStrategy) -> set[Any]:
    """Everybody who ever wrote something of it. The agreeing and the marking as in place are no writing."""
    lines = TestStrategyLine.history.model.objects.filter(strategy_id=strategy.pk, in_place_at__isnull=True)
    return {
        *strategy.history.values_list("written_by_id", flat=True),
        *lines.values_list("history_user_id", flat=True),
    } - {None}


def agreed_by_another(actor: Actor, strategy: TestStrategy, params: dict[str, Any]) -> Refusal | None:
    """The quality owner agrees what others wrote, and something that says what is tested."""
    if strategy.state == StrategyState.AGREED:
        return Refusal("test_strategy.agreed", f"It is agreed by {strategy.agreed_by}.")
    if not TestStrategyLine.objects.filter(strategy=strategy, removed_at__isnull=True).exists():
        return Refusal(
            "test_strategy.empty", "It says nothing is tested.", remedy="Add what is tested at which level."
        )
    if actor.user_id in _writers(strategy):
        return Refusal(
            "test_strategy.own",
            "You wrote part of it.",
            remedy="Have another quality owner agree.",
            blocked_by=Ref.of(strategy),
        )
    return None


def one_each(actor: Actor, subject: Any, params: dict[str, Any]) -> Refusal | None:
    """One strategy for each feature or release; closed ones need none."""
    if isinstance(subject, Feature) and subject.state in CLOSED:
        return Refusal("feature.closed", f"{subject} is {subject.state}.", blocked_by=Ref.of(subject))
    there = TestStrategy.objects.filter(
        **{"feature" if isinstance(subject, Feature) else "release": subject}
    ).first()
    if there is not None:
        return Refusal(
            "test_strategy.exists",
            f"{subject} has a test strategy.",
            remedy="Change it.",
            blocked_by=Ref.of(there),
        )
    return None


def not_removed(actor: Actor, line: TestStrategyLine, params: dict[str, Any]) -> Refusal | None:
    return Refusal("test_strategy.removed", "This line was taken out.") if line.removed_at else None


def coverage_without_gaps(actor: Actor, asked: Any, params: dict[str, Any]) -> Refusal | None:
    """The coverage question of a release's readiness is not answered yes while a strategy in it has gaps."""
    if asked is None or asked.topic != ReadinessAnswer.Topic.COVERAGE:
        return None
    if params.get("answer") != ReadinessAnswer.Answer.YES:
        return None
    found = readiness(asked.release)
    lacking = [each for each in (found.own, *found.features) if each.strategy and each.grave]
    if not lacking:
        return None
    gaps = sum(len(each.grave) for each in lacking)
    return Refusal(
        "readiness.test_gaps",
        f"{gaps} gap{'' if gaps == 1 else 's'} in the test strategies of this release:"
        f" {lacking[0].subject}: {lacking[0].grave[0].sentence}",
        remedy="Close the gaps, or answer “partly” or “no”.",
        blocked_by=Ref.of(lacking[0].strategy),
        field="answer",
    )


register_guard("readiness_answer.answer", coverage_without_gaps)
register_guard("feature.write_test_strategy", one_each)
register_guard("release.write_test_strategy", one_each)
register_guard("test_strategy.agree", agreed_by_another)
for _verb in ("edit", "put_in_place", "remove"):
    register_guard(f"test_strategy_line.{_verb}", not_removed)
