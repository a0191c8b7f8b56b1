"""Evidence package format: manifest, signed statement, ledger extract with proofs, a deterministic ZIP.

Layout of the archive: ``manifest.json`` (canonical JSON: what is in it), ``manifest.dsse.json`` (DSSE over an
in-toto statement whose subjects are the manifest and the files and whose predicate is the manifest),
``SHA256SUMS`` and ``SHA256SUMS.sig`` (for sha256sum and openssl), ``records.json``, ``ledger/entries.jsonl``,
``checkpoint.txt``, ``keys/*.pem``, ``README.txt``, and the files of the caller. Members are stored, not
deflated: the same facts then give the same bytes under every zlib.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from releasetrain.audit.verifier import verify as layout
from releasetrain.kernel.canonical import canonical, digest, plain

from . import dsse, intoto
from .checkpoint import Checkpoint, NoteKey, parse_note
from .merkle import leaf_hash, verify_inclusion
from .readme import readme_text
from .signing import PublicKey, Signer

_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_RESERVED = {*layout.OUTSIDE, layout.RECORDS, layout.ENTRIES, layout.CHECKPOINT, "README.txt"}


class PackageError(ValueError):
    """The package cannot be built so that it would verify."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the caller: evidence (part of the facts) or a rendering of the facts (index, PDF)."""

    path: str
    data: bytes
    media_type: str
    evidence: bool = True


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One ledger entry: its exact canonical text and the proof that it is in the tree."""

    index: int
    body: str
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class LedgerExtract:
    """Entries with their proofs against one signed checkpoint, and the keys the checkpoint is signed with."""

    checkpoint: str
    lines: Sequence[LedgerLine]
    keys: Sequence[NoteKey]


@dataclass(frozen=True, slots=True)
class Package:
    """A built package."""

    data: bytes
    manifest: Mapping[str, Any] = field(repr=False)

    @property
    def facts(self) -> str:
        """Digest of the facts: equal facts, equal digest, whenever and however the package was made."""
        return str(self.manifest["facts"])

    @property
    def sha256(self) -> str:
        """Digest of the archive."""
        return "sha256:" + hashlib.sha256(self.data).hexdigest()


def build_package(
    *,
    package_id: str,
    subject: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    files: Sequence[Member],
    ledger: LedgerExtract | None,
    signers: Sequence[Signer],
) -> Package:
    """Assemble, sign and zip a package. Each record has an ``id``; the order given does not matter."""
    if not signers:
        raise PackageError("A package needs a signer.")
    rows = _records(records)
    keys = _keys(signers, ledger)
    contents: dict[str, tuple[bytes, str, str]] = {
        layout.RECORDS: (canonical({"records": rows}), "application/json", "package"),
        "README.txt": (readme_text(package_id, keys[0]["path"]).encode(), "text/plain", "package"),
    }
    for key in keys:
        contents[key["path"]] = (key.pop("pem").encode(), "application/x-pem-file", "package")
    if ledger:
        contents[layout.CHECKPOINT] = (ledger.checkpoint.encode(), "text/plain", "package")
        contents[layout.ENTRIES] = (_entries(ledger), "application/jsonl", "package")
    for member in files:
        if not _PATH.match(member.path) or member.path in _RESERVED or member.path in contents:
            raise PackageError(f"The path {member.path!r} cannot be used or is used twice.")
        contents[member.path] = (
            member.data,
            member.media_type,
            "evidence" if member.evidence else "rendering",
        )
    manifest: dict[str, Any] = {
        "format": layout.FORMAT,
        "package": package_id,
        "subject": plain(subject),
        "files": _files(contents),
        "records": [{"id": row["id"], "digest": digest(row)} for row in rows],
        "ledger": _claims(ledger) if ledger else None,
        "keys": keys,
    }
    manifest["facts"] = layout.facts_digest(manifest)
    members = {path: data for path, (data, _, _) in contents.items()} | _signed(manifest, signers)
    return Package(build_zip(members), manifest)


def build_zip(members: Mapping[str, bytes]) -> bytes:
    """A ZIP whose bytes depend on nothing but paths and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(members):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, members[path])
    return buffer.getvalue()


def _files(contents: Mapping[str, tuple[bytes, str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "path": path,
            "sha256": hashlib.sha256(data).hexdigest(),
            "size": len(data),
            "media_type": media_type,
            "role": role,
        }
        for path, (data, media_type, role) in sorted(contents.items())
    ]


def _signed(manifest: Mapping[str, Any], signers: Sequence[Signer]) -> dict[str, bytes]:
    text = canonical(manifest)
    subjects = [intoto.Subject(layout.MANIFEST, {"sha256": hashlib.sha256(text).hexdigest()})]
    subjects += [intoto.Subject(item["path"], {"sha256": item["sha256"]}) for item in manifest["files"]]
    statement = intoto.build_statement(subjects, layout.PREDICATE_TYPE, manifest)
    envelope = dsse.sign(canonical(statement), intoto.PAYLOAD_TYPE, signers)
    sums = layout.sums_text(dict(manifest))
    return {
        layout.MANIFEST: text,
        layout.ENVELOPE: envelope.to_json(),
        layout.SUMS: sums,
        layout.SUMS_SIGNATURE: signers[0].sign(sums),
    }


def _records(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [plain(record) for record in records]
    names = [row.get("id") for row in rows]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise PackageError("Every record has an id of its own.")
    return sorted(rows, key=lambda row: str(row["id"]))


def _keys(signers: Sequence[Signer], ledger: LedgerExtract | None) -> list[dict[str, str]]:
    used = [(signer.public, "package", "") for signer in signers]
    used += [(key.public, "ledger", key.name) for key in (ledger.keys if ledger else ())]
    return [_key(public, use, name, at) for at, (public, use, name) in enumerate(used, start=1)]


def _key(public: PublicKey, use: str, name: str, at: int) -> dict[str, str]:
    return {
        "path": f"keys/{use}-{at}.pem",
        "keyid": public.keyid,
        "use": use,
        "name": name,
        "pem": public.pem,
    }


def _claims(ledger: LedgerExtract) -> dict[str, Any]:
    tree = _tree(ledger)
    entries = [{"index": line.index, "leaf": leaf_hash(line.body.encode()).hex()} for line in _lines(ledger)]
    return {"origin": tree.origin, "size": tree.size, "root": tree.root.hex(), "entries": entries}


def _entries(ledger: LedgerExtract) -> bytes:
    tree = _tree(ledger)
    rows = []
    for line in _lines(ledger):
        # A package that would not verify is not handed out: raises ProofError.
        verify_inclusion(leaf_hash(line.body.encode()), line.index, tree.size, line.proof, tree.root)
        proof = [value.hex() for value in line.proof]
        rows.append(canonical({"index": line.index, "body": line.body, "proof": proof}) + b"\n")
    return b"".join(rows)


def _lines(ledger: LedgerExtract) -> list[LedgerLine]:
    lines = sorted(ledger.lines, key=lambda line: line.index)
    if len({line.index for line in lines}) != len(lines):
        raise PackageError("A ledger entry is given twice.")
    return lines


def _tree(ledger: LedgerExtract) -> Checkpoint:
    return Checkpoint.parse(parse_note(ledger.checkpoint).text)
