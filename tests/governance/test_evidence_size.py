"""A large package: time, and memory that does not grow with what is packed.

RELEASETRAIN_EVIDENCE_RECORDS sets the number of records (docs/ledger-and-verification.md has figures for 10 000).
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from releasetrain.kernel.clock import now
from tests.governance.story import Story

RECORDS = int(os.environ.get("RELEASETRAIN_EVIDENCE_RECORDS", "1500"))

pytestmark = pytest.mark.timeout(900)

# The worker's part in a process of its own, so that its peak memory is its own.
WORKER = """
import sys, time, uuid
import django; django.setup()
from governance.evidence.work import work_off
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) // 1024
started, before = time.monotonic(), peak()
assert work_off(uuid.UUID(sys.argv[1]), uuid.UUID(sys.argv[2]))
print(f"{time.monotonic() - started:.1f} {before} {peak()}")
"""


def test_a_large_package_is_built_in_time(committed_db: Any, cast: Any) -> None:
    story = Story(cast)
    _fill(story, RECORDS)
    package = story.package()
    environment = committed_db.environment() | {"DJANGO_SETTINGS_MODULE": "releasetrain.settings"}
    command = [sys.executable, "-c", WORKER, str(cast.organization.pk), str(package.pk)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    seconds, before, after = done.stdout.split()
    built = story.again(package)
    print(
        f"\n{built.record_count} records, {built.entry_count} ledger entries, {built.file.size >> 20} MiB:"
        f" {seconds} s, {before} MiB before, {after} MiB at most"
    )
    assert built.record_count > RECORDS
    assert float(seconds) < 60
    assert int(after) - int(before) < 200


def _fill(story: Story, records: int) -> None:
    """Deployments with history and a ledger entry each, until there are so many records."""
    from releasetrain.audit import ledger
    from releasetrain.audit.history import bulk_create_tracked
    from trains.models import Deployment

    with story.scope("service_account") as pipeline:
        rows = [
            Deployment(
                service=story.service,
                environment=story.test,
                release=story.release,
                version=f"5.2.{number}",
                state="succeeded",
                outcome="succeeded",
                started_at=now() - timedelta(minutes=number),
                finished_at=now() - timedelta(minutes=number) + timedelta(seconds=50),
                source="bulk",
                external_id=f"bulk-{number}",
            )
            for number in range(records)
        ]
        for row in bulk_create_tracked(rows):
            ledger.append(pipeline, "deployment.record", row, {"params": {"version": row.version}})
