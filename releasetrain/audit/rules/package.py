"""Evidence package format: manifest, signed statement, ledger extract with proofs, a deterministic ZIP.

Layout of the archive: ``manifest.json`` (canonical JSON: what is in it), ``manifest.dsse.json`` (DSSE over an
in-toto statement whose subjects are the manifest and the files and whose predicate is the manifest),
``SHA256SUMS`` and ``SHA256SUMS.sig`` (for sha256sum and openssl), ``records.json``, ``ledger/entries.jsonl``,
``checkpoint.txt``, ``keys/*.pem``, ``README.txt``, and the files of the caller. Members are stored, not
deflated: the same facts then give the same bytes under every zlib.

`build_package` works in memory. `write_package` takes large parts as files already written row by row
(`record_row`, `entry_row`), so that memory does not grow with what is packed.
"""

import hashlib
import io
import re
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from releasetrain.audit.verifier import verify as layout
from releasetrain.kernel.canonical import canonical, plain

from . import dsse, intoto
from .checkpoint import Checkpoint, NoteKey, parse_note
from .merkle import leaf_hash, verify_inclusion
from .readme import readme_text
from .signing import PublicKey, Signer

_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_RESERVED = {*layout.OUTSIDE, layout.RECORDS, layout.ENTRIES, layout.CHECKPOINT, "README.txt"}
_CHUNK = 1 << 20

# A part of the archive: its bytes, or the file that holds them.
Content = bytes | Path


class PackageError(ValueError):
    """The package cannot be built so that it would verify."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the caller: evidence (part of the facts) or a rendering of the facts (index, PDF)."""

    path: str
    data: Content
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
class Written:
    """A part written row by row, in order: its content, and what the manifest says of each row."""

    content: Content
    index: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class WrittenLedger:
    """Ledger entries already written and proved against the checkpoint (see `entry_row`)."""

    checkpoint: str
    entries: Written
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
    target = io.BytesIO()
    manifest = write_package(
        target,
        package_id=package_id,
        subject=subject,
        records=_records(records),
        files=files,
        ledger=_ledger(ledger) if ledger else None,
        signers=signers,
    )
    return Package(target.getvalue(), manifest)


def write_package(
    target: BinaryIO,
    *,
    package_id: str,
    subject: Mapping[str, Any],
    records: Written,
    files: Iterable[Member],
    ledger: WrittenLedger | None,
    signers: Sequence[Signer],
) -> dict[str, Any]:
    """Write a package of parts that may lie in files; returns its manifest."""
    if not signers:
        raise PackageError("A package needs a signer.")
    keys = _keys(signers, ledger)
    contents: dict[str, tuple[Content, str, str]] = {
        layout.RECORDS: (records.content, "application/json", "package"),
        "README.txt": (readme_text(package_id, keys[0]["path"]).encode(), "text/plain", "package"),
    }
    for key in keys:
        contents[key["path"]] = (key.pop("pem").encode(), "application/x-pem-file", "package")
    if ledger:
        contents[layout.CHECKPOINT] = (ledger.checkpoint.encode(), "text/plain", "package")
        contents[layout.ENTRIES] = (ledger.entries.content, "application/jsonl", "package")
    for member in files:
        if not _PATH.match(member.path) or member.path in _RESERVED or member.path in contents:
            raise PackageError(f"The path {member.path!r} cannot be used or is used twice.")
        role = "evidence" if member.evidence else "rendering"
        contents[member.path] = (member.data, member.media_type, role)
    manifest: dict[str, Any] = {
        "format": layout.FORMAT,
        "package": package_id,
        "subject": plain(subject),
        "files": _files(contents),
        "records": list(records.index),
        "ledger": _claims(ledger) if ledger else None,
        "keys": keys,
    }
    manifest["facts"] = layout.facts_digest(manifest)
    members: dict[str, Content] = {path: data for path, (data, _, _) in contents.items()}
    write_zip(target, members | _signed(manifest, signers))
    return manifest


def record_row(record: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
    """A record as it stands in ``records.json``, and its line in the manifest."""
    row = canonical(record)
    return row, {"id": record["id"], "digest": "sha256:" + hashlib.sha256(row).hexdigest()}


def write_records(target: BinaryIO, rows: Iterable[bytes]) -> None:
    """``records.json`` of rows in the order of their ids: the canonical form of one object around them."""
    target.write(b'{"records":[')
    for number, row in enumerate(rows):
        target.write(b"," + row if number else row)
    target.write(b"]}")


def entry_row(line: LedgerLine, tree: Checkpoint) -> tuple[bytes, dict[str, Any]]:
    """An entry as it stands in ``ledger/entries.jsonl``, and its line in the manifest.

    A package that would not verify is not handed out: raises ProofError.
    """
    leaf = leaf_hash(line.body.encode())
    verify_inclusion(leaf, line.index, tree.size, line.proof, tree.root)
    row = {"index": line.index, "body": line.body, "proof": [value.hex() for value in line.proof]}
    return canonical(row) + b"\n", {"index": line.index, "leaf": leaf.hex()}


def tree_of(checkpoint: str) -> Checkpoint:
    """What a signed checkpoint commits to; its signature is not looked at."""
    return Checkpoint.parse(parse_note(checkpoint).text)


def build_zip(members: Mapping[str, Content]) -> bytes:
    """A ZIP whose bytes depend on nothing but paths and contents."""
    buffer = io.BytesIO()
    write_zip(buffer, members)
    return buffer.getvalue()


def write_zip(target: BinaryIO, members: Mapping[str, Content]) -> None:
    """The same into a file, piece by piece."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(members):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            data = members[path]
            if isinstance(data, bytes):
                archive.writestr(entry, data)
                continue
            entry.file_size = data.stat().st_size
            with data.open("rb") as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, _CHUNK)


def _files(contents: Mapping[str, tuple[Content, str, str]]) -> list[dict[str, Any]]:
    found = []
    for path, (data, media_type, role) in sorted(contents.items()):
        digest, size = _digest(data)
        found.append({"path": path, "sha256": digest, "size": size, "media_type": media_type, "role": role})
    return found


def _digest(data: Content) -> tuple[str, int]:
    if isinstance(data, bytes):
        return hashlib.sha256(data).hexdigest(), len(data)
    with data.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest(), source.tell()


def _signed(manifest: Mapping[str, Any], signers: Sequence[Signer]) -> dict[str, Content]:
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


def _records(records: Sequence[Mapping[str, Any]]) -> Written:
    names = [record.get("id") for record in records]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise PackageError("Every record has an id of its own.")
    rows = [record_row(record) for record in sorted(records, key=lambda record: str(record["id"]))]
    content = io.BytesIO()
    write_records(content, (row for row, _ in rows))
    return Written(content.getvalue(), [index for _, index in rows])


def _ledger(ledger: LedgerExtract) -> WrittenLedger:
    lines = sorted(ledger.lines, key=lambda line: line.index)
    if len({line.index for line in lines}) != len(lines):
        raise PackageError("A ledger entry is given twice.")
    tree = tree_of(ledger.checkpoint)
    rows = [entry_row(line, tree) for line in lines]
    written = Written(b"".join(row for row, _ in rows), [index for _, index in rows])
    return WrittenLedger(ledger.checkpoint, written, ledger.keys)


def _keys(signers: Sequence[Signer], ledger: WrittenLedger | None) -> list[dict[str, str]]:
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


def _claims(ledger: WrittenLedger) -> dict[str, Any]:
    tree = tree_of(ledger.checkpoint)
    entries = list(ledger.entries.index)
    return {"origin": tree.origin, "size": tree.size, "root": tree.root.hex(), "entries": entries}
