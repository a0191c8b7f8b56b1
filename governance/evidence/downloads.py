"""Handing out a package: every download is recorded, in a row of its own and in the ledger."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import IO, Any

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


def hand_out(actor: Actor, package: EvidencePackage) -> IO[bytes]:
    """The archive to read, after its download has been recorded; refuses without permission, or without the bytes that were kept."""
    require_reading(actor, package)
    if package.state != EvidencePackage.State.DONE or package.file is None:
        refuse(
            "evidence.unfinished",
            f"{package.key} is not finished.",
            remedy="Wait until it is done.",
            blocked_by=Ref.of(package),
        )
    try:
        archive = files.opened(package.file)
    except files.Disposed as disposed:
        refuse("file.disposed", str(disposed), remedy="The package's receipt and digest stay.", status=410)
    except files.Damaged as damage:
        refuse(
            "evidence.missing", str(damage), remedy="The operator can restore it from a backup.", status=503
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
    return archive


def watermark(actor: Actor, access: AuditorAccess) -> bytes:
    """What an external auditor's copy says in the archive's comment, where it changes no evidence."""
    text = (
        f"{access.key}: this copy was handed to {actor.name} of {access.firm} on {now():%Y-%m-%d %H:%M} UTC "
        f"for: {access.purpose}. Access ends {access.ends_at:%Y-%m-%d %H:%M} UTC."
    )
    return text.encode()[:2_000]


def with_comment(archive: IO[bytes], comment: bytes) -> Iterator[bytes]:
    """The archive with a comment after its end: every byte before stays as it is, so that it verifies all the same."""
    with archive as file:
        # The last two bytes of an archive without comment say that its length is zero.
        left = file.seek(0, os.SEEK_END) - 2
        file.seek(0)
        while left and (piece := file.read(min(left, 1 << 20))):
            left -= len(piece)
            yield piece
    yield struct.pack("<H", len(comment)) + comment
