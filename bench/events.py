"""Events by the batch: signed requests of CDEvents over a real web server, and the rate at which they are acted upon."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from .figures import AT_LEAST, Figure, Observation, Result
from .installation import Installation

TITLE = "Events in"
PER_SECOND = 2_000
EVENTS, SUSTAINED, BATCH, SENDERS = 20_000, 150_500, 500, 4
_VERBS = ("artifact.register", "deployment.record", "result.post")
_SECRET = "the secret of a throw-away sender"
# What a pipeline says of one build: most of it is kept, three of ten are acted upon.
_CHAIN = (
    "pipelinerun.queued", "pipelinerun.started", "build.started", "build.finished", "artifact.packaged",
    "testsuiterun.started", "testsuiterun.finished", "taskrun.finished", "service.deployed", "pipelinerun.finished",
)  # fmt: skip


def measure(installation: Installation) -> list[Result]:
    path, services, environment = _source()
    batches = list(_batches(EVENTS, services, environment))
    with installation.web() as port:
        _send(port, path, batches[:1])
        alone = _rate(port, path, batches[1:])
    acted, seconds = _act()
    more = list(_batches(SUSTAINED, services, environment))
    with installation.web() as port, installation.worker(), installation.scheduler():
        _send(port, path, more[:1])
        _settle()
        acts = -_entries()
        used, began = installation.processor_seconds(), time.monotonic()
        together = _rate(port, path, more[1:])
        accepted = time.monotonic()
        left = _settle()
        behind, whole = time.monotonic() - accepted, time.monotonic() - began
        used = installation.processor_seconds() - used
        acts += _entries()
    count = SUSTAINED - BATCH
    each = used / count
    if left:
        raise RuntimeError(f"After ten minutes the chain is not at its end: {left}.")
    return [
        Figure(
            "Processor time of the whole chain, until every consumer stands at the ledger's end",
            f"{each * 1_000:.2f} s for 1,000 events: two processors carry {2 / each:,.0f} events/s",
            f"{PER_SECOND:,} events/s",
            2 / each / PER_SECOND,
            1.0,
            AT_LEAST,
            f"Of web server, workers, scheduler, database and cache, for {count:,} events ({BATCH} a request, {SENDERS} senders) that became"
            f" {acts:,} deployments, builds and results with as many ledger entries, until no event waited, every consumer of the ledger had"
            " read its last entry, outbox, roll-ups and index of search were empty of work, and the ledger was sealed. On a machine that is"
            " shared it is the figure that means something.",
        ),
        Figure(
            "Batch endpoint alone",
            f"{alone:,.0f} events/s",
            f"{PER_SECOND:,} events/s",
            alone / PER_SECOND,
            1.0,
            AT_LEAST,
            "Each request is proved, its events are checked and committed with their text before it is answered.",
        ),
        Observation("… while workers act upon them on the same processors", f"{together:,.0f} events/s"),
        Figure(
            "From the first request until the whole chain is done, by the clock",
            f"{count / whole:,.0f} events/s",
            f"{PER_SECOND:,} events/s",
            count / whole / PER_SECOND,
            1.0,
            AT_LEAST,
            f"{count:,} events in {whole:.0f} s, of which the installation had {used / whole:.2f} of the two processors; the search is"
            " indexed every 5 s and the ledger sealed every 15 s.",
        ),
        Observation(
            "Acting upon events, one process (three of ten become artifacts, results, deployments)",
            f"{acted / seconds:,.0f} events/s ({acted:,} in {seconds:.0f} s)",
        ),
        Observation(
            f"… the workers are done after the last of {SUSTAINED:,} was accepted",
            f"{behind:.0f} s",
        ),
    ]


def _inside() -> Any:
    from releasetrain.kernel.actor import Actor
    from releasetrain.tenancy.models import Organization
    from releasetrain.tenancy.scope import tenant_scope

    organization = Organization.objects.get(slug="northwind")
    return tenant_scope(organization.pk, Actor.system(organization.pk, "bench"))


def _entries() -> int:
    from releasetrain.audit.models import LedgerEntry

    with _inside():
        return LedgerEntry.objects.filter(verb__in=_VERBS).count()


def _source() -> tuple[str, list[str], str]:
    from releasetrain.exchange.actions.events import connect
    from releasetrain.kernel.actor import Actor
    from trains.models import Environment, Service

    with _inside() as scope:
        made = connect(
            Actor.system(scope.organization_id, "bench"),
            name=f"bench {uuid.uuid4()}",
            kind="cdevents",
            secret=_SECRET,
        )
        services = list(Service.objects.order_by("name").values_list("name", flat=True)[:20])
        place = Environment.objects.exclude(kind="production").values_list("name", flat=True)[0]
    return "/" + made["address"].split("/", 3)[3], services, place


def _batches(count: int, services: list[str], environment: str) -> Iterator[bytes]:
    start, events = datetime.now(UTC) - timedelta(days=2), []
    for number in range(count):
        build, step = divmod(number, len(_CHAIN))
        events.append(_event(build, _CHAIN[step], services[build % len(services)], environment, start))
        if len(events) == BATCH:
            yield json.dumps(events).encode()
            events = []


def _event(build: int, kind: str, service: str, environment: str, start: datetime) -> dict[str, Any]:
    at = (start + timedelta(seconds=build)).isoformat()
    digest = f"sha256%3A{uuid.uuid5(uuid.NAMESPACE_OID, f'{start}{build}').hex * 2}"
    purl = f"pkg:oci/{service}@{digest}?tag=0.{start:%H%M%S}.{build}"
    content: dict[str, Any] = {"environment": {"id": environment}}
    if kind == "service.deployed":
        content["artifactId"] = purl
    if kind.startswith("testsuiterun"):
        content |= {"outcome": "success", "testSuite": {"id": "unit"}}
    context = {
        "version": "0.4.1",
        "id": str(uuid.uuid4()),
        "source": "/bench",
        "type": f"dev.cdevents.{kind}.0.2.0",
        "timestamp": at,
        "chainId": f"{start:%H%M%S}-{build}",
    }
    return {
        "context": context,
        "subject": {"id": purl if kind.startswith("artifact") else service, "content": content},
    }


def _rate(port: int, path: str, batches: list[bytes]) -> float:
    began = time.monotonic()
    threads = [
        threading.Thread(target=_send, args=(port, path, batches[sender::SENDERS]))
        for sender in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(batches) * BATCH / (time.monotonic() - began)


def _send(port: int, path: str, batches: list[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Host": "localhost", "Content-Type": "application/json", "Authorization": f"Bearer {_SECRET}"}
    for batch in batches:
        connection.request("POST", path, batch, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 202 or json.loads(said)["new"] != BATCH:
            raise RuntimeError(f"{answer.status}: {said[:300]!r}")
    connection.close()


def _act() -> tuple[int, float]:
    from releasetrain.exchange.acting import act_on_due
    from releasetrain.tenancy.models import Organization

    organization = Organization.objects.get(slug="northwind")
    began = time.monotonic()
    return act_on_due(organization.pk), time.monotonic() - began


def _settle() -> str:
    """Wait until nothing is waiting; returns what is after all, if it takes too long."""
    began = time.monotonic()
    while (left := _waiting()) and time.monotonic() - began < 600:
        time.sleep(1)
    return left


def _waiting() -> str:
    """What the chain has not reached yet: the first of its steps where something waits, empty when all is done."""
    with _inside():
        return next((what for what, waits in _STEPS.items() if waits()), "")


def _events() -> bool:
    from releasetrain.exchange.models import InboundEvent

    return InboundEvent.objects.filter(state="received").exists()


def _consumers() -> bool:
    """Entries that some consumer listens to and has not been given."""
    from django.db.models import Q

    from releasetrain.audit.models import ConsumerCursor, LedgerEntry
    from releasetrain.audit.subscriptions import subscriptions

    cursors = {c.consumer: c for c in ConsumerCursor.objects.all()}
    for each in subscriptions():
        wanted, cursor = each.wanted(), cursors.get(each.name)
        rows = LedgerEntry.objects.all() if wanted is None else LedgerEntry.objects.filter(wanted)
        if cursor:
            rows = rows.filter(Q(xid=cursor.xid, id__gt=cursor.entry_id) | Q(xid__gt=cursor.xid))
        if wanted is not None and rows.exists():
            return True
    return False


def _outbox() -> bool:
    from releasetrain.exchange.models import WebhookDelivery

    return WebhookDelivery.objects.filter(state="waiting", due_at__lte=datetime.now(UTC)).exists()


def _roll_ups() -> bool:
    from metrics.models import Touched

    return Touched.objects.exists()


def _index() -> bool:
    from releasetrain.interface.models import SearchNote

    return SearchNote.objects.exists()


def _seal() -> bool:
    from releasetrain.audit.models import LedgerEntry
    from releasetrain.audit.sealing import latest_checkpoint

    last = latest_checkpoint()
    return LedgerEntry.objects.filter(xid__gte=last.horizon if last else 0).exists()


_STEPS = {
    "events": _events,
    "consumers of the ledger": _consumers,
    "outbox": _outbox,
    "roll-ups": _roll_ups,
    "index of search": _index,
    "seal of the ledger": _seal,
}
