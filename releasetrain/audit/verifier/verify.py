#!/usr/bin/env python3
"""Stand-alone verifier of evidence packages: one file, nothing but Python's own library, no network.

    python3 verify.py package.zip [--key public.pem ...]

Exit code 0 when the package is intact, 1 when it is not, 2 when the command line is wrong. Every problem is
named. Without --key the signatures are checked with the keys found inside the package, which shows that
nothing was damaged, but not who made it: compare the printed fingerprints with those published by the
organization, or give the keys you already trust. With --key only those count; a file may hold several, and
where package and log have different keys, both must be given.

Get this file from somewhere else than the package: a verifier that travels with the evidence proves nothing.

What is not covered: bytes of the ZIP container that carry no content (times, attributes, comments).
"""

import argparse
import base64
import binascii
import contextlib
import hashlib
import json
import math
import re
import stat
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORMAT = "releasetrain-evidence/1"
PREDICATE_TYPE = "urn:releasetrain:evidence-package:v1"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

MANIFEST, ENVELOPE = "manifest.json", "manifest.dsse.json"
SUMS, SUMS_SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
RECORDS, ENTRIES, CHECKPOINT = "records.json", "ledger/entries.jsonl", "checkpoint.txt"
# These carry the manifest, so it cannot list them; each is checked in its own way.
OUTSIDE = (MANIFEST, ENVELOPE, SUMS, SUMS_SIGNATURE)

MAX_MEMBERS = 20_000
MAX_MEMBER = 2 << 30
MAX_TOTAL = 8 << 30
MAX_IN_MEMORY = 256 << 20
MAX_RATIO = 200
CHUNK = 1 << 20

_SAFE_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    UnicodeError,
    ValueError,
)


class Broken(ValueError):
    """A check failed; the text names what and where."""


# --- Ed25519 (RFC 8032, verification only) ------------------------------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

Point = tuple[int, int, int, int]


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message is by the public key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key = _decompress(public)
    scalar = int.from_bytes(signature[32:], "little")
    # A scalar beyond the group order would give one signature several forms.
    if key is None or scalar >= _L:
        return False
    hashed = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(hashed, "little") % _L
    minus_key = (_P - key[0], key[1], key[2], _P - key[3])
    return _compress(_add(_multiply(scalar, _BASE), _multiply(challenge, minus_key))) == signature[:32]


def _add(a: Point, b: Point) -> Point:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    g, h = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    x, y, z, t = f - e, h - g, h + g, f + e
    return x * y % _P, z * t % _P, y * z % _P, x * t % _P


def _multiply(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _compress(point: Point) -> bytes:
    inverse = pow(point[2], _P - 2, _P)
    x, y = point[0] * inverse % _P, point[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decompress(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE: Point = _decompress((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))  # type: ignore[assignment]


# --- Canonical JSON (RFC 8785) ------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """The one byte form of a JSON value."""
    try:
        return "".join(_written(value)).encode()
    except UnicodeError as error:
        raise Broken("A text is no valid Unicode.") from error


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for number, key in enumerate(sorted(value, key=lambda name: name.encode("utf-16-be"))):
            yield ("," if number else "") + json.dumps(key, ensure_ascii=False) + ":"
            yield from _written(value[key])
        yield "}"
    elif isinstance(value, list):
        yield "["
        for number, item in enumerate(value):
            if number:
                yield ","
            yield from _written(item)
        yield "]"
    elif isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**53):
        # JSON numbers are doubles: a whole number beyond 2^53 is one that was written without its exponent.
        yield _number(value)
    else:
        yield json.dumps(value, ensure_ascii=False)


def _number(number: float) -> str:
    """A double as ECMAScript writes it."""
    try:
        value = float(number)
    except OverflowError as error:
        raise Broken("A number is not finite.") from error
    if not math.isfinite(value):
        raise Broken("A number is not finite.")
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # Where the decimal point stands, counted from the first digit that is not zero.
    point = len(digits) - len(fraction) + int(exponent or 0)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        text = digits + "0" * (point - count)
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if count > 1 else "") + f"e{point - 1:+d}"
    return "-" + text if value < 0 else text


def _load(data: bytes, where: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise Broken(f"{where}: a key appears twice.")
        return dict(pairs)

    try:
        return json.loads(data.decode(), object_pairs_hook=once)
    except Broken:
        raise
    except (ValueError, RecursionError) as error:
        raise Broken(f"{where}: is no readable JSON.") from error


# --- Merkle tree (RFC 6962) and signed note (C2SP) ----------------------------------------------------------


def leaf_hash(data: bytes) -> bytes:
    """Hash of one log entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise Broken unless the proof leads from the leaf to the root."""
    if not 0 <= index < size:
        raise Broken(f"index {index} is outside a log of {size} entries")
    position, last, current = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Broken("the proof is too long")
        if len(sibling) != 32:
            raise Broken("a hash in the proof has not 32 bytes")
        if position & 1 or position == last:
            current = hashlib.sha256(b"\x01" + sibling + current).digest()
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            current = hashlib.sha256(b"\x01" + current + sibling).digest()
        position, last = position >> 1, last >> 1
    if last:
        raise Broken("the proof is too short")
    if current != root:
        raise Broken("the proof does not lead to the root")


@dataclass(frozen=True)
class SignedNote:
    """A note split into its text and its (name, key hash, signature) lines."""

    text: str
    signatures: list[tuple[str, bytes, bytes]]

    @property
    def tree(self) -> tuple[str, int, bytes]:
        """Origin, size and root of a checkpoint."""
        lines = self.text.split("\n")
        if len(lines) < 4 or not lines[0] or not re.match(r"(0|[1-9][0-9]{0,18})\Z", lines[1]):
            raise Broken(f"{CHECKPOINT}: is no checkpoint.")
        root = _base64(lines[2], CHECKPOINT)
        if len(root) != 32:
            raise Broken(f"{CHECKPOINT}: the root has not 32 bytes.")
        return lines[0], int(lines[1]), root


def parse_note(data: bytes) -> SignedNote:
    """Read a signed note strictly."""
    try:
        message = data.decode()
    except UnicodeDecodeError as error:
        raise Broken(f"{CHECKPOINT}: is not UTF-8.") from error
    split = message.rfind("\n\n")
    if split < 0 or not message.endswith("\n") or len(message) == split + 2:
        raise Broken(f"{CHECKPOINT}: has no signature lines.")
    signatures = []
    for line in message[split + 2 : -1].split("\n"):
        name, _, encoded = line.removeprefix("— ").partition(" ")
        raw = _base64(encoded, CHECKPOINT)
        if not line.startswith("— ") or not name or len(raw) < 5:
            raise Broken(f"{CHECKPOINT}: a signature line is malformed.")
        signatures.append((name, raw[:4], raw[4:]))
    return SignedNote(message[: split + 1], signatures)


def _base64(text: Any, where: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
        proper = base64.b64encode(raw).decode() == text
    except (binascii.Error, TypeError, ValueError) as error:
        raise Broken(f"{where}: a value is no base64.") from error
    if not proper:
        raise Broken(f"{where}: a base64 value is not in its proper form.")
    return raw


# --- Keys ---------------------------------------------------------------------------------------------------

_SPKI = bytes.fromhex("302a300506032b6570032100")


@dataclass(frozen=True)
class Key:
    """An Ed25519 public key."""

    raw: bytes

    @classmethod
    def from_pem(cls, data: bytes, where: str) -> "Key":
        """Read a PEM file."""
        found = re.fullmatch(
            rb"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*", data
        )
        der = _base64(b"".join(found.group(1).split()).decode(), where) if found else b""
        if len(der) != 44 or not der.startswith(_SPKI):
            raise Broken(f"{where}: is no PEM file of an Ed25519 public key.")
        return cls(der[12:])

    @classmethod
    def all_from_pem(cls, data: bytes, where: str) -> "list[Key]":
        """Read a PEM file of one key or several, as an organization publishes its present and former ones."""
        blocks = re.findall(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", data, re.DOTALL)
        return [cls.from_pem(block, where) for block in blocks or [data]]

    @property
    def keyid(self) -> str:
        """SHA-256 of the DER form, as ``openssl pkey -pubin -outform DER | sha256sum`` prints it."""
        return hashlib.sha256(_SPKI + self.raw).hexdigest()

    def note_hash(self, name: str) -> bytes:
        """The key's hash in a signed note under this name."""
        return hashlib.sha256(name.encode() + b"\n\x01" + self.raw).digest()[:4]

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's."""
        return ed25519_verify(self.raw, message, signature)


# --- The archive --------------------------------------------------------------------------------------------


class Archive:
    """A ZIP file read with suspicion: no traversal, no links, no duplicates, bounded sizes."""

    def __init__(self, path: str) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except _ZIP_ERRORS as error:
            raise Broken(f"The file is no readable ZIP archive: {error}.") from error
        entries = self._zip.infolist()
        if len(entries) > MAX_MEMBERS:
            raise Broken(f"The archive has more than {MAX_MEMBERS} files.")
        self.members: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            self._admit(entry)
        if sum(entry.file_size for entry in entries) > MAX_TOTAL:
            raise Broken("The archive unpacks to more than is accepted.")

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def _admit(self, entry: zipfile.ZipInfo) -> None:
        name = entry.filename
        if not _SAFE_PATH.match(name) or entry.orig_filename != name:
            raise Broken(f"The archive has an unsafe path: {name!r}.")
        if name in self.members:
            raise Broken(f"{name}: is in the archive twice.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise Broken(f"{name}: is a link.")
        if entry.flag_bits & 1:
            raise Broken(f"{name}: is encrypted.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Broken(f"{name}: is compressed in an unknown way.")
        if entry.file_size > MAX_MEMBER or entry.file_size > CHUNK + MAX_RATIO * max(entry.compress_size, 1):
            raise Broken(f"{name}: unpacks to more than is accepted.")
        self.members[name] = entry

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content piece by piece; never more than the directory declares."""
        if name not in self.members:
            raise Broken(f"{name}: is missing.")
        read = 0
        try:
            with self._zip.open(self.members[name]) as stream:
                while piece := stream.read(CHUNK):
                    read += len(piece)
                    if read > self.members[name].file_size:
                        raise Broken(f"{name}: is longer than declared.")
                    yield piece
        except Broken:
            raise
        except _ZIP_ERRORS as error:
            raise Broken(f"{name}: cannot be read: {error}.") from error

    def digest(self, name: str) -> tuple[str, int]:
        """SHA-256 and size of a member."""
        hashed, size = hashlib.sha256(), 0
        for piece in self.chunks(name):
            hashed.update(piece)
            size += len(piece)
        return hashed.hexdigest(), size

    def read(self, name: str) -> bytes:
        """The whole member, which must be of a size that fits in memory."""
        if name in self.members and self.members[name].file_size > MAX_IN_MEMORY:
            raise Broken(f"{name}: is too large to be read whole.")
        return b"".join(self.chunks(name))


# --- The checks ---------------------------------------------------------------------------------------------


@dataclass
class Report:
    """What was found."""

    problems: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class _Package:
    """The checks of one package, in the order in which trust is built."""

    def __init__(self, archive: Archive, pinned: Sequence[Key]) -> None:
        self.archive = archive
        self.pinned = {key.keyid: key for key in pinned}
        self.inside: dict[str, Key] = {}
        self.report = Report()
        self.manifest: dict[str, Any] = {}
        self.tree: tuple[str, int, bytes] = ("", 0, b"")

    def problem(self, text: str) -> None:
        if text not in self.report.problems:
            self.report.problems.append(text)

    def attempt(self, *steps: Any) -> None:
        for step in steps:
            try:
                step()
            except Broken as error:
                self.problem(str(error))

    def run(self) -> Report:
        try:
            envelope = self.open_envelope()
        except Broken as error:
            self.problem(str(error))
            return self.report
        self.attempt(self.read_keys, lambda: self.check_envelope(envelope), self.check_manifest)
        self.attempt(
            self.check_files, self.check_facts, self.check_records, self.check_ledger, self.check_sums
        )
        return self.report

    @property
    def known(self) -> dict[str, Key]:
        return {**self.inside, **self.pinned}

    def open_envelope(self) -> dict[str, Any]:
        """Read the signed statement; the manifest inside it is what everything else is compared with."""
        data = self.archive.read(ENVELOPE)
        body = _load(data, ENVELOPE)
        if not isinstance(body, dict) or set(body) != {"payload", "payloadType", "signatures"}:
            raise Broken(f"{ENVELOPE}: is no DSSE envelope.")
        if canonical(body) != data:
            raise Broken(f"{ENVELOPE}: is not in canonical form.")
        payload = _base64(body["payload"], ENVELOPE)
        statement = _load(payload, ENVELOPE)
        if (
            body["payloadType"] != PAYLOAD_TYPE
            or not isinstance(statement, dict)
            or statement.get("_type") != STATEMENT_TYPE
            or statement.get("predicateType") != PREDICATE_TYPE
        ):
            raise Broken(f"{ENVELOPE}: carries no statement about an evidence package.")
        self.manifest = _manifest(statement.get("predicate"))
        listed = [
            {"name": item["path"], "digest": {"sha256": item["sha256"]}} for item in self.manifest["files"]
        ]
        digest = hashlib.sha256(canonical(self.manifest)).hexdigest()
        if statement.get("subject") != [{"name": MANIFEST, "digest": {"sha256": digest}}, *listed]:
            self.problem(f"{ENVELOPE}: the subjects are not the files of the manifest.")
        return {"message": _pae(payload), "signatures": body["signatures"]}

    def read_keys(self) -> None:
        """Read the public keys that the package carries."""
        for item in self.manifest["keys"]:
            path = item["path"]
            try:
                key = Key.from_pem(self.archive.read(path), path)
            except Broken as error:
                self.problem(str(error))
                continue
            if key.keyid != item["keyid"]:
                self.problem(f"{path}: is not the key that the manifest names.")
                continue
            self.inside[key.keyid] = key

    def check_envelope(self, envelope: dict[str, Any]) -> None:
        """Every signature must be good, and with pinned keys at least one must be theirs."""
        rows = envelope["signatures"]
        if not isinstance(rows, list) or not rows:
            raise Broken(f"{ENVELOPE}: has no signature.")
        good = set()
        for row in rows:
            if not isinstance(row, dict) or set(row) != {"keyid", "sig"} or not isinstance(row["keyid"], str):
                raise Broken(f"{ENVELOPE}: a signature is malformed.")
            key = self.known.get(row["keyid"])
            if key is None:
                self.problem(f"{ENVELOPE}: the key {row['keyid']} that signed it is missing.")
            elif not key.verifies(envelope["message"], _base64(row["sig"], ENVELOPE)):
                self.problem(f"{ENVELOPE}: the signature by key {key.keyid} is wrong.")
            else:
                good.add(key.keyid)
        if self.pinned and not good & set(self.pinned):
            raise Broken(f"{ENVELOPE}: is not signed by any key given with --key.")
        for keyid in sorted(good):
            source = (
                "given with --key"
                if keyid in self.pinned
                else "found in the package: compare it with the published one"
            )
            self.report.facts.append(f"signed by key {keyid} ({source})")

    def check_manifest(self) -> None:
        if self.archive.read(MANIFEST) != canonical(self.manifest):
            raise Broken(f"{MANIFEST}: is not the manifest that was signed.")

    def check_files(self) -> None:
        """Every listed file is there with its bytes, and no other file is."""
        listed = {item["path"]: item for item in self.manifest["files"]}
        if len(listed) != len(self.manifest["files"]):
            self.problem(f"{MANIFEST}: lists a file twice.")
        for name in sorted(set(self.archive.members) - set(listed) - set(OUTSIDE)):
            self.problem(f"{name}: was inserted; the manifest does not list it.")
        for name, item in listed.items():
            try:
                found = self.archive.digest(name)
            except Broken as error:
                text = str(error)
                self.problem(text.replace("is missing", "was removed; the manifest lists it"))
                continue
            if found != (item["sha256"], item["size"]):
                self.problem(f"{name}: was altered; its digest is not the one in the manifest.")
        self.report.facts.append(f"{len(listed)} files")

    def check_facts(self) -> None:
        if facts_digest(self.manifest) != self.manifest["facts"]:
            raise Broken(f"{MANIFEST}: the digest of the facts does not fit.")

    def check_records(self) -> None:
        """Name every record that was altered, removed, inserted or moved."""
        body = _load(self.archive.read(RECORDS), RECORDS)
        rows = body.get("records") if isinstance(body, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
            raise Broken(f"{RECORDS}: is no list of records.")
        claimed = {item["id"]: item["digest"] for item in self.manifest["records"]}
        seen = set()
        for row in rows:
            name = str(row["id"])
            if name not in claimed or name in seen:
                self.problem(f"{RECORDS}: the record {name} was inserted.")
            elif "sha256:" + hashlib.sha256(canonical(row)).hexdigest() != claimed[name]:
                self.problem(f"{RECORDS}: the record {name} was altered.")
            seen.add(name)
        for name in claimed:
            if name not in seen:
                self.problem(f"{RECORDS}: the record {name} was removed.")
        self.report.facts.append(f"{len(rows)} records")

    def check_ledger(self) -> None:
        """The checkpoint is signed, and every claimed entry is there, unchanged and proved."""
        ledger = self.manifest["ledger"]
        if ledger is None:
            return
        note = parse_note(self.archive.read(CHECKPOINT))
        self.attempt(lambda: self.check_note(note))
        self.tree = origin, size, root = note.tree
        if (origin, size, root.hex()) != (ledger["origin"], ledger["size"], ledger["root"]):
            self.problem(f"{CHECKPOINT}: is not the checkpoint that the manifest names.")
        claimed = {item["index"]: item["leaf"] for item in ledger["entries"]}
        seen: set[int] = set()
        for number, line in enumerate(self.archive.read(ENTRIES).split(b"\n")[:-1], start=1):
            try:
                seen.add(self.check_entry(line, f"{ENTRIES} line {number}", claimed, seen))
            except Broken as error:
                self.problem(str(error))
        for index in claimed:
            if index not in seen:
                self.problem(f"{ENTRIES}: the ledger entry {index} was removed or is unreadable.")
        self.report.facts.append(
            f"{len(seen)} ledger entries in the log {origin} of {size} entries, root {root.hex()}"
        )

    def check_note(self, note: SignedNote) -> None:
        good = set()
        for name, key_hash, signature in note.signatures:
            for key in self.known.values():
                if key.note_hash(name) != key_hash:
                    continue
                if not key.verifies(note.text.encode(), signature):
                    raise Broken(f"{CHECKPOINT}: the signature of {name} is wrong.")
                good.add(key.keyid)
        if not good:
            raise Broken(f"{CHECKPOINT}: the key that signed it is missing.")
        if self.pinned and not good & set(self.pinned):
            raise Broken(f"{CHECKPOINT}: is not signed by any key given with --key.")

    def check_entry(self, line: bytes, where: str, claimed: dict[int, str], seen: set[int]) -> int:
        row = _load(line, where)
        if (
            not isinstance(row, dict)
            or set(row) != {"index", "body", "proof"}
            or not isinstance(row["body"], str)
        ):
            raise Broken(f"{where}: is no ledger entry.")
        index = row["index"]
        if type(index) is not int or index not in claimed or index in seen:
            raise Broken(f"{where}: the ledger entry {index!r} was inserted.")
        leaf = leaf_hash(row["body"].encode(errors="surrogatepass"))
        if leaf.hex() != claimed[index]:
            self.problem(f"{where}: the ledger entry {index} was altered.")
        _, size, root = self.tree
        try:
            check_inclusion(leaf, index, size, [bytes.fromhex(value) for value in row["proof"]], root)
        except (Broken, TypeError, ValueError) as error:
            self.problem(f"{where}: the proof of ledger entry {index} is wrong: {error}.")
        return index

    def check_sums(self) -> None:
        """The list for sha256sum says the same, and its plain signature for openssl is good."""
        sums = self.archive.read(SUMS)
        if sums != sums_text(self.manifest):
            self.problem(f"{SUMS}: does not list what the manifest lists.")
        signature = self.archive.read(SUMS_SIGNATURE)
        if not any(key.verifies(sums, signature) for key in self.known.values()):
            raise Broken(f"{SUMS_SIGNATURE}: is no signature over {SUMS} by a known key.")


def facts_digest(manifest: dict[str, Any]) -> str:
    """Digest over what the package is evidence of, whatever it looks like and whenever it was proved."""
    ledger = manifest["ledger"] or {"entries": []}
    facts = {
        "subject": manifest["subject"],
        "records": [[item["id"], item["digest"]] for item in manifest["records"]],
        "ledger": [[item["index"], item["leaf"]] for item in ledger["entries"]],
        "files": [[item["path"], item["sha256"]] for item in manifest["files"] if item["role"] == "evidence"],
    }
    return "sha256:" + hashlib.sha256(canonical(facts)).hexdigest()


def sums_text(manifest: dict[str, Any]) -> bytes:
    """The lines for ``sha256sum -c``: the manifest and every file it lists."""
    rows = [(hashlib.sha256(canonical(manifest)).hexdigest(), MANIFEST)]
    rows += [(item["sha256"], item["path"]) for item in manifest["files"]]
    return "".join(f"{digest}  {path}\n" for digest, path in rows).encode()


def _pae(payload: bytes) -> bytes:
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


_SHAPES: dict[str, dict[str, type]] = {
    "files": {"path": str, "sha256": str, "size": int, "media_type": str, "role": str},
    "records": {"id": str, "digest": str},
    "keys": {"path": str, "keyid": str, "use": str, "name": str},
}
_LEDGER_SHAPE: dict[str, type] = {"origin": str, "size": int, "root": str, "entries": list}


def _manifest(value: Any) -> dict[str, Any]:
    """The manifest with every field of the type it must have."""
    keys = {"format", "package", "subject", "facts", "files", "records", "ledger", "keys"}
    if not isinstance(value, dict) or set(value) != keys or value["format"] != FORMAT:
        raise Broken(f"{ENVELOPE}: the manifest in it is not of the format {FORMAT}.")
    for name, shape in _SHAPES.items():
        _rows(value[name], shape)
    ledger = value["ledger"]
    if ledger is not None:
        _rows([ledger], _LEDGER_SHAPE)
        _rows(ledger["entries"], {"index": int, "leaf": str})
    return value


def _rows(rows: Any, shape: dict[str, type]) -> None:
    if not isinstance(rows, list):
        raise Broken(f"{ENVELOPE}: the manifest in it has a wrong form.")
    for row in rows:
        if not isinstance(row, dict) or {name: type(item) for name, item in row.items()} != shape:
            raise Broken(f"{ENVELOPE}: the manifest in it has a wrong form.")


def verify(path: str, keys: Sequence[Key] = ()) -> Report:
    """Check a package; the report names every problem."""
    try:
        with contextlib.closing(Archive(path)) as archive:
            return _Package(archive, keys).run()
    except (Broken, RecursionError) as error:
        return Report([str(error)])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Verify an evidence package offline.")
    parser.add_argument("package", help="the ZIP file")
    parser.add_argument(
        "--key", action="append", default=[], metavar="PEM", help="public keys you trust (repeatable)"
    )
    options = parser.parse_args(arguments)
    keys = []
    for path in options.key:
        try:
            keys += Key.all_from_pem(Path(path).read_bytes(), path)
        except (OSError, Broken) as error:
            print(f"verify: {error}", file=sys.stderr)
            return 2
    report = verify(options.package, keys)
    print("INTACT" if report.intact else f"NOT INTACT: {len(report.problems)} problem(s)")
    for line in report.problems or report.facts:
        print(f"- {line}")
    return 0 if report.intact else 1


if __name__ == "__main__":
    sys.exit(main())
