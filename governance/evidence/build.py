"""Building one package: collect in one snapshot, seal, prove, render, pack, and check it before it is handed out.

Whatever is written goes to the folder given; nothing is changed in the database. What the same facts give is the same
bytes: order, dates and the checkpoint follow from the facts, never from the clock or from who asked.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from governance import files
from governance.models import DisposedFile, EvidencePackage, StoredFile
from governance.rules.oscal import Assessed
from releasetrain.audit import keys
from releasetrain.audit.rules.package import Member, Written, write_package
from releasetrain.audit.verifier import verify
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import canonical, digest, plain
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from . import collect, oscal, packing, trail
from .collect import Subject
from .overview import Overview
from .render import document
from .render.pages import Pages, who
from .render.pdf import render_pdf
from .render.words import moment
from .spool import RecordSpool
from .subjects import PERIOD, of_period

# How many ledger entries the PDF lists; all of them are in the package.
TRAIL_ON_PAPER = 120
# How many remarks the package's own page shows.
REMARKS_KEPT = 25
STYLE = Path(__file__).parent / "render" / "style.css"

Beat = Callable[[str, int, int], None]


class CannotBuild(RuntimeError):
    """The facts at hand do not make a package that would verify; the text says why."""


@dataclass(frozen=True)
class Built:
    """A package on disk, and what its row says about it."""

    path: Path
    manifest_digest: str
    facts_digest: str
    facts_at: datetime
    checkpoint_size: int
    checkpoint_root: str
    sealed_at: datetime | None
    records: int
    files: int
    entries: int
    contents: dict[str, Any]


@dataclass(frozen=True)
class _Gathered:
    subject: Subject
    overview: Overview
    records: Written
    files: list[StoredFile]
    chosen: trail.Chosen
    pages: Pages
    organization: Organization
    controls: list[Assessed]


def build(package: EvidencePackage, folder: Path, beat: Beat) -> Built:
    """Make the package that the row asks for. `beat(step, done, total)` is told how far it is, and may raise to stop it."""
    organization_id = package.organization_id
    actor = Actor.system(organization_id, f"evidence package {package.key}")
    with ExitStack() as opened:
        with _snapshot(organization_id, actor):
            gathered = _gather(package, folder, beat, opened)
        beat("Sealing the ledger", 0, 0)
        trail.wait_until_sealed(organization_id, gathered.chosen, lambda: beat("Sealing the ledger", 0, 0))
        with tenant_scope(organization_id, actor):
            return _finish(gathered, folder, beat)


def subject_of(package: EvidencePackage) -> Subject:
    """What the row is about, as it is now."""
    if package.subject_kind == PERIOD:
        assert package.starts
        assert package.ends
        return of_period(package.starts, package.ends)
    kind = collect.subject_kinds().get(package.subject_kind)
    found = kind.model._default_manager.filter(pk=package.subject_id).first() if kind else None
    if kind is None or found is None:
        raise CannotBuild(f"There is no {package.subject_kind} {package.label} any more.")
    return kind.subject(found, package.starts, package.ends)


@contextmanager
def _snapshot(organization_id: uuid.UUID, actor: Actor) -> Iterator[None]:
    """One unchanging view of the database for everything that is collected."""
    if connection.in_atomic_block:
        with tenant_scope(organization_id, actor):
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        with tenant_scope(organization_id, actor):
            yield


def _gather(package: EvidencePackage, folder: Path, beat: Beat, opened: ExitStack) -> _Gathered:
    subject = subject_of(package)
    organization = Organization.objects.get(pk=package.organization_id)
    overview = Overview()
    spool = opened.enter_context(closing(RecordSpool(folder)))
    pages = opened.enter_context(closing(Pages(folder, f"{subject.title} {subject.label}")))
    subject_id = str(subject.object.pk) if subject.object is not None else ""
    ids: dict[str, list[str]] = {}
    collectors = collect.collectors_for(subject.kind)

    def take(entry: collect.Entry) -> None:
        if spool.add(entry):
            overview.take(entry, pages.add(entry), subject_id)
            ids.setdefault(entry[0], []).append(entry[1])

    for number, collector in enumerate(collectors):
        for entry in collector.collect(subject):
            take(entry)
            if len(spool) % 100 == 0:
                beat("Collecting records", number, len(collectors))
        beat("Collecting records", number + 1, len(collectors))
    attached = list(collect.files_of(subject))
    chosen = trail.entries_about(ids)
    for person in _people(subject, chosen):
        take(person)
    return _Gathered(
        subject, overview, spool.finish(), attached, chosen, pages, organization, oscal.assessed(subject)
    )


def _people(subject: Subject, chosen: trail.Chosen) -> Iterator[collect.Entry]:
    """Everybody whom a record or a ledger entry names, so that ids can be read years later."""
    subject.describer.meet(trail.actors_of(chosen))
    mentioned = subject.describer.people
    for person in get_user_model()._default_manager.filter(pk__in=mentioned).order_by("pk"):
        yield (
            "person",
            str(person.pk),
            str(person),
            {"id": str(person.pk), "name": str(person), "kind": person.kind},
        )


def _finish(gathered: _Gathered, folder: Path, beat: Beat) -> Built:
    overview, pages, subject = gathered.overview, gathered.pages, gathered.subject
    names = {ident: name for ident, name in subject.describer.names.items() if name}
    on_paper: list[dict[str, str]] = []
    shown = 0

    def show(index: int, entry: dict[str, Any]) -> None:
        nonlocal shown
        shown += 1
        pages.add_ledger(index, entry, names)
        overview.as_of(entry["at"])
        if len(on_paper) < TRAIL_ON_PAPER:
            on_paper.append(_paper_line(index, entry, names))
        if shown % 100 == 0:
            beat("Proving ledger entries", shown, len(gathered.chosen.ids))

    beat("Proving ledger entries", 0, len(gathered.chosen.ids))
    extract = trail.extract(folder, gathered.chosen, show)
    members = _file_members(gathered.files, folder, beat)
    counts = {
        "records": len(gathered.records.index),
        "files": len(gathered.files),
        "entries": len(gathered.chosen.ids),
    }
    words = document.document(
        subject, gathered.organization.name, overview, gathered.files, on_paper, _seal(extract), counts
    )
    members += _rendered(words, gathered, folder, beat)
    members += oscal.members(
        subject,
        gathered.organization,
        gathered.controls,
        {row["id"]: row["digest"] for row in gathered.records.index},
        overview.facts_at,
    )
    beat("Packing and signing", 0, 0)
    signers = [keys.signer()]
    target = folder / "package.zip"
    with target.open("wb") as file:
        manifest = write_package(
            file,
            package_id=_name(gathered),
            subject={**subject.named, "organization": gathered.organization.slug},
            records=gathered.records,
            files=members,
            ledger=extract.ledger,
            signers=signers,
        )
    beat("Verifying", 0, 0)
    _verify(folder, target)
    head = extract.checkpoint
    return Built(
        path=target,
        manifest_digest=digest(manifest),
        facts_digest=manifest["facts"],
        facts_at=overview.facts_at,
        checkpoint_size=head.size if head else 0,
        checkpoint_root=bytes(head.root).hex() if head else "",
        sealed_at=head.signed_at if head else None,
        records=counts["records"],
        files=len(manifest["files"]),
        entries=counts["entries"],
        contents={
            "sections": [
                [section["title"], section["total"]] for section in words["sections"] if section["total"]
            ],
            "remarks": [[r["title"], r["text"]] for r in words["remarks"][:REMARKS_KEPT]],
            "keys": [signer.public.keyid for signer in signers],
            "remark_count": len(words["remarks"]) + words["remarks_left_out"],
        },
    )


def _rendered(words: dict[str, Any], gathered: _Gathered, folder: Path, beat: Beat) -> list[Member]:
    """Index, pages, PDF, and the verifier: for people, and not part of the facts."""
    beat("Writing pages", 0, 0)
    gathered.pages.close()
    found = [Member(path, file, "text/html", evidence=False) for path, file in gathered.pages.files()]
    found.append(Member(packing.STYLE, STYLE, "text/css", evidence=False))
    found.append(Member(packing.INDEX, document.index_html(words).encode(), "text/html", evidence=False))
    found.append(Member(packing.VERIFIER, Path(verify.__file__), "text/x-python", evidence=False))
    beat("Setting the PDF", 0, 0)
    pdf = render_pdf(folder, document.for_paper(words), gathered.overview.facts_at)
    found.append(Member(packing.PDF, pdf, "application/pdf", evidence=False))
    return found


def _file_members(stored: list[StoredFile], folder: Path, beat: Beat) -> list[Member]:
    """The reports, each checked against the digest it was stored under."""
    found = []
    for number, file in enumerate(stored, start=1):
        beat("Checking reports", number, len(stored))
        tombstone = None if files.there(file) else files.tombstone_of(file)
        if tombstone:
            found.append(Member(packing.path_of_tombstone(file), _certified(tombstone), "application/json"))
            continue
        try:
            content = files.fetched(file, folder)
        except (files.Damaged, files.Disposed) as error:
            raise CannotBuild(f"The report {error}") from error
        found.append(Member(packing.path_of_file(file), content, file.media_type))
    return found


def _certified(tombstone: DisposedFile) -> bytes:
    """What stands in a package for a report that was disposed of after its retention."""
    return canonical(
        {
            "digest": tombstone.digest,
            "size": tombstone.size,
            "disposed_at": plain(tombstone.disposed_at),
            "disposal": tombstone.disposal.key,
            "certificate": tombstone.disposal.certificate_digest,
        }
    )


def _verify(folder: Path, package: Path) -> None:
    """Nothing is handed out that the stand-alone verifier, run as a reader would run it, does not find intact."""
    command = [sys.executable, "-I", "-S", verify.__file__, str(package)]
    # The checkpoint may be older than the present key, so every key that was ever published counts.
    for number, key in enumerate(keys.public_keys()):
        pem = folder / f"key-{number}.pem"
        pem.write_text(key.pem)
        command += ["--key", str(pem)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBuild(f"The package does not verify: {(done.stdout or done.stderr)[:1000]}")


def _name(gathered: _Gathered) -> str:
    """The package's name: of its subject, not of the request, so that the same facts give the same bytes."""
    subject = gathered.subject
    about = getattr(subject.object, "key", "") or subject.label
    return f"{gathered.organization.slug} {subject.kind} {about}"


def _paper_line(index: int, entry: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    return {
        "index": str(index),
        "at": moment(entry["at"]),
        "who": who(entry, names),
        "verb": entry["verb"],
        "subject": entry["subject"]["label"],
    }


def _seal(extract: trail.Extract) -> list[tuple[str, str]]:
    signer = keys.signer().public
    if extract.ledger is None or extract.checkpoint is None:
        return [("Signed with key", signer.keyid)]
    head = extract.checkpoint
    return [
        ("Ledger", extract.ledger.checkpoint.split("\n", 1)[0]),
        ("Sealed at", moment(head.signed_at)),
        ("Entries under the seal", str(head.size)),
        ("Root", bytes(head.root).hex()),
        ("Signed with key", signer.keyid),
    ]
