"""Working off packages under a lease: claimed, kept alive by a heartbeat, written only by whoever still holds it.

The claim is committed before anything is read, so an attempt counts even if the worker dies in the next moment. A thread
of its own renews the lease and writes the progress that the page shows. Who cancels, or takes over from a worker that
was taken for dead, changes the row; the heartbeat notices and the old worker stops without writing.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q

from governance import files
from governance.models import EvidencePackage
from releasetrain.audit import ledger
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.kernel.filestore import answering, store
from releasetrain.kernel.ids import uuid7
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.scope import tenant_scope

from .build import Built, build

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 3
# While the file store is away a package waits: twice as long each time, at most this.
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=2)
AWAY = 503
_PULSE = 1.0
_State = EvidencePackage.State


class Abandoned(RuntimeError):
    """The package was cancelled, or another worker has taken it over."""


def work_off(organization_id: uuid.UUID, package_id: uuid.UUID) -> bool:
    """Build the package if there is work and nobody else is at it; True when it was finished here."""
    actor = Actor.system(organization_id, "evidence package")
    with tenant_scope(organization_id, actor):
        lease = claim(package_id)
        package = EvidencePackage.objects.get(pk=package_id) if lease else None
    if lease is None or package is None:
        return False
    ours = work_folder(organization_id, package_id)
    # A folder for each attempt: a worker that was wrongly taken for dead tidies up after itself, and not after us.
    folder = ours / str(lease)
    try:
        shutil.rmtree(ours, ignore_errors=True)
        folder.mkdir(parents=True)
        ask_store(organization_id)
        with Heartbeat(organization_id, package_id, lease) as heart:
            built = build(package, folder, heart.beat)
        with tenant_scope(organization_id, actor):
            return settle(actor, package_id, lease, built)
    except Abandoned:
        log.info("evidence package %s was cancelled or taken over", package_id)
        return False
    except Exception as error:
        with tenant_scope(organization_id, actor):
            if isinstance(error, Refused) and error.status == AWAY:
                log.warning("evidence package %s waits: %s", package_id, error)
                wait(package_id, lease, str(error))
            else:
                log.exception("evidence package %s failed", package_id)
                stumble(actor, package_id, lease, f"{type(error).__name__}: {error}"[:2000])
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # another attempt has begun there, or has ended
            ours.rmdir()


def work_folder(organization_id: uuid.UUID, package_id: uuid.UUID) -> Path:
    """Where a package is made; on the file system of the store, so that keeping it is a rename."""
    return Path(settings.VAR) / "files" / str(organization_id) / "building" / str(package_id)


def ask_store(organization_id: uuid.UUID) -> None:
    """Refuse before the work begins if what it makes could not be kept. Nothing lies under the name asked for."""
    with answering():
        store().there(f"{organization_id}/is-there-a-store")


def claim(package_id: uuid.UUID) -> uuid.UUID | None:
    """Take the work if it is free: queued, or left by a worker whose lease has run out. Compare-and-set."""
    moment, lease = now(), uuid7()
    taken = (
        _free(moment)
        .filter(pk=package_id, attempts__lt=MOST_ATTEMPTS)
        .update(
            state=_State.RUNNING,
            lease=lease,
            claimed_until=moment + LEASE,
            attempts=F("attempts") + 1,
            started_at=moment,
            step="Starting",
            done=0,
            total=0,
            error="",
            waiting_for="",
            tries_again_at=None,
        )
    )
    return lease if taken else None


def settle(actor: Actor, package_id: uuid.UUID, lease: uuid.UUID, built: Built) -> bool:
    """Keep the archive and finish the row if the lease still stands; False when it does not."""
    package = EvidencePackage.objects.get(pk=package_id)
    stored = files.keep_path(built.path, name=package.file_name, media_type="application/zip")
    written = _held(package_id, lease).update(
        state=_State.DONE,
        file=stored,
        manifest_digest=built.manifest_digest,
        facts_digest=built.facts_digest,
        facts_at=built.facts_at,
        checkpoint_size=built.checkpoint_size,
        checkpoint_root=built.checkpoint_root,
        sealed_at=built.sealed_at,
        record_count=built.records,
        file_count=built.files,
        entry_count=built.entries,
        contents=built.contents,
        finished_at=now(),
        claimed_until=None,
        step="",
        done=0,
        total=0,
        waits=0,
    )
    if not written:
        log.warning("evidence package %s was taken over by another worker; this one is dropped", package_id)
        return False
    payload = {
        "file": stored.digest,
        "bytes": stored.size,
        "manifest": built.manifest_digest,
        "facts": built.facts_digest,
    }
    payload |= {
        "facts_at": plain(built.facts_at),
        "checkpoint": {"size": built.checkpoint_size, "root": built.checkpoint_root},
    }
    ledger.append(actor, "evidence_package.finish", package, payload)
    return True


def stumble(actor: Actor, package_id: uuid.UUID, lease: uuid.UUID, error: str) -> None:
    """Note why an attempt failed; the sweeper tries again, unless this was the last attempt."""
    package = EvidencePackage.objects.get(pk=package_id)
    if package.attempts >= MOST_ATTEMPTS:
        if _held(package_id, lease).update(
            state=_State.FAILED, error=error, finished_at=now(), claimed_until=None, step=""
        ):
            ledger.append(
                actor, "evidence_package.fail", package, {"error": error, "attempts": package.attempts}
            )
    else:
        _held(package_id, lease).update(
            state=_State.QUEUED, error=error, claimed_until=None, step="Waiting to try again"
        )


def wait(package_id: uuid.UUID, lease: uuid.UUID, why: str) -> None:
    """The file store is away: wait for it as long as it takes, without using up an attempt."""
    package = EvidencePackage.objects.get(pk=package_id)
    _held(package_id, lease).update(
        state=_State.QUEUED,
        step="Waiting for the file store",
        error=why,
        waiting_for="storage",
        waits=min(package.waits + 1, 1000),
        tries_again_at=now() + pause(package.waits),
        attempts=package.attempts - 1,
        claimed_until=None,
        done=0,
        total=0,
    )


def pause(waits: int) -> timedelta:
    """How long to wait after so many waits."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(waits, 10))


def give_up(actor: Actor, package_id: uuid.UUID) -> bool:
    """End work whose workers vanished as often as is borne."""
    error = f"No worker finished it in {MOST_ATTEMPTS} attempts."
    given_up = (
        _free(now())
        .filter(pk=package_id, attempts__gte=MOST_ATTEMPTS)
        .update(state=_State.FAILED, error=error, finished_at=now(), claimed_until=None, step="")
    )
    if given_up:
        package = EvidencePackage.objects.get(pk=package_id)
        ledger.append(actor, "evidence_package.fail", package, {"error": error, "attempts": package.attempts})
    return bool(given_up)


def overdue(older_than: timedelta) -> list[tuple[uuid.UUID, int]]:
    """Work that nobody is at: (id, attempts) of what waits longer than this or whose worker has vanished."""
    moment = now()
    waiting = Q(state=_State.QUEUED, requested_at__lte=moment - older_than) & _due(moment)
    left = Q(state=_State.RUNNING, claimed_until__lte=moment)
    return list(
        EvidencePackage.objects.filter(waiting | left)
        .order_by("requested_at")
        .values_list("pk", "attempts")[:100]
    )


def tidy(organization_id: uuid.UUID) -> None:
    """Remove what workers that died have left behind."""
    at_work = EvidencePackage.objects.filter(state__in=[_State.QUEUED, _State.RUNNING]).values_list(
        "pk", flat=True
    )
    wanted = {str(package_id) for package_id in at_work}
    building = work_folder(organization_id, organization_id).parent
    for folder in building.iterdir() if building.is_dir() else ():
        if folder.name not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


class Heartbeat:
    """Renews the lease and writes the progress, every second, on a connection of its own."""

    def __init__(self, organization_id: uuid.UUID, package_id: uuid.UUID, lease: uuid.UUID) -> None:
        self._organization_id, self._package_id, self._lease = organization_id, package_id, lease
        self._progress: tuple[str, int, int] = ("Starting", 0, 0)
        self._lost = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evidence-heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._end.set()
        self._thread.join()

    def beat(self, step: str, done: int, total: int) -> None:
        """Say how far the work is; raises Abandoned when it is no longer ours."""
        self._progress = (step, done, total)
        if self._lost.is_set():
            raise Abandoned

    def _run(self) -> None:
        actor = Actor.system(self._organization_id, "evidence package")
        try:
            while not self._end.wait(_PULSE):
                step, done, total = self._progress
                try:
                    with tenant_scope(self._organization_id, actor):
                        rows = _held(self._package_id, self._lease)
                        held = rows.update(step=step, done=done, total=total, claimed_until=now() + LEASE)
                except Exception:  # the database is away for a moment; the lease outlives many pulses
                    log.warning(
                        "the heartbeat of evidence package %s missed a pulse", self._package_id, exc_info=True
                    )
                    connection.close()
                    continue
                if not held:
                    self._lost.set()
                    return
        finally:
            connection.close()


def _held(package_id: uuid.UUID, lease: uuid.UUID) -> Any:
    return EvidencePackage.objects.filter(pk=package_id, state=_State.RUNNING, lease=lease)


def _free(moment: datetime) -> Any:
    return EvidencePackage.objects.filter(
        Q(state=_State.QUEUED) & _due(moment) | Q(state=_State.RUNNING, claimed_until__lte=moment)
    )


def _due(moment: datetime) -> Q:
    return Q(tries_again_at__isnull=True) | Q(tries_again_at__lte=moment)
