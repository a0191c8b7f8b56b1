"""The bank's pipelines: environments side by side, a plan of three teams under way, templates and where secrets lie."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from trains.actions import deployment_plans as plans
from trains.actions import environment_parity as parity
from trains.actions import pipeline_templates as templates
from trains.actions import secret_references as secrets
from trains.actions.observations import record_observations, record_pipeline_run
from trains.models import DeploymentPlan, Environment, Pipeline, PipelineTemplate, PlanStep, Release, Stage
from trains.queries.deployments import current_versions, version_running
from trains.queries.parity import parity_of
from trains.queries.pipeline_templates import file_of

if TYPE_CHECKING:
    from .bank import Bank

INFRASTRUCTURE = "https://git.northwind.example/platform/infrastructure"
# What is the same everywhere, and what each environment has of its own.
VERSIONS = {"postgres": "16.4", "kafka": "3.7.1", "kubernetes": "1.31.2", "java runtime": "21.0.5"}
SIZES = {"ledger-core memory": "4Gi", "ledger-core replicas": 6, "postgres disk": "800Gi", "kafka brokers": 5}
OWN: dict[str, dict[str, dict[str, Any]]] = {
    "test": {
        "versions": {"java runtime": "21.0.6"},
        "sizes": {"ledger-core replicas": 1, "postgres disk": "20Gi"},
    },
    "staging": {
        "versions": {"kafka": "3.8.0", "debug proxy": "2.1"},
        "sizes": {"ledger-core replicas": 2, "postgres disk": "200Gi"},
    },
    "production": {},
}
REVISIONS = {"test": "b41c09e7", "staging": "9f3e1d20", "production": "9f3e1d20"}
TOLERATED = {
    "ledger-core replicas": "Staging carries a third of the load; the load test scales it up for an hour.",
    "postgres disk": "Staging holds a masked quarter of the data.",
}

# Number, kind, service, minutes, what it waits for, title, how far it is.
STEPS: tuple[tuple[int, str, str, int, list[int], str, str], ...] = (
    (1, "manual", "", 5, [], "Tell the branches", "done"),
    (2, "schema_expand", "ledger-core", 10, [], "", "done"),
    (3, "deploy", "ledger-core", 20, [2], "", "done"),
    (4, "migrate", "ledger-core", 45, [2], "Fill the new posting columns", "running"),
    (5, "deploy", "risk-rules", 15, [3], "", "running"),
    (6, "deploy", "wallet-bff", 15, [3, 5], "", ""),
    (7, "verify", "wallet-bff", 10, [6], "Refund a cent to a test wallet", ""),
    (8, "switch", "ledger-core", 5, [4, 7], "", ""),
    (9, "schema_contract", "ledger-core", 10, [8], "", ""),
)

STAGES: list[dict[str, Any]] = [
    {"name": "Build", "run": ["make image", "make digest > out/artifact.digest"]},
    {"name": "Test", "run": ["make test"], "reports": ["out/junit.xml", "out/coverage.xml"]},
    {"name": "Scan", "run": ["make scan"], "reports": ["out/grype.json", "out/gitleaks.json"]},
    {"name": "Staging", "run": ["make deploy ENV=staging"], "gate": "staging"},
    {"name": "Smoke", "run": ["make smoke"], "required": False},
    {"name": "Production", "run": ["make deploy ENV=production"], "gate": "production"},
]
# Service, what runs its pipeline, and what became of the file: nothing, an edit, a stage gone, or no run yet.
FOLLOWERS = (
    ("ledger-core", "github", "same"),
    ("wallet-bff", "gitlab", "edited"),
    ("risk-rules", "jenkins", "scan gone"),
    ("sepa-gw", "github", "silent"),
)


def build_pipelines(bank: Bank) -> None:
    """Environments side by side, a plan, templates, secrets."""
    _observe(bank)
    _tolerate(bank)
    _plan(bank)
    _templates(bank)
    _secrets(bank)


def _observe(bank: Bank) -> None:
    sets = []
    for name, own in OWN.items():
        facts = {
            "versions": {**VERSIONS, **own.get("versions", {})},
            "sizes": {**SIZES, **own.get("sizes", {})},
            "flags": {"tls between services": True, "audit log": True, "chaos probes": name != "production"},
            "digests": {"base image": "sha256:" + hashlib.sha256(b"base image 2026-11").hexdigest()},
        }
        sets.append({"environment": name, "facts": facts})
        parity.describe_environment(
            bank.pipeline,
            Environment.objects.get(name=name),
            repository=INFRASTRUCTURE,
            path=f"environments/{name}",
            revision=REVISIONS[name],
        )
    running = current_versions()
    staging = Environment.objects.get(name="staging")
    seen = [
        {"service": name, "version": version_running(there)}
        for name, service in bank.services.items()
        if (there := running.get(service.pk, {}).get(staging.pk)) is not None
    ]
    if seen:
        record_observations(bank.pipeline, environment=staging, running=seen, source="cluster-eu-2")
    earlier = [{**each, "facts": {**each["facts"], "versions": VERSIONS}} for each in sets]
    for days, said in ((7, earlier), (0, sets)):
        parity.post_fact_sets(
            bank.pipeline,
            source="cluster scan",
            sets=said,
            observed_at=now() - timedelta(days=days, minutes=20),
        )


def _tolerate(bank: Bank) -> None:
    staging, production = (Environment.objects.get(name=n) for n in ("staging", "production"))
    for found in parity_of(staging, production, now()).found:
        reason = TOLERATED.get(found.difference.name)
        if reason:
            parity.tolerate_difference(
                bank.chair,
                staging,
                other=production,
                fingerprint=found.difference.fingerprint,
                until=now() + timedelta(days=90),
                reason=reason,
            )


def _plan(bank: Bank) -> None:
    """A rollout of three teams, half way: two steps are held by pipelines, the rest waits."""
    release = Release.objects.filter(train=bank.payments, state="deploying").first()
    plan = plans.create_plan(
        bank.manager,
        train=bank.payments,
        title="Posting columns and refunds",
        release=release,
        owner=bank.cast.user(Role.RELEASE_MANAGER),
        lease_minutes=240,
    )
    rows = [
        {
            "number": number,
            "kind": kind,
            "title": title,
            "minutes": minutes,
            "after": after,
            **({"service": service, "environment": "production"} if service else {}),
        }
        for number, kind, service, minutes, after, title, _ in STEPS
    ]
    plans.set_steps(bank.manager, plan, steps=rows)
    plans.start_plan(bank.manager, DeploymentPlan.objects.get(pk=plan.pk))
    for number, kind, service, _, _, _, outcome in STEPS:
        if not outcome:
            continue
        step = PlanStep.objects.get(plan=plan, number=number)
        if kind == "manual":
            plans.settle_step(bank.manager, step, done=True, note="All branches were told by mail.")
            continue
        run = f"https://ci.northwind.example/{service}/deploy"
        token = plans.claim_step(bank.pipeline, step, runner=run)["token"]
        said = plans.Outcome.SUCCEEDED if outcome == "done" else plans.Outcome.RUNNING
        note = "" if outcome == "done" else "A third is through."
        plans.report_step(bank.pipeline, step, token=token, outcome=said, note=note, url=run)


def _templates(bank: Bank) -> None:
    """One template in two versions, four services that follow it, each in its own way."""
    first = templates.create_template(
        bank.manager,
        name="Northwind standard",
        stages=[each for each in STAGES if each["name"] != "Scan"],
        description="Build once, test, deploy by the gates.",
    )
    template = templates.publish_version(
        bank.manager, first, stages=STAGES, description="As before, with scans of image and secrets."
    )
    for name, forge, said in FOLLOWERS:
        service = bank.services.get(name)
        if service is None:
            continue
        templates.apply_template(bank.rte, template, service=service, forge=PipelineTemplate.Forge(forge))
        if said == "silent":
            continue
        text = file_of(template, service, forge).text
        if said == "edited":
            text = text.replace("make test", "make test JOBS=4")
        elif said == "scan gone":
            text = text.replace("stage('Scan')", "stage('Package')")
        content = text.encode()
        record_pipeline_run(
            bank.pipeline,
            service=service,
            source=forge,
            external_id=f"{name}-4711",
            definition=file_of(template, service, forge).path,
            definition_digest="sha256:" + hashlib.sha256(content).hexdigest(),
            commit=hashlib.sha256(name.encode()).hexdigest()[:40],
            builder=forge,
            definition_file=Upload("definition", content),
        )


def _secrets(bank: Bank) -> None:
    """Where the deployment's secrets lie. Nobody has asked Vault yet: the demo has none."""
    users = [bank.cast.user(Role.SERVICE_ACCOUNT).email, bank.cast.user(Role.RELEASE_MANAGER).email]
    for name in ("ledger-core", "wallet-bff"):
        pipeline = Pipeline.objects.filter(service__name=name, template__isnull=False).first()
        stage = Stage.objects.filter(pipeline=pipeline, retired_at__isnull=True).order_by("-position").first()
        if stage is None:
            continue
        for secret, key, days in (("DATABASE_PASSWORD", "password", 90), ("REGISTRY_LOGIN", "login", 30)):
            secrets.create_reference(
                bank.rte,
                stage=stage,
                name=secret,
                path=f"payments/{name}/{secret.lower()}",
                key=key,
                users=users,
                rotate_days=days,
                purpose=f"The deployment of {name}.",
            )
