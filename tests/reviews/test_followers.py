"""Followers of the ledger, through the ledger itself: what is committed is heard once and changes nothing twice."""

from __future__ import annotations

import time
from typing import Any

from .conftest import HOUR, Reviewing


def test_a_committed_failure_opens_a_review_and_a_fix_is_observed(
    committed_db: Any, cast: Any, within: Any
) -> None:
    from problems.models import ObservationWindow
    from releasetrain.audit.consumption import consume
    from releasetrain.audit.models import DeadLetter
    from reviews.models import Review

    with within(cast, "rte"):
        world = Reviewing(cast, None)
        world.rule()
        world.deploy("5.1.0", status="failed", service=world.web)
        problem, release = world.problem(), world.release()
        world.link(problem, release)
    moment = world.now - HOUR
    with within(cast, "rte"):
        world.deploy("5.2.0", release=release, started_at=moment, finished_at=moment)
    # The server's own maintenance may hold a transaction id for a moment.
    deadline, observed = time.monotonic() + 10, False
    while not observed and time.monotonic() < deadline:
        with within(cast, "rte"):
            consume(cast.organization.pk)
            assert not DeadLetter.objects.exists()
            observed = ObservationWindow.objects.exists()
    with within(cast, "rte"):
        assert [str(r.service) for r in Review.objects.all()] == ["web"]
        assert ObservationWindow.objects.get().problem == problem
