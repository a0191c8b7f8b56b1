"""Can this version go into that environment? Answered from what is recorded there now, with the reasons."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from releasetrain.kernel.clock import now
from trains.models import Contract, ContractVerification, ContractVersion, Environment, Service
from trains.rules.contracts import Pair, Reason, Side, judge

from .compatibility import Standing, running_versions, standings


@dataclass(frozen=True)
class ContractReason:
    """What one contract says of the planned version."""

    contract: Contract
    pair: Pair
    reason: Reason
    verification: ContractVerification | None


@dataclass
class Answer:
    """Whether the planned versions can go into the environment, and why."""

    environment: Environment
    planned: dict[Service, str]
    at: datetime
    contracts: list[ContractReason] = field(default_factory=list)
    ranges: list[Standing] = field(default_factory=list)

    @property
    def deployable(self) -> bool:
        blocked = any(c.reason.blocks for c in self.contracts) or any(r.judgement.blocks for r in self.ranges)
        return not blocked

    @property
    def reasons(self) -> list[tuple[str, str, str]]:
        """(verdict, sentence, remedy), what blocks first."""
        said = [(c.reason.verdict, c.reason.sentence, c.reason.remedy) for c in self.contracts]
        said += [(r.verdict, r.sentence, r.remedy) for r in self.ranges]
        order = {"broken": 0, "violated": 0, "unknown": 1, "ok": 2, "idle": 3}
        return sorted(said, key=lambda s: order[s[0]])

    @property
    def summary(self) -> str:
        what = ", ".join(f"{s.name} {v}" for s, v in self.planned.items()) or "Nothing"
        if not self.deployable:
            blocking = [s for v, s, _ in self.reasons if v in ("broken", "violated", "unknown")]
            more = f" ({len(blocking) - 1} more)" if len(blocking) > 1 else ""
            return f"{what} cannot go into {self.environment}: {blocking[0]}{more}"
        if not any(v == "ok" for v, _, _ in self.reasons):
            return (
                f"{what} can go into {self.environment}: no contract and no declared range concerns it there."
            )
        return f"{what} can go into {self.environment}: every contract and declared range holds."


def can_deploy(environment: Environment, planned: Mapping[Service, str]) -> Answer:
    """Judge versions that are to arrive together in an environment, against all that runs there."""
    answer = Answer(environment, dict(planned), now())
    by_id = {service.pk: version for service, version in planned.items()}
    answer.ranges = standings(environment, by_id, {s.pk: s for s in planned})
    rows = Contract.objects.filter(retired_at__isnull=True).filter(
        Q(consumer__in=list(by_id)) | Q(provider__in=list(by_id))
    )
    contracts = list(rows.select_related("consumer", "provider"))
    if contracts:
        involved = {c.consumer_id for c in contracts} | {c.provider_id for c in contracts}
        there = {**running_versions(involved).get(environment.pk, {}), **by_id}
        answer.contracts = _judged(contracts, there, set(by_id))
    return answer


def _judged(
    contracts: list[Contract], there: Mapping[uuid.UUID, str], planned: set[uuid.UUID]
) -> list[ContractReason]:
    expected = _expectations(contracts, there)
    verified = _verifications(contracts, there, expected)
    found = []
    for contract in contracts:
        side: Side = "consumer" if contract.consumer_id in planned else "provider"
        pair = Pair(
            side,
            contract.name,
            contract.consumer.name,
            contract.provider.name,
            there.get(contract.consumer_id),
            there.get(contract.provider_id),
        )
        digest = expected.get(contract.pk)
        verification = verified.get(contract.pk)

        def result(last: ContractVerification | None = verification) -> bool | None:
            return last.success if last else None

        found.append(
            ContractReason(
                contract, pair, judge(pair, expected=digest is not None, verified=result), verification
            )
        )
    return found


def _expectations(contracts: list[Contract], there: Mapping[uuid.UUID, str]) -> dict[uuid.UUID, str]:
    """Contract id → digest of what the consumer's version expects."""
    versions = {c.pk: there[c.consumer_id] for c in contracts if c.consumer_id in there}
    rows = ContractVersion.objects.filter(
        contract__in=list(versions), consumer_version__in=set(versions.values())
    )
    return {
        contract: digest
        for contract, version, digest in rows.values_list("contract_id", "consumer_version", "content_digest")
        if versions[contract] == version
    }


def _verifications(
    contracts: list[Contract], there: Mapping[uuid.UUID, str], expected: Mapping[uuid.UUID, str]
) -> dict[uuid.UUID, ContractVerification]:
    """Contract id → the latest run of the provider's version against what is expected."""
    providers = {c.pk: there[c.provider_id] for c in contracts if c.pk in expected and c.provider_id in there}
    rows = ContractVerification.objects.filter(
        contract__in=list(providers),
        content_digest__in={expected[pk] for pk in providers},
        provider_version__in=set(providers.values()),
    )
    latest = rows.order_by(
        "contract_id", "content_digest", "provider_version", "-reported_at", "-id"
    ).distinct("contract_id", "content_digest", "provider_version")
    return {
        v.contract_id: v
        for v in latest.defer("failing")
        if (v.content_digest, v.provider_version) == (expected[v.contract_id], providers[v.contract_id])
    }
