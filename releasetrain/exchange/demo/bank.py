"""Northwind Bank: a year of a payments train, through the ordinary actions."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta
from typing import Any

from governance import evaluating
from governance.actions import boards, changes, evidence
from governance.actions import gates as gate_actions
from governance.actions import results as result_actions
from governance.models import Board, ChangeRequest, Gate, Vote
from planning.actions import capacity as capacity_actions
from planning.actions import (
    commitment,
    confidence,
    dependencies,
    features,
    objectives,
    placement,
    scoring,
    themes,
)
from planning.actions import releases as feature_releases
from planning.models import Feature
from problems.actions import problems, root_causes
from problems.actions.incident_batch import IncidentRow
from problems.actions.incident_batch import record_many as record_incidents
from problems.models import Category, Incident, Problem, RootCause
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from reviews.actions import action_items, causes, facts
from reviews.actions import reviews as reviews_actions
from reviews.actions import rules as reviews_rules
from reviews.models import Review
from trains.actions import (
    artifacts,
    environments,
    freezes,
    increments,
    milestones,
    releases,
    scope,
    services,
    teams,
    trains,
)
from trains.actions import commits as commit_actions
from trains.actions.deployment_batch import record_many
from trains.actions.deployments import record_deployment
from trains.models import Deployment, Environment, Iteration, ProgramIncrement, Release, Service, Team, Train

from . import auditing, catalogue, event, reports
from .access import build_access
from .board import build_board
from .cab import build_cab
from .calendar import build_calendar
from .cast import Cast
from .controls import build_controls
from .delivery import build_delivery
from .duties import build_duties
from .execution import show_execution
from .flow import acknowledged_after, build_flow
from .gates import build_gates
from .history import SOURCE, History, generate
from .integrations import build_integrations
from .learning import build_learning, measure
from .measurements import build as build_measurements
from .metrics import build_metrics
from .pipelines import build_pipelines
from .portfolio import build_portfolio
from .problems import carry_fix, conduct, late_files, publish_policy, sign_fix
from .quality import build as build_quality
from .readiness import build_readiness
from .releases import build_releases
from .structure import build_structure
from .supply_chain import observe, post_scans, prepare
from .tools import build_tools

GATE_CHECKS: list[dict[str, Any]] = [
    {"kind": "test-results", "name": "Tests", "parameters": {}, "max_age_hours": 720},
    {"kind": "coverage", "name": "Coverage", "parameters": {"minimum": 80}, "max_age_hours": 720},
    {"kind": "static-analysis", "name": "Static analysis", "parameters": {}, "max_age_hours": 720},
    {"kind": "composition", "name": "Composition", "parameters": {}, "max_age_hours": 720},
    {"kind": "scope-dependencies", "name": "Dependencies of scope", "parameters": {}, "max_age_hours": 720},
    {"kind": "endorsements", "name": "Endorsements", "parameters": {}, "max_age_hours": 720},
    {"kind": "approvals", "name": "Change approved", "parameters": {}, "max_age_hours": 720},
    {"kind": "change-window", "name": "Change window", "parameters": {}, "max_age_hours": 24},
    {"kind": "freeze", "name": "No freeze", "parameters": {}, "max_age_hours": 24},
    {"kind": "open-problems", "name": "Open problems", "parameters": {}, "max_age_hours": 24},
    {"kind": "root-cause-validated", "name": "Root cause validated", "parameters": {}, "max_age_hours": 24},
    {"kind": "pending-reviews", "name": "Reviews done", "parameters": {}, "max_age_hours": 24},
]


class Bank:
    """Builds the demo step by step; each step is an act of the person whose job it is."""

    def __init__(self, cast: Cast):
        self.cast = cast
        self.today = now().date()
        self.rte = cast.one(Role.RTE)
        self.product = cast.one(Role.PRODUCT_MANAGER)
        self.owner = cast.one(Role.OWNER)
        self.manager = cast.one(Role.RELEASE_MANAGER)
        self.chair = cast.one(Role.CHANGE_MANAGER)
        self.lead = cast.one(Role.TECHNICAL_LEAD)
        self.quality = cast.one(Role.QUALITY_OWNER)
        self.pipeline = cast.one(Role.SERVICE_ACCOUNT)
        self.teams: dict[str, Team] = {}
        self.services: dict[str, Service] = {}

    def build(self) -> None:
        self.payments = self._train(
            "PAY", "Meridian Payments", catalogue.PAYMENTS, "Cards, wallets and SEPA payments."
        )
        self.lending = self._train(
            "LND", "Harbor Lending", catalogue.LENDING, "Loans from application to last instalment."
        )
        self._environments()
        self.history = self._past()
        self.board = self._board()
        self.gate = self._gate()
        prepare(self)
        self.pi = self._plan()
        self._calendar()
        reviews_rules.create_standard_rules(self.rte, self.cast.organization)
        self._incidents()
        publish_policy(self)
        self.late_files = late_files(self)
        self.done = self._finished_release()
        self._problem()
        conduct(self, self.late_files)
        self._release_before_the_board()
        measure(self)
        self._review()
        event.add(self)
        evidence.request_package(self.manager, release=self.done)
        build_board(self)
        build_structure(self)
        build_calendar(self)
        build_quality(self)
        build_releases(self)
        show_execution(self.rte, self.payments, self.pi)
        build_portfolio(self.cast, self.payments, self.pi, self.today)
        build_controls(self)
        build_duties(self)
        build_cab(self)
        observe(self)
        auditing.build(self.cast)
        build_gates(self)
        build_readiness(self)
        build_learning(self)
        build_flow(self)
        build_metrics(self)
        build_integrations(self)
        build_tools(self)
        build_access(self)
        build_measurements(self)
        build_delivery(self)
        build_pipelines(self)

    def _train(self, key: str, name: str, listed: tuple[catalogue.TeamOf, ...], description: str) -> Train:
        train: Train = trains.create_train(
            self.owner, key=key, name=name, description=description, time_zone="Europe/London",
            cadence_start=self._cadence_start(), pi_weeks=12, iteration_weeks=2,
        )  # fmt: skip
        for each in listed:
            team = teams.create_team(
                self.rte, train=train, code=each.code, name=each.name, people=each.people, time_zone=each.zone
            )
            self.teams[each.code] = team
            for service, tier, regulated in each.services:
                self.services[service] = services.create_service(
                    self.owner, name=service, train=train, team=team, tier=tier, regulated=regulated,
                    repository=f"https://git.northwind.example/{service}",
                )  # fmt: skip
        return train

    def _cadence_start(self) -> date:
        """A Monday five weeks ago: the demo is always in the middle of a Program Increment."""
        monday = self.today - timedelta(days=self.today.weekday())
        return monday - timedelta(weeks=5)

    def _environments(self) -> None:
        self.environments = {
            name: environments.create_environment(
                self.owner, name=name, kind=Environment.Kind(kind), rank=rank
            )
            for rank, (name, kind) in enumerate(
                (("test", "test"), ("staging", "staging"), ("production", "production")), 1
            )
        }

    def _past(self) -> History:
        past = generate([(s.name, s.tier) for s in self.services.values()], now())
        record_many(self.rte, past.deployments, source_name="nine months of deployments")
        commit_actions.record_many(self.rte, past.commits, source_name="nine months of commits")
        return past

    def _board(self) -> Board:
        board: Board = boards.create_board(self.chair, name="Northwind CAB", quorum=3)
        for user in [
            self.cast.user(Role.CHANGE_MANAGER),
            *(self.cast.user(Role.CAB_MEMBER, n) for n in range(3)),
            self.cast.user(Role.PROBLEM_MANAGER),
        ]:
            boards.add_member(self.chair, board, email=user.email)
        boards.add_member(
            self.chair,
            board,
            email=self.cast.user(Role.COMPLIANCE_OFFICER).email,
            deputy_of=self.cast.user(Role.CAB_MEMBER, 2).email,
        )
        return board

    def _gate(self) -> Gate:
        gate: Gate = gate_actions.create_gate(
            self.manager,
            name="Production gate",
            environment=self.environments["production"],
            train=self.payments,
            description="What a payments release must show before it may enter production.",
            checks=GATE_CHECKS,
        )
        return gate

    def _plan(self) -> ProgramIncrement:
        pi: ProgramIncrement = increments.create_increment(
            self.rte, train=self.payments, starts=self._cadence_start()
        )
        iterations = list(pi.iterations.order_by("number"))
        self._capacity(iterations)
        goals = [
            themes.create_theme(self.product, train=self.payments, name=name, goal=goal)
            for name, goal in (
                ("Instant money", "Refunds and transfers arrive within ten seconds."),
                ("A ledger that scales", "Twice the volume at the same cost."),
            )
        ]
        made = {each.title: self._feature(each, goals, iterations) for each in catalogue.PAYMENTS_FEATURES}
        for provider, consumer, what in catalogue.PAYMENTS_DEPENDENCIES:
            dependency = dependencies.create_dependency(
                self.product, provider=made[provider], consumer=made[consumer], what=what
            )
            dependencies.accept_dependency(self.rte, dependency)
        self._objectives(pi)
        commitment.commit_increment(
            self.rte,
            pi,
            accept=True,
            reason="The SEPA date is fixed by the scheme; Ledger Core moves posting rules forward next week.",
        )
        increments.start_increment(self.rte, pi)
        for each in catalogue.PAYMENTS_FEATURES:
            if 0 < each.iteration <= 2:
                placed = Feature.objects.get(pk=made[each.title].pk)
                features.start_feature(self.rte, placed)
                features.complete_feature(self.rte, placed)
            elif each.iteration == 3:
                features.start_feature(self.rte, Feature.objects.get(pk=made[each.title].pk))
        features.block_feature(
            self.rte,
            made["Settlement file v3 for SEPA Instant"],
            reason="Posting rules arrive one iteration too late",
        )
        self.features = made
        increments.create_increment(self.rte, train=self.payments)
        return pi

    def _capacity(self, iterations: list[Iteration]) -> None:
        for team in Team.objects.filter(train=self.payments):
            for iteration in iterations:
                if not iteration.innovation:
                    capacity_actions.set_capacity(
                        self.rte, team=team, iteration=iteration, points=12 + team.people
                    )

    def _feature(self, each: catalogue.FeatureOf, goals: list[Any], iterations: list[Iteration]) -> Feature:
        feature: Feature = features.create_feature(
            self.product, train=self.payments, title=each.title, kind=Feature._meta.get_field("kind").choices and each.kind,
            team=self.teams[each.team], theme=goals[each.theme - 1] if each.theme else None, points=each.points, tier=each.tier,
            description=f"{each.title} for the customers and colleagues of Northwind Bank.",
        )  # fmt: skip
        scoring.agree_score(
            self.product,
            feature,
            value=each.value,
            time_criticality=each.time,
            risk_reduction=each.risk,
            job_size=each.size,
        )
        if each.iteration:
            features.refine_feature(
                self.lead, feature, acceptance="Works for a pilot group; rollback rehearsed; runbook updated.",
                feasibility="Built on what the team runs today.", constraints="none",
            )  # fmt: skip
            feature = placement.place_feature(
                self.rte, Feature.objects.get(pk=feature.pk), iteration=iterations[each.iteration - 1]
            )
        return feature

    def _objectives(self, pi: ProgramIncrement) -> None:
        for code, title, value, uncommitted in (
            ("ACQ", "Merchants settle SEPA Instant by the scheme's date", 10, False),
            ("LED", "Posting API v2 carries all refunds", 8, False),
            ("RSK", "Sanctions deltas are screened within a minute", 9, False),
            ("MOB", "Half of sign-ins use passkeys", 6, True),
            ("PLT", "The SEPA gateway survives the loss of a site", 8, False),
        ):
            objectives.create_objective(
                self.rte,
                pi=pi,
                team=self.teams[code],
                title=title,
                planned_value=value,
                uncommitted=uncommitted,
            )
        for actor, fingers in zip(
            [self.product, self.rte, *self.cast.all(Role.TEAM_MEMBER)], (4, 4, 3), strict=False
        ):
            confidence.cast_confidence_vote(
                actor, pi=pi, fingers=fingers, comment="The SEPA chain is tight." if fingers < 4 else ""
            )

    def _calendar(self) -> None:
        for name, weeks, kind in (
            ("PI planning", 0, "event"),
            ("SEPA Instant go-live", 8, "regulatory"),
            ("Inspect & adapt", 11, "event"),
        ):
            milestones.create_milestone(
                self.rte,
                train=self.payments,
                pi=self.pi,
                name=name,
                on=self.pi.starts + timedelta(weeks=weeks, days=2),
                kind=kind,
            )
        year_end = datetime.combine(self.today + timedelta(days=26), time(18), tzinfo=now().tzinfo)
        freezes.create_freeze(
            self.manager, name="Year-end close", starts=year_end, ends=year_end + timedelta(days=12), train=self.payments,
            environment=self.environments["production"], reason="The books are closed; only emergency changes.",
        )  # fmt: skip

    def _build(
        self,
        release: Release,
        service: str,
        version: str,
        *,
        failed: int = 0,
        covered: int = 862,
        warnings: int = 1,
    ) -> None:
        """What a pipeline does for one service: register the build, post its reports, attach it."""
        digest = "sha256:" + hashlib.sha256(f"{service} {version} demo".encode()).hexdigest()
        artifact = artifacts.register_artifact(
            self.pipeline, service=self.services[service], digest=digest, version=version,
            commit=hashlib.sha1(f"{service} {version} demo".encode(), usedforsecurity=False).hexdigest(), builder="northwind-ci",
        )  # fmt: skip
        for name, content in (
            ("junit.xml", reports.junit(service, 412, failed)),
            ("coverage.xml", reports.cobertura(covered)),
            ("codescan.sarif", reports.sarif(warnings)),
            ("bom.cdx.json", reports.cyclonedx(service, version)),
        ):
            result_actions.post_result(
                self.pipeline,
                digest=digest,
                file=Upload(name, content),
                source="northwind-ci",
                run_url=f"https://ci.northwind.example/{service}/{version}",
            )
        post_scans(self, service, version, digest, artifact.commit)
        releases_artifact = scope.attach_artifact
        releases_artifact(self.manager, release, artifact=artifact)

    def _release(
        self,
        version: str,
        name: str,
        titles: tuple[str, ...],
        target: timedelta,
        tier: int,
        fixes: tuple[Problem, ...] = (),
    ) -> Release:
        release: Release = releases.create_release(
            self.manager, train=self.payments, version=version, name=name, pi=self.pi, tier=tier, target_at=now() + target,
            impact="Customers see refunds within seconds. Transfers may wait up to five minutes during the switch.",
            rollback_plan="Switch traffic back to the previous build of each service; no schema is contracted in this release.",
            success_criteria="Error rate below 0.2 % and settlement file accepted within one hour.",
        )  # fmt: skip
        for title in titles:
            feature_releases.add_to_release(
                self.manager, Feature.objects.get(pk=self.features[title].pk), release=release,
                rollback_criterion="error rate at most 0.2 % within 60 minutes",
            )  # fmt: skip
        release = Release.objects.get(pk=release.pk)
        for problem in fixes:
            carry_fix(self, release, problem)
        releases.scope_release(self.manager, release)
        release = Release.objects.get(pk=release.pk)
        releases.freeze_release(self.manager, release)
        return Release.objects.get(pk=release.pk)

    def _change(self, release: Release, starts: timedelta, hours: int) -> ChangeRequest:
        change = ChangeRequest.objects.get(release=release)
        changes.edit_change(
            self.manager, change, window_starts=now() + starts, window_ends=now() + starts + timedelta(hours=hours),
            test_plan="Contract tests in staging, then a canary at 10 % for 30 minutes.",
            communication_plan="Support is briefed the day before; status page notice one hour ahead.",
        )  # fmt: skip
        changes.submit(self.manager, ChangeRequest.objects.get(pk=change.pk))
        return ChangeRequest.objects.get(pk=change.pk)

    def _finished_release(self) -> Release:
        """A release that went the whole way last week."""
        release = self._release(
            "26.10.0", "Posting and onboarding", ("Double-entry posting API v2", "Card-present EMV kernel upgrade", "Device fingerprint signal"),
            timedelta(hours=1), 2, (self.late_files,),
        )  # fmt: skip
        built = (("ledger-core", "8.13.0"), ("acq-settle", "8.6.0"), ("risk-rules", "8.9.0"))
        for service, version in built:
            self._build(release, service, version)
        release = Release.objects.get(pk=release.pk)
        releases.mark_ready(self.manager, release)
        change = self._change(release, timedelta(hours=-1), 6)
        sign_fix(self, change)
        for actor, why in zip(
            self.cast.all(Role.CAB_MEMBER),
            ("Tests and backout rehearsal are convincing.", "Low risk for customers.", "Agreed."),
            strict=False,
        ):
            changes.vote(
                actor, ChangeRequest.objects.get(pk=change.pk), choice=Vote.Choice.APPROVE, rationale=why
            )
        asked = gate_actions.evaluate_gate(
            self.pipeline, gate=self.gate, release=Release.objects.get(pk=release.pk)
        )
        evaluating.work_off(self.cast.organization.pk, asked.pk)
        self._deploy(release, built)
        return Release.objects.get(pk=release.pk)

    def _incidents(self) -> None:
        """The outages of the past, each laid to the deployment that caused it."""
        record_incidents(
            self.rte,
            [
                IncidentRow(
                    title=each.title, services=(each.service,), detected_at=each.detected_at, mitigated_at=each.mitigated_at,
                    started_at=each.detected_at - 0.7 * acknowledged_after(each.deployment),
                    acknowledged_at=each.detected_at + acknowledged_after(each.deployment),
                    resolved_at=each.resolved_at, severity=each.severity, source=SOURCE, external_id=f"incident/{each.deployment}",
                    fingerprint=each.title.split(" in ")[0].lower().replace(" ", "-"), caused_by=(each.deployment,),
                )
                for each in self.history.incidents
            ],
            source_name="nine months of incidents",
        )  # fmt: skip

    def _problem(self) -> None:
        """A recurring outage becomes a problem with a validated cause; a second one waits for its validation."""
        expert = self.cast.one(Role.PROBLEM_MANAGER)
        validator = self.cast.one(Role.COMPLIANCE_OFFICER)
        ledger = list(
            Incident.objects.filter(services__service=self.services["ledger-core"]).order_by("-detected_at")[
                :3
            ]
        )
        recurring = problems.create_problem(
            expert, title="Ledger times out when month-end postings pile up", service=self.services["ledger-core"], severity=3,
            category=Category.CAPACITY, description="Three outages in nine months share the same shape.", incidents=ledger,
        )  # fmt: skip
        cause = root_causes.propose_root_cause(
            expert, recurring, statement="Posting batches take one lock per account, so month-end work queues behind single postings.",
            method=RootCause.Method.FIVE_WHYS, category=Category.CAPACITY, evidence=[i.key for i in ledger] or ["https://ci.northwind.example/ledger-core/load-test"],
        )  # fmt: skip
        root_causes.validate_root_cause(
            validator, cause, note="The lock profile of the last outage shows it."
        )
        problems.mark_known_error(
            expert,
            Problem.objects.get(pk=recurring.pk),
            workaround="Pause batch postings while the queue is above 5 000.",
        )
        settlement = problems.create_problem(
            expert, title="Settlement files are rejected after schema changes", service=self.services["acq-settle"], severity=4,
            category=Category.TESTING_GAP, description="Contract tests do not cover optional fields.",
        )  # fmt: skip
        root_causes.propose_root_cause(
            expert, settlement, statement="Contract tests run against last year's schema.", method=RootCause.Method.TIMELINE,
            category=Category.TESTING_GAP, evidence=["https://git.northwind.example/acq-settle/contracts"],
        )  # fmt: skip

    def _review(self) -> None:
        """The finished release is reviewed: facts accepted, a cause with evidence, an action with owner and day."""
        review = reviews_actions.create_review(
            self.rte, service=self.services["ledger-core"], release=self.done, reason="First release of the Program Increment",
            facilitator=self.cast.user(Role.RTE),
        )  # fmt: skip
        facts.accept_facts(self.rte, Review.objects.get(pk=review.pk))
        fact = review.facts.order_by("at").first()
        causes.add_cause(
            self.rte, Review.objects.get(pk=review.pk), statement="The window was set before support was briefed.",
            category=Category.PROCEDURE, evidence=fact,
        )  # fmt: skip
        causes.agree_causes(self.rte, Review.objects.get(pk=review.pk))
        action_items.add_action(
            self.rte, Review.objects.get(pk=review.pk), title="Brief support before the window is proposed",
            owner=self.cast.user(Role.RELEASE_MANAGER),
            due_on=self.today + timedelta(days=10), success_criteria="The next two releases have the briefing on record before submission.",
        )  # fmt: skip

    def _deploy(self, release: Release, built: tuple[tuple[str, str], ...]) -> None:
        for environment in ("staging", "production"):
            for service, version in built:
                started = now()
                record_deployment(
                    self.pipeline, service=self.services[service], environment=self.environments[environment],
                    status=Deployment.State.SUCCEEDED, version=version,
                    digest="sha256:" + hashlib.sha256(f"{service} {version} demo".encode()).hexdigest(),
                    started_at=started, finished_at=now(), release=Release.objects.get(pk=release.pk),
                    source=SOURCE, external_id=f"{release.version}-{service}-{environment}",
                )  # fmt: skip
        releases.mark_released(self.manager, Release.objects.get(pk=release.pk))

    def _release_before_the_board(self) -> None:
        """The next release: built, with one open vote, waiting for the board."""
        release = self._release(
            "26.11.0", "Instant refunds",
            ("Merchant self-service onboarding", "Balance snapshots every 15 minutes", "Velocity rules for refunds", "Passkey sign-in"),
            timedelta(days=9), 2,
        )  # fmt: skip
        for service, version, covered in (
            ("ledger-core", "8.14.0", 871),
            ("merchant-portal", "8.2.0", 838),
            ("wallet-bff", "8.41.0", 846),
        ):
            self._build(release, service, version, covered=covered)
        releases.mark_ready(self.manager, Release.objects.get(pk=release.pk))
        change = self._change(release, timedelta(days=9), 3)
        changes.vote(
            self.cast.all(Role.CAB_MEMBER)[0], change, choice=Vote.Choice.CONDITIONS,
            rationale="Sound, if support knows before customers do.", conditions="Support briefing held and recorded",
        )  # fmt: skip
        boards.schedule_meeting(self.chair, board=self.board, starts_at=now() + timedelta(days=2))
        gate_actions.evaluate_gate(self.manager, gate=self.gate, release=Release.objects.get(pk=release.pk))
