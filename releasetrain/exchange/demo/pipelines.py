"""The bank's pipelines: what scanners see of staging and production, and what differs for a known reason."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from releasetrain.kernel.clock import now
from trains.actions import environment_parity as parity
from trains.models import Environment
from trains.queries.parity import parity_of

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


def build_pipelines(bank: Bank) -> None:
    """Environments side by side."""
    _observe(bank)
    _tolerate(bank)


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
