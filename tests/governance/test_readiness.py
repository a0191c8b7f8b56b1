"""Production readiness reviews, requirements, checkpoints, security tests, threat models, configuration audits."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given
from hypothesis import strategies as st

from governance.actions import compliance, configuration_audits, readiness, threats
from governance.models import (
    CheckpointSignOff,
    ConfigurationAudit,
    FlagKind,
    ModelledThreat,
    ReadinessReview,
    RequirementMeasurement,
    ServiceRequirement,
    ThreatModel,
)
from governance.models.compliance import Function, Point, Regime, SecurityMethod, SignOffDecision, Stride
from governance.models.configuration_audits import AuditConclusion
from governance.models.readiness import Attribute, Obligation
from governance.rules.load_reports import LoadReportError, read_load_report
from governance.rules.readiness_review import asked as as_asked
from governance.rules.readiness_review import questions_fault, standard_questions, standing
from governance.rules.threats import open_reason
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from tests.trains.conftest import World
from tests.trains.test_compatibility import asked
from tests.trains.test_configuration import hangs, made
from tests.trains.test_drift import seen
from trains.actions import configuration as items
from trains.actions import configuration_baselines as baselines
from trains.actions import releases, scope
from trains.actions.services import edit_service

ORG = "/api/v1/orgs/northwind"


@pytest.fixture
def world(cast: Any, in_northwind: Any) -> World:
    return World(cast)


@pytest.fixture
def release(world: Any) -> Any:
    """A release that carries a build of the ledger, tier 1."""
    found = world.release()
    scope.attach_artifact(world.as_["release_manager"], found, artifact=world.artifact())
    return found


def refused(act: Any, *args: Any, **said: Any) -> str:
    with pytest.raises(Refused) as caught:
        act(*args, **said)
    return caught.value.refusals[0].code


# -- production readiness review (G10)


@pytest.fixture
def checklist(world: Any) -> Any:
    return readiness.create_checklist(world.as_["compliance_officer"], tier=1)


def answered(world: Any, role: str = "release_manager", **other: str) -> Any:
    """A review of the ledger with every question answered by yes, unless said otherwise, and submitted."""
    actor = world.as_[role]
    review = readiness.open_review(actor, service=world.ledger)
    for row in review.answers:
        review = readiness.answer_review(
            actor, review, question=row["key"], answer=other.get(row["key"], "yes"), evidence="wiki/ledger"
        )
    return readiness.submit_review(actor, review)


def test_a_review_is_due_by_rule_and_counts_until_its_day(world: Any, checklist: Any, release: Any) -> None:
    before = asked(world, "prr", None, release)
    assert before.verdict == "pending" and "has no production readiness review" in before.reason
    review = answered(world)
    assert asked(world, "prr", None, release).verdict == "pending"
    readiness.sign_off_review(world.as_["compliance_officer"], review, statement="Looked at the dashboards.")
    outcome = asked(world, "prr", None, release)
    assert outcome.verdict == "pass" and "100" in outcome.reason and outcome.valid_until
    signed = ReadinessReview.objects.get()
    assert signed.stands(now()) and not signed.stands(now() + timedelta(days=181))


def test_after_the_first_release_no_review_is_due_unless_always(
    world: Any, checklist: Any, release: Any
) -> None:
    world.deploy("5.1.0")
    assert asked(world, "prr", None, release).verdict == "pass"
    readiness.edit_checklist(world.as_["compliance_officer"], checklist, obligation=Obligation.ALWAYS)
    assert asked(world, "prr", None, release).verdict == "pending"


def test_whoever_took_part_or_is_of_the_team_does_not_sign(world: Any, checklist: Any) -> None:
    from releasetrain.accounts.actions import create_grant, scope_for

    officer = world.as_["compliance_officer"]
    review = answered(world)
    part = Actor(officer.organization_id, officer.user_id, officer.name, route="test")
    create_grant(
        world.as_["owner"],
        email=world.as_.user("compliance_officer").email,
        role=Role.TEAM_MEMBER,
        scope=scope_for(world.team),
    )
    assert refused(readiness.sign_off_review, part, review, statement="Fine.") == "readiness_review.team"
    # Not even the code that forgets to ask.
    review = ReadinessReview.objects.get()
    review.state, review.signed_by_id, review.signed_at = "signed_off", officer.user_id, now()
    review.valid_until = now() + timedelta(days=1)
    with pytest.raises(DatabaseError, match="outside the team"), transaction.atomic():
        review.save()
    review = ReadinessReview.objects.get()
    review.state, review.signed_at, review.valid_until = "signed_off", now(), now() + timedelta(days=1)
    review.signed_by_id = world.as_["release_manager"].user_id
    with pytest.raises(DatabaseError, match="took part"), transaction.atomic():
        review.save()


def test_too_low_a_score_or_a_mandatory_no_is_not_signed(world: Any, checklist: Any) -> None:
    officer = world.as_["compliance_officer"]
    review = answered(world, alerts="no")
    assert refused(readiness.sign_off_review, officer, review, statement="x") == "readiness_review.score"
    sent_back = readiness.send_back_review(officer, review, reason="No alert reaches anybody.")
    assert sent_back.state == "rejected"
    review = readiness.answer_review(
        world.as_["release_manager"], sent_back, question="alerts", answer="yes", evidence="pager/17"
    )
    assert review.state == "draft"
    review = readiness.submit_review(world.as_["release_manager"], review)
    signed = readiness.sign_off_review(officer, review, statement="Now it pages.")
    assert signed.score == Decimal("100.0")
    assert refused(readiness.sign_off_review, officer, signed, statement="x")


def test_an_answer_needs_evidence_and_an_open_question_holds_up(world: Any, checklist: Any) -> None:
    manager = world.as_["release_manager"]
    review = readiness.open_review(manager, service=world.ledger)
    answer = readiness.answer_review
    assert refused(answer, manager, review, question="alerts", answer="yes") == "readiness_review.evidence"
    assert refused(answer, manager, review, question="alerts", answer="not_applicable")
    assert refused(answer, manager, review, question="nothing", answer="no") == "readiness_review.question"
    assert refused(readiness.submit_review, manager, review) == "readiness_review.open_questions"
    assert refused(readiness.open_review, manager, service=world.ledger) == "readiness_review.runs"
    assert refused(readiness.open_review, manager, service=world.web) == "readiness_review.no_checklist"


@given(st.lists(st.sampled_from(["open", "yes", "partial", "no", "not_applicable"]), min_size=1, max_size=10))
def test_the_score_is_whole_only_when_all_that_applies_is_yes(answers: list[str]) -> None:
    rows = as_asked(standard_questions(1))[: len(answers)]
    for row, answer in zip(rows, answers, strict=False):
        row["answer"] = answer
    score, unanswered, short = standing(rows)
    said = [row["answer"] for row in rows]
    assert (score == 100) == (set(said) <= {"yes", "not_applicable"} and "yes" in said)
    assert (score is None) == (set(said) == {"not_applicable"})
    assert unanswered == said.count("open") and (short > 0) == any(
        r["mandatory"] and r["answer"] not in ("yes", "not_applicable") for r in rows
    )


@pytest.mark.parametrize(
    "bad",
    [[], [1], [{"key": "A"}], [{"key": "a", "area": "x", "question": "?"}],
     [{"key": "a", "area": "data", "question": "?", "weight": 0}],
     [{"key": "a", "area": "data", "question": "?"}] * 2],
)  # fmt: skip
def test_a_broken_checklist_is_refused(world: Any, api: Any, bad: Any) -> None:
    assert questions_fault(bad)
    if bad:
        answer = api("compliance_officer").post(f"{ORG}/readiness-checklists", {"tier": 2, "questions": bad})
        assert answer.status_code == 422 and b"questions" in answer.content


# -- requirements (G11)


def requirement(world: Any, **said: Any) -> Any:
    given = {
        "service": world.ledger,
        "attribute": Attribute.PERFORMANCE,
        "indicator": "response time p95",
        "target": Decimal(300),
        "unit": "ms",
        "method": "k6, 200 users, 10 minutes",
        "metric": "http_req_duration.p(95)",
    }
    return readiness.create_requirement(world.as_["rte"], **{**given, **said})


K6 = {
    "metrics": {
        "http_req_duration": {"type": "trend", "contains": "time", "values": {"p(95)": 212.7, "avg": 80.1}},
        "http_req_failed": {"values": {"rate": 0.001}, "thresholds": {"rate<0.01": {"ok": True}}},
    }
}


def test_a_load_test_measures_every_requirement_it_has_a_metric_for(world: Any, release: Any) -> None:
    row = requirement(world)
    share = requirement(
        world, indicator="errors", metric="http_req_failed.rate", target=Decimal("0.01"), unit=""
    )
    outcome = asked(world, "nfr", None, release)
    assert outcome.verdict == "pending" and "not measured yet" in outcome.reason
    post = {"service": world.ledger, "source": "k6", "external_id": "run-1"}
    pipeline = world.as_["service_account"]
    file = Upload("summary.json", json.dumps(K6).encode())
    for _ in range(2):
        readiness.post_load_report(pipeline, file=file, digest=world.artifact().digest, **post)
    assert RequirementMeasurement.objects.count() == 2, "the same run again changes nothing"
    row, share = (ServiceRequirement.objects.get(pk=each.pk) for each in (row, share))
    assert (row.measured, row.met, share.met) == (Decimal("212.7000"), True, True)
    assert asked(world, "nfr", None, release).verdict == "pass"
    assert asked(world, "nfr", None, release, same_build=True).verdict == "pass"
    readiness.edit_requirement(world.as_["rte"], row, target=Decimal(200))
    outcome = asked(world, "nfr", None, release)
    assert outcome.verdict == "fail" and "last 212.7 ms" in outcome.reason


def test_a_stale_measurement_never_passes(world: Any, release: Any) -> None:
    row = requirement(world, max_age_days=7)
    pipeline = world.as_["service_account"]
    measure = readiness.measure_requirement
    measure(pipeline, row, value=Decimal(100), at=now() - timedelta(days=7, hours=1))
    outcome = asked(world, "nfr", None, release)
    assert outcome.verdict == "pending" and "not measured since" in outcome.reason
    measure(pipeline, row, value=Decimal(100), at=now() - timedelta(days=6))
    outcome = asked(world, "nfr", None, release)
    assert outcome.verdict == "pass" and outcome.valid_until < now() + timedelta(days=1)
    measure(pipeline, row, value=Decimal(900), at=now() - timedelta(days=30))
    assert ServiceRequirement.objects.get().met, "an older value does not overwrite the latest"
    assert asked(world, "nfr", None, release, same_build=True).verdict == "pending"


def test_a_critical_service_states_a_requirement(world: Any, release: Any) -> None:
    assert asked(world, "nfr", None, release).verdict == "pending"
    assert asked(world, "nfr", None, release, stated_to_tier=0).verdict == "pass"


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"metrics": {"a": 1}}', b'{"metrics": {"a": {"values": 7}}}', b'{"metrics": {}}',
     b'{"measurements": [{"name": "x"}]}', b'{"measurements": [{"name": "x", "value": 1e300}]}',
     b'{"measurements": [{"name": "x", "value": NaN}]}', b'{"measurements": [3]}', b"\xff"],
)  # fmt: skip
def test_a_broken_load_report_is_refused(world: Any, api: Any, content: bytes) -> None:
    with pytest.raises(LoadReportError):
        read_load_report(content)


def test_a_report_that_measures_nothing_here_says_what_is_known(world: Any, api: Any) -> None:
    requirement(world)
    body = {"service": "ledger", "file": {"name": "x.json", "content": "eyJtZWFzdXJlbWVudHMiOiBbXX0="}}
    answer = api("service_account").post(f"{ORG}/service-requirements/post_report", body)
    assert answer.status_code == 422, answer.content
    other = Upload("x.json", b'{"measurements": [{"name": "other", "value": 1}]}')
    code = refused(readiness.post_load_report, world.as_["service_account"], service=world.ledger, file=other)
    assert code == "load_report.nothing"


# -- checkpoints (G12)


def flagged(world: Any, kind: FlagKind, role: str = "team_member", **about: Any) -> Any:
    return compliance.raise_flag(world.as_[role], kind=kind, reason="It does.", **about)


@pytest.fixture
def checkpoint(world: Any) -> Any:
    return compliance.create_checkpoint(
        world.as_["compliance_officer"],
        regime=Regime.GDPR,
        point=Point.APPROVAL,
        function=Function.PRIVACY,
        role=Role.COMPLIANCE_OFFICER,
    )


def approve(world: Any, release: Any) -> Any:
    return releases.mark_approved(Actor.system(release.organization_id, "approved"), release)


def test_what_touches_a_regime_is_signed_before_approval(world: Any, checkpoint: Any) -> None:
    release = world.ready()
    assert asked(world, "compliance-checkpoints", None, release).verdict == "pending", "nobody has looked"
    flagged(world, FlagKind.GDPR, backlog_item="feat-1")
    outcome = asked(world, "compliance-checkpoints", None, release)
    assert outcome.verdict == "pending" and "Privacy (GDPR) has not signed off" in outcome.reason
    assert refused(approve, world, release) == "release.checkpoint"
    sign = compliance.sign_checkpoint
    given = {"release": release, "checkpoint": checkpoint, "statement": "Looked at the data flow."}
    assert refused(sign, world.as_["auditor"], **given) == "checkpoint_sign_off.role"
    assert refused(sign, world.as_["release_manager"], **given) == "checkpoint_sign_off.role"
    officer = world.as_["compliance_officer"]
    sign(officer, decision=SignOffDecision.REFUSED, **given)
    assert asked(world, "compliance-checkpoints", None, release).verdict == "fail"
    sign(officer, **given)
    assert asked(world, "compliance-checkpoints", None, release).verdict == "pass"
    assert approve(world, release).state == "approved"


def test_changed_content_is_asked_for_again(world: Any, checkpoint: Any, release: Any) -> None:
    flagged(world, FlagKind.GDPR, service=world.ledger)
    compliance.sign_checkpoint(
        world.as_["compliance_officer"], release=release, checkpoint=checkpoint, statement="Fine."
    )
    assert asked(world, "compliance-checkpoints", None, release).verdict == "pass"
    scope.add_item(world.as_["release_manager"], release, title="One more thing")
    outcome = asked(world, "compliance-checkpoints", None, release)
    assert outcome.verdict == "pending" and "has changed since" in outcome.reason


def test_an_author_does_not_sign_and_a_signature_never_changes(world: Any, checkpoint: Any) -> None:
    from releasetrain.accounts.actions import create_grant

    release = world.ready()
    flagged(world, FlagKind.GDPR, release=release)
    create_grant(
        world.as_["owner"], email=world.as_.user("release_manager").email, role=Role.COMPLIANCE_OFFICER
    )
    author = world.as_["release_manager"]
    fresh = Actor(author.organization_id, author.user_id, author.name, route="test")
    given = {"release": release, "checkpoint": checkpoint, "statement": "Mine."}
    assert refused(compliance.sign_checkpoint, fresh, **given) == "checkpoint_sign_off.author"
    signed = compliance.sign_checkpoint(world.as_["compliance_officer"], **given)
    with pytest.raises(DatabaseError), transaction.atomic():
        CheckpointSignOff.objects.filter(pk=signed.pk).update(decision="refused")


def test_a_regime_without_a_checkpoint_is_not_passed_and_freeze_and_start_ask_too(world: Any) -> None:
    officer = world.as_["compliance_officer"]
    release = world.scoped()
    flagged(world, FlagKind.SOX, release=release)
    outcome = asked(world, "compliance-checkpoints", None, release)
    assert outcome.verdict == "pending" and "no checkpoint says who signs" in outcome.reason
    made_ = {"regime": Regime.SOX, "function": Function.AUDIT, "role": Role.COMPLIANCE_OFFICER}
    before = compliance.create_checkpoint(officer, point=Point.SCOPE_FREEZE, **made_)
    last = compliance.create_checkpoint(officer, point=Point.DEPLOYMENT, **made_)
    manager = world.as_["release_manager"]
    assert refused(releases.freeze_release, manager, release) == "release.checkpoint"
    compliance.sign_checkpoint(officer, release=release, checkpoint=before, statement="Scope is fine.")
    release = releases.freeze_release(manager, release)
    scope.attach_artifact(manager, release, artifact=world.artifact())
    approve(world, releases.mark_ready(manager, release))
    release.refresh_from_db()
    assert refused(world.deploy, status="running", release=release) == "release.checkpoint"
    assert world.deploy(status="running", release=release, environment=world.staging)
    compliance.sign_checkpoint(officer, release=release, checkpoint=last, statement="Reports reconcile.")
    assert world.deploy(status="running", release=release)


def test_nothing_is_said_once_for_a_release_and_holds_until_more_comes_in(world: Any, release: Any) -> None:
    assert refused(flagged, world, FlagKind.NONE, service=world.ledger) == "scope_flag.none"
    flagged(world, FlagKind.NONE, release=release)
    for kind in ("compliance-checkpoints", "security-testing", "threat-model"):
        assert asked(world, kind, None, release).verdict == "pass"
    scope.add_item(world.as_["release_manager"], release, title="Sign-in with passkeys")
    for kind in ("compliance-checkpoints", "security-testing", "threat-model"):
        assert asked(world, kind, None, release).verdict == "pending"


def test_a_flag_is_withdrawn_by_somebody_else(world: Any, release: Any) -> None:
    flag = flagged(world, FlagKind.GDPR, role="compliance_officer", release=release)
    officer = world.as_["compliance_officer"]
    assert refused(compliance.withdraw_flag, officer, flag, reason="x") == "scope_flag.own"
    assert refused(flagged, world, FlagKind.GDPR, release=release, service=world.web) == "scope_flag.subject"


# -- security tests (G13)


def security_tested(world: Any, method: SecurityMethod, **said: Any) -> Any:
    given = {"digest": world.artifact().digest, "method": method, "tool": "zap 2.15", **said}
    return compliance.post_security_test(world.as_["service_account"], **given)


def test_authentication_obliges_to_tests_of_the_build_before_approval(world: Any) -> None:
    release = world.ready()
    flagged(world, FlagKind.AUTHENTICATION, item=release.items.get())
    assert refused(approve, world, release) == "release.security_tests"
    assert asked(world, "security-testing", None, release).verdict == "pending"
    security_tested(world, SecurityMethod.SAST)
    security_tested(world, SecurityMethod.DAST, high=1)
    outcome = asked(world, "security-testing", None, release)
    assert outcome.verdict == "fail" and "0 critical and 1 high findings are open" in outcome.reason
    security_tested(world, SecurityMethod.DAST, complete=False)
    assert asked(world, "security-testing", None, release).verdict == "fail"
    security_tested(world, SecurityMethod.DAST, external_id="7", source="zap")
    security_tested(world, SecurityMethod.DAST, external_id="7", source="zap", high=3)
    assert asked(world, "security-testing", None, release).verdict == "pass"
    assert asked(world, "security-testing", None, release, methods=["pentest"]).verdict == "pending"
    assert asked(world, "security-testing", None, release, methods=["hope"]).verdict == "pending"
    assert approve(world, release).state == "approved"


def test_a_penetration_test_shows_its_report(world: Any) -> None:
    assert refused(security_tested, world, SecurityMethod.PENTEST) == "security_test.report"
    assert security_tested(world, SecurityMethod.PENTEST, report_url="https://example.org/report.pdf")


# -- threat models (G14)


def test_an_open_control_blocks_what_is_complex(world: Any) -> None:
    author, officer = world.as_["team_member"], world.as_["compliance_officer"]
    release = world.ready()
    flagged(world, FlagKind.COMPLEX, backlog_item="FEAT-1")
    assert refused(approve, world, release) == "release.threat_model"
    model = threats.create_threat_model(
        author,
        title="Instant payments",
        backlog_item="feat-1",
        elements=[{"name": "Gateway", "kind": "process", "boundary": "Internet"}],
    )
    assert refused(threats.submit_threat_model, author, model) == "threat_model.empty"
    given = {"element": "Gateway", "category": Stride.SPOOFING, "title": "A stolen session pays"}
    assert (
        refused(threats.add_threat, author, model, **{**given, "element": "Nowhere"})
        == "modelled_threat.element"
    )
    plan = [{"title": "Step-up", "state": "planned"}]
    threat = threats.add_threat(author, model, controls=plan, **given)
    threats.submit_threat_model(author, model)
    threats.approve_threat_model(officer, model, conclusion="Complete.")
    outcome = asked(world, "threat-model", None, release)
    assert outcome.verdict == "fail" and "Step-up is not in place" in outcome.reason
    assert refused(approve, world, release) == "release.threat_model"
    assert refused(threats.accept_threat, author, threat, until=now() + timedelta(1), reason="x")
    threats.set_controls(author, threat, controls=[{"title": "Step-up", "state": "implemented"}])
    assert ModelledThreat.objects.get().state == "mitigated"
    assert asked(world, "threat-model", None, release).verdict == "pass"
    assert asked(world, "threat-model", None, release, verified=True).verdict == "fail"
    assert approve(world, release).state == "approved"
    threats.add_threat(author, ThreatModel.objects.get(), **{**given, "title": "Another"})
    assert asked(world, "threat-model", None, release).verdict == "fail", "the approval fell"


def test_whoever_wrote_a_model_does_not_approve_it(world: Any) -> None:
    officer = world.as_["compliance_officer"]
    own = Actor(officer.organization_id, officer.user_id, officer.name, route="test")
    model = ThreatModel.objects.create(
        title="x", service=world.ledger, author_id=own.user_id, elements=[], state="in_review"
    )
    assert refused(threats.approve_threat_model, own, model, conclusion="Fine.") == "threat_model.own"
    model.reviewed_by_id, model.reviewed_at, model.state = own.user_id, now(), "approved"
    with pytest.raises(DatabaseError), transaction.atomic():
        model.save()


@given(
    st.sampled_from(["open", "mitigated", "accepted", "not_applicable"]),
    st.lists(st.sampled_from(["planned", "implemented", "verified", "?"]), max_size=4),
    st.none() | st.integers(-5, 5),
)
def test_a_threat_is_closed_only_by_controls_or_a_decision_that_stands(
    state: str, controls: list[str], until: int | None
) -> None:
    at = now()
    rows = [{"title": f"c{n}", "state": s} for n, s in enumerate(controls)]
    ends = None if until is None else at + timedelta(days=until)
    closed = not open_reason(state, rows, ends, at)
    if state == "not_applicable":
        assert closed
    elif state == "accepted":
        assert closed == (until is not None and until > 0)
    else:
        assert closed == (bool(controls) and set(controls) <= {"implemented", "verified"})
    strict = not open_reason(state, rows, ends, at, verified=True)
    assert closed or not strict


# -- configuration: checks and audits (D10, G18)


@pytest.fixture
def ledger(world: Any) -> Any:
    edit_service(world.as_["rte"], world.ledger, regulated=True)
    world.ledger.refresh_from_db()
    item = made(world, "ledger", service=world.ledger, expected={"tls": "1.3"}, version="5.2.0")
    hangs(world, item, "runs_on", made(world, "host"))
    return item


def test_drift_is_passed_only_when_all_was_seen_lately_as_it_should_be(
    world: Any, release: Any, ledger: Any
) -> None:
    assert asked(world, "drift", None, release).verdict == "pending"
    seen(world, {"id": "ledger", "version": "5.2.0", "state": {"tls": "1.2"}}, {"id": "host"}, hours=2)
    outcome = asked(world, "drift", None, release)
    assert outcome.verdict == "fail" and "tls should be 1.3, is 1.2" in outcome.reason
    seen(world, {"id": "ledger", "version": "5.2.0", "state": {"tls": "1.3"}}, {"id": "host"}, hours=1)
    outcome = asked(world, "drift", None, release)
    assert outcome.verdict == "pass" and now() - outcome.as_of >= timedelta(hours=1)


def test_the_checks_of_release_and_cmdb_and_of_baselines(world: Any, release: Any, ledger: Any) -> None:
    assert asked(world, "configuration", None, release).verdict == "fail"
    assert asked(world, "baseline", world.artifact()).verdict == "fail"
    baselines.freeze_baseline(world.as_["release_manager"], release=release)
    assert asked(world, "configuration", None, release).verdict == "pass"
    assert asked(world, "baseline", world.artifact()).verdict == "pass"
    items.retire_item(world.as_["rte"], ledger, reason="Gone.")
    assert asked(world, "configuration", None, release).verdict == "fail"
    assert asked(world, "drift", None, release).verdict == "pending"


def test_a_service_without_an_item_is_unknown_never_passed(world: Any, release: Any) -> None:
    assert asked(world, "configuration", None, release).verdict != "pass"
    assert asked(world, "drift", None, release).verdict == "pending"


def audited(world: Any, release: Any) -> Any:
    return configuration_audits.open_audit(
        world.as_["release_manager"], release=release, environment=world.production
    )


def test_an_audit_is_concluded_by_a_person_who_owns_none_of_the_items(
    world: Any, release: Any, ledger: Any
) -> None:
    officer = world.as_["compliance_officer"]
    conclude = configuration_audits.conclude_audit
    said = {"conclusion": AuditConclusion.CONFORMS, "statement": "Compared all items."}
    outcome = asked(world, "configuration-audit", None, release)
    assert outcome.verdict == "pending" and "was not audited" in outcome.reason
    audit = audited(world, release)
    assert audit.report["open"] and audit.report["unseen"]
    assert refused(conclude, officer, audit, **said) == "configuration_audit.open_differences"
    baselines.freeze_baseline(world.as_["release_manager"], release=release)
    seen(world, {"id": "ledger", "version": "5.2.0", "state": {"tls": "1.2"}}, {"id": "host"}, hours=2)
    assert refused(conclude, officer, audit, **said) == "configuration_audit.outdated"
    audit = configuration_audits.refresh_audit(world.as_["release_manager"], audit)
    (difference,) = [d for i in audit.report["items"] for d in i["differences"]]
    baselines.tolerate_drift(
        officer,
        ledger,
        fingerprint=difference["fingerprint"],
        until=now() + timedelta(days=9),
        reason="Next week.",
    )
    audit = configuration_audits.refresh_audit(world.as_["release_manager"], audit)
    assert refused(conclude, officer, audit, **said) == "configuration_audit.exceptions"
    said["conclusion"] = AuditConclusion.EXCEPTIONS
    audit = conclude(officer, audit, **said)
    accepted = audit.report["items"][0]["differences"][0]["accepted"]
    assert accepted["reason"] == "Next week." and accepted["by"] == str(world.as_.user("compliance_officer"))
    assert asked(world, "configuration-audit", None, release).verdict == "pass"
    seen(world, {"id": "ledger", "version": "5.2.0", "state": {"tls": "1.2"}}, {"id": "host"}, hours=1)
    assert asked(world, "configuration-audit", None, release).verdict == "pass", "the same was seen again"
    items.edit_item(world.as_["rte"], ledger, expected={"tls": "1.3", "mtls": True})
    assert asked(world, "configuration-audit", None, release).verdict == "pending"
    assert refused(conclude, officer, audit, **said) == "configuration_audit.concluded"


def test_the_owner_of_an_item_is_refused_by_rule_and_by_the_database(
    world: Any, release: Any, ledger: Any
) -> None:
    officer = world.as_["compliance_officer"]
    items.edit_item(world.as_["rte"], ledger, owner=world.as_.user("compliance_officer"))
    audit = audited(world, release)
    code = refused(
        configuration_audits.conclude_audit, officer, audit, conclusion=AuditConclusion.FAILS, statement="x"
    )
    assert code == "configuration_audit.owner"
    audit = ConfigurationAudit.objects.get()
    audit.conclusion, audit.statement, audit.concluded_by_id = "fails", "x", officer.user_id
    audit.concluded_at, audit.valid_until = now(), now() + timedelta(days=1)
    with pytest.raises(DatabaseError, match="owner of an item"), transaction.atomic():
        audit.save()


def test_what_is_not_regulated_needs_no_audit(world: Any, release: Any) -> None:
    assert asked(world, "configuration-audit", None, release).verdict == "pass"
    assert asked(world, "configuration-audit", None, release, always=True).verdict == "pending"
