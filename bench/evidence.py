"""Building and verifying the evidence package of the demo's finished release, and one of ten thousand records."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

from .figures import Figure, Observation, Result, median, milliseconds
from .installation import Installation

TITLE = "Evidence package"
ROUNDS = 3
RECORDS = 10_000
SECONDS = 60.0
# What a package of many records may need beyond what one of hardly any needs.
MEMORY = 100

# The worker's part in a process of its own, so that its peak memory is its own.
_WORKER = """
import sys, time, uuid
import django; django.setup()
from governance.evidence.work import work_off
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024
started, before = time.monotonic(), peak()
assert work_off(uuid.UUID(sys.argv[1]), uuid.UUID(sys.argv[2]))
print(f"{time.monotonic() - started:.1f} {before} {peak()}")
"""


def measure(installation: Installation) -> list[Result]:
    from governance import files
    from governance.actions.evidence import request_package
    from governance.evidence import checking, work
    from governance.models import EvidencePackage
    from releasetrain.audit.verifier import verify
    from releasetrain.kernel.actor import Actor
    from releasetrain.tenancy.models import Organization
    from releasetrain.tenancy.scope import tenant_scope
    from trains.models import Release

    organization = Organization.objects.get(slug="northwind")
    actor = Actor.system(organization.pk, "bench")
    building, checked, alone = [], [], []
    for _ in range(ROUNDS):
        with tenant_scope(organization.pk, actor):
            package = request_package(actor, release=Release.objects.get(version="26.10.0"))
        started = time.perf_counter()
        if not work.work_off(organization.pk, package.pk):
            raise RuntimeError("The package was not built.")
        building.append(time.perf_counter() - started)
        with tenant_scope(organization.pk, actor):
            package = EvidencePackage.objects.get(pk=package.pk)
            started = time.perf_counter()
            if not checking.check(package).intact:
                raise RuntimeError("The package does not verify.")
            checked.append(time.perf_counter() - started)
            assert package.file
            path = files.path_of(package.file)
        started = time.perf_counter()
        # As an auditor runs it: the verifier alone, its own process. It ends with 2 because no key is given to trust.
        subprocess.run([sys.executable, "-I", verify.__file__, str(path)], check=False, capture_output=True)
        alone.append(time.perf_counter() - started)
    counts = f"{package.record_count:,} records, {package.file_count:,} files, {package.entry_count:,} ledger entries, {path.stat().st_size:,} bytes"
    return [
        Observation("Built, checks included", milliseconds(median(building)), counts),
        Observation("Verified by the product", milliseconds(median(checked))),
        Observation("Verified by the stand-alone verifier, its start included", milliseconds(median(alone))),
        *_large(),
    ]


def _large() -> list[Result]:
    """A release with ten thousand deployments, each with its history and its ledger entry."""
    from governance import files
    from governance.actions.evidence import request_package
    from governance.models import EvidencePackage
    from releasetrain.audit.verifier import verify
    from releasetrain.kernel.actor import Actor
    from releasetrain.tenancy.models import Organization
    from releasetrain.tenancy.scope import tenant_scope
    from trains.models import Release

    organization = Organization.objects.get(slug="northwind")
    actor = Actor.system(organization.pk, "bench")
    with tenant_scope(organization.pk, actor):
        release = Release.objects.filter(version="26.10.0").get()
        _fill(actor, release)
    with tenant_scope(organization.pk, actor):
        package = request_package(actor, release=release)
    command = [sys.executable, "-c", _WORKER, str(organization.pk), str(package.pk)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, before, most = map(float, done.stdout.split())
    with tenant_scope(organization.pk, actor):
        package = EvidencePackage.objects.get(pk=package.pk)
        assert package.file
        path = files.path_of(package.file)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", verify.__file__, str(path)], check=True, capture_output=True)
    alone = time.perf_counter() - started
    counts = f"{package.record_count:,} records, {package.entry_count:,} ledger entries, {path.stat().st_size >> 20} MiB"
    return [
        Figure(
            "A package of ten thousand records, built and checked",
            f"{seconds:.1f} s",
            f"{SECONDS:.0f} s",
            seconds / SECONDS,
            1.0,
            note=counts,
        ),
        Figure(
            "… the most memory beyond what the worker began with",
            f"{most - before:.0f} MiB",
            f"{MEMORY} MiB",
            (most - before) / MEMORY,
            1.0,
            note=f"{before:.0f} MiB before, {most:.0f} MiB at most",
        ),
        Observation("… verified by the stand-alone verifier", f"{alone:.1f} s"),
    ]


def _fill(actor: Any, release: Any) -> None:
    from releasetrain.audit import ledger
    from releasetrain.audit.history import bulk_create_tracked
    from releasetrain.kernel.clock import now
    from trains.models import Deployment, Environment, Service

    service = Service.objects.filter(train=release.train).order_by("name").first()
    place = Environment.objects.order_by("rank").first()
    assert service
    assert place
    rows = [
        Deployment(
            service=service,
            environment=place,
            release=release,
            version=f"9.{number}",
            state="succeeded",
            outcome="succeeded",
            started_at=now() - timedelta(minutes=number),
            finished_at=now() - timedelta(minutes=number) + timedelta(seconds=50),
            source="bench",
            external_id=f"bench-{number}",
        )
        for number in range(RECORDS)
    ]
    for row in bulk_create_tracked(rows):
        ledger.append(actor, "deployment.record", row, {"params": {"version": row.version}})
