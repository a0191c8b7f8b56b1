"""Packages with a real worker: kill -9 in the middle, cancelling in the middle. Nothing half-made is ever handed out."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from governance.evidence import work
from governance.models import EvidencePackage
from governance.tasks.evidence import sweep
from releasetrain.kernel.clock import now
from tests.governance.story import Story

pytestmark = pytest.mark.timeout(300)

LOCK = "LOCK TABLE governance_waiver IN ACCESS EXCLUSIVE MODE"


def until(condition: Callable[[], Any], seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.1)
    return found


def test_a_worker_killed_in_the_middle_only_delays(
    committed_db: Any, celery_worker: Any, cast: Any, superuser_connection: Any
) -> None:
    story = Story(cast)
    with superuser_connection.cursor() as held:
        held.execute(LOCK)  # the worker claims the package and then waits for the waivers it wants to read
        package = story.package()
        until(lambda: story.again(package).state == "running")
        celery_worker.kill()
    superuser_connection.rollback()
    left = story.again(package)
    assert (left.state, left.file, left.attempts) == ("running", None, 1)
    celery_worker.start()
    assert sweep(cast.organization.pk) == 0  # nobody takes it before the lease has run out
    with story.scope("auditor"):
        EvidencePackage.objects.update(claimed_until=now() - timedelta(seconds=1))
    assert sweep(cast.organization.pk) == 1
    done = until(lambda: (p := story.again(package)).state == "done" and p)
    assert done.attempts == 2
    until(lambda: not list(work.work_folder(cast.organization.pk, package.pk).parent.glob("*")))


def test_cancelling_stops_the_worker(
    committed_db: Any, celery_worker: Any, cast: Any, superuser_connection: Any
) -> None:
    from governance.actions.evidence import cancel_package, rebuild_package

    story = Story(cast)
    with superuser_connection.cursor() as held:
        held.execute(LOCK)
        package = story.package()
        until(lambda: story.again(package).state == "running")
        with story.scope("release_manager") as manager:
            cancel_package(manager, package)
        time.sleep(2.5)  # the heartbeat notices within a second
    superuser_connection.rollback()
    until(lambda: "was cancelled or taken over" in celery_worker.log())
    assert story.again(package).state == "cancelled"
    with story.scope("release_manager") as manager:
        rebuild_package(manager, story.again(package))
    assert until(lambda: (p := story.again(package)).state == "done" and p).file is not None


def test_work_is_given_up_after_three_vanished_workers(committed_db: Any, cast: Any) -> None:
    story = Story(cast)
    package = story.package()
    for _ in range(work.MOST_ATTEMPTS):
        with story.scope("auditor"):
            assert work.claim(package.pk)
            assert work.claim(package.pk) is None
            EvidencePackage.objects.update(claimed_until=now() - timedelta(seconds=1))
    assert sweep(cast.organization.pk) == 1
    left = story.again(package)
    assert (left.state, left.error) == ("failed", "No worker finished it in 3 attempts.")
