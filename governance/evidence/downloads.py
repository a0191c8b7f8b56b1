"""Handing out a package: every download is recorded, in a row of its own and in the ledger."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from governance import files
from governance.models import AuditorAccess, EvidencePackage, PackageDownload
from releasetrain.audit import ledger
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse


def require_reading(actor: Actor, obj: Any) -> None:
    """Refuse whoever may not read evidence there."""
    if not actor.may("evidence.read", obj):
        refuse(
            "permission.missing",
            "You need the permission evidence.read to download evidence.",
            remedy="An organization owner can grant you a role that carries it, e.g. Auditor.",
            status=403,
        )


def hand_out(actor: Actor, package: EvidencePackage) -> Path:
    """The archive's place on disk, after its download has been recorded; refuses without permission or file."""
    require_reading(actor, package)
    if package.state != EvidencePackage.State.DONE or package.file is None:
        refuse(
            "evidence.unfinished",
            f"{package.key} is not finished.",
            remedy="Wait until it is done.",
            blocked_by=Ref.of(package),
        )
    path = files.path_of(package.file)
    tombstone = None if path.is_file() else files.tombstone_of(package.file)
    if tombstone:
        refuse(
            "file.disposed", tombstone.sentence, remedy="The package's receipt and digest stay.", status=410
        )
    if not path.is_file():
        refuse(
            "evidence.missing",
            "The package is missing from the file store.",
            remedy="The operator can restore it from a backup.",
            status=503,
        )
    PackageDownload.objects.create(
        package=package,
        file=package.file,
        user_id=actor.user_id,
        route=actor.route,
        address=actor.address[:64],
    )
    ledger.append(
        actor, "evidence_package.download", package, {"file": package.file.digest, "bytes": package.file.size}
    )
    return path


def watermark(actor: Actor, access: AuditorAccess) -> bytes:
    """What an external auditor's copy says in the archive's comment, where it changes no evidence."""
    text = (
        f"{access.key}: this copy was handed to {actor.name} of {access.firm} on {now():%Y-%m-%d %H:%M} UTC "
        f"for: {access.purpose}. Access ends {access.ends_at:%Y-%m-%d %H:%M} UTC."
    )
    return text.encode()[:2_000]


def with_comment(path: Path, comment: bytes) -> Iterator[bytes]:
    """The archive with a comment after its end: every byte before stays as it is, so that it verifies all the same."""
    size = path.stat().st_size
    with path.open("rb") as file:
        left = size - 2  # the last two bytes of an archive without comment say that its length is zero
        while left and (piece := file.read(min(left, 1 << 20))):
            left -= len(piece)
            yield piece
    yield struct.pack("<H", len(comment)) + comment
