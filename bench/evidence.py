"""Building and verifying the evidence package of the demo's finished release."""

from __future__ import annotations

import subprocess
import sys
import time

from .figures import Observation, Result, median, milliseconds
from .installation import Installation

TITLE = "Evidence package"
ROUNDS = 3


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
    ]
