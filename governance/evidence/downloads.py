"""Handing out a package: every download is recorded, in a row of its own and in the ledger."""

from __future__ import annotations

from pathlib import Path

from governance import files
from governance.models import EvidencePackage, PackageDownload
from releasetrain.audit import ledger
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.refusals import Ref, refuse


def hand_out(actor: Actor, package: EvidencePackage) -> Path:
    """The archive's place on disk, after its download has been recorded; refuses without permission or file."""
    if not actor.may("evidence.read", package):
        refuse(
            "permission.missing",
            "You need the permission evidence.read to download evidence.",
            remedy="An organization owner can grant you a role that carries it, e.g. Auditor.",
            status=403,
        )
    if package.state != EvidencePackage.State.DONE or package.file is None:
        refuse(
            "evidence.unfinished",
            f"{package.key} is not finished.",
            remedy="Wait until it is done.",
            blocked_by=Ref.of(package),
        )
    path = files.path_of(package.file)
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
