"""C2SP signed notes and tree checkpoints (tlog-checkpoint): write, sign, parse and verify with Ed25519."""

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from .signing import KeyUnusable, PublicKey, Signer

ED25519 = b"\x01"
MAX_SIGNATURES = 100
_MARK = "— "
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z", re.ASCII)


class NoteError(ValueError):
    """The note is malformed, or a signature in it is wrong, or none could be verified."""


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A named public key, as written in ``name+hash+key`` form."""

    name: str
    public: PublicKey

    def __post_init__(self) -> None:
        _check_name(self.name)

    @property
    def hash(self) -> bytes:
        """The four bytes by which a signature line names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public.raw).digest()[:4]

    @property
    def text(self) -> str:
        """The key in one line, to be published."""
        return f"{self.name}+{self.hash.hex()}+{base64.b64encode(ED25519 + self.public.raw).decode()}"

    @classmethod
    def parse(cls, text: str) -> "NoteKey":
        """Read the one-line form; the hash in it must fit."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise NoteError("A verifier key has the form name+hash+key.")
        raw = _decode(parts[2])
        if raw[:1] != ED25519:
            raise NoteError("Only Ed25519 verifier keys are known.")
        try:
            key = cls(parts[0], PublicKey(raw[1:]))
        except KeyUnusable as error:
            raise NoteError(str(error)) from error
        if key.hash.hex() != parts[1]:
            raise NoteError("The hash in the verifier key does not fit the key.")
        return key


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line."""

    name: str
    key_hash: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line without its end."""
        return f"{_MARK}{self.name} {base64.b64encode(self.key_hash + self.signature).decode()}"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note: nothing in it is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @property
    def message(self) -> str:
        """The note as it is written to a file."""
        return self.text + "\n" + "".join(signature.line + "\n" for signature in self.signatures)


@dataclass(frozen=True, slots=True)
class VerifiedNote:
    """A note with at least one good signature by a known key."""

    text: str
    verified: tuple[NoteSignature, ...]
    unverified: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: its origin, its size and its root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin:
            raise NoteError("A checkpoint names its origin in one line.")
        if self.size < 0 or len(self.root) != 32:
            raise NoteError("A checkpoint has a size and a root of 32 bytes.")

    @property
    def text(self) -> str:
        """The signed part."""
        lines = [self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions]
        return "".join(line + "\n" for line in lines)

    @classmethod
    def parse(cls, text: str, origin: str | None = None) -> "Checkpoint":
        """Read the signed part; with ``origin``, refuse another log's checkpoint."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] != "":
            raise NoteError("A checkpoint has at least three lines, each ended.")
        if origin is not None and lines[0] != origin:
            raise NoteError(f"The checkpoint is of {lines[0]!r}, not of {origin!r}.")
        if not _SIZE.match(lines[1]):
            raise NoteError("The tree size is no plain decimal number.")
        if any(not line for line in lines[3:-1]):
            raise NoteError("Extension lines are not empty.")
        return cls(lines[0], int(lines[1]), _decode(lines[2]), tuple(lines[3:-1]))


def sign_note(
    text: str, signers: Iterable[tuple[str, Signer]], earlier: Iterable[NoteSignature] = ()
) -> Note:
    """Sign a text with named signers; earlier signatures by other keys are kept in front."""
    _check_text(text)
    added = []
    for name, signer in signers:
        key = NoteKey(name, signer.public)
        added.append(NoteSignature(name, key.hash, signer.sign(text.encode())))
    renewed = {(signature.name, signature.key_hash) for signature in added}
    kept = [signature for signature in earlier if (signature.name, signature.key_hash) not in renewed]
    return Note(text, (*kept, *added))


def parse_note(message: str | bytes) -> Note:
    """Split a note into its text and its signature lines, strictly."""
    if isinstance(message, bytes):
        try:
            message = message.decode()
        except UnicodeDecodeError as error:
            raise NoteError("A note is UTF-8.") from error
    if any(ord(char) < 0x20 and char != "\n" for char in message):
        raise NoteError("A note has no control characters.")
    split = message.rfind("\n\n")
    if split < 0:
        raise NoteError("A note has a blank line before its signatures.")
    text, lines = message[: split + 1], message[split + 2 :]
    if not lines.endswith("\n"):
        raise NoteError("A note has at least one signature line, each ended.")
    rows = lines[:-1].split("\n")
    if len(rows) > MAX_SIGNATURES:
        raise NoteError(f"A note has at most {MAX_SIGNATURES} signatures.")
    return Note(text, tuple(_signature(row) for row in rows))


def open_note(message: str | bytes, keys: Iterable[NoteKey]) -> VerifiedNote:
    """Verify a note: unknown keys are set aside, known ones must be right, at least one must have signed."""
    note = parse_note(message)
    known: dict[tuple[str, bytes], set[NoteKey]] = {}
    for key in keys:
        known.setdefault((key.name, key.hash), set()).add(key)
    verified: dict[tuple[str, bytes], NoteSignature] = {}
    unverified: dict[tuple[str, bytes], NoteSignature] = {}
    for signature in note.signatures:
        who = (signature.name, signature.key_hash)
        if who in verified or who in unverified:
            continue
        candidates = known.get(who, set())
        if len(candidates) > 1:
            raise NoteError(f"Two different keys are named {signature.name} with one hash.")
        if not candidates:
            unverified[who] = signature
            continue
        if not next(iter(candidates)).public.verifies(note.text.encode(), signature.signature):
            raise NoteError(f"The signature of {signature.name} is invalid.")
        verified[who] = signature
    if not verified:
        raise NoteError("The note has no signature by a known key.")
    return VerifiedNote(note.text, tuple(verified.values()), tuple(unverified.values()))


def open_checkpoint(message: str | bytes, keys: Iterable[NoteKey], origin: str | None = None) -> Checkpoint:
    """Verify a signed checkpoint and read it."""
    return Checkpoint.parse(open_note(message, keys).text, origin)


def _signature(row: str) -> NoteSignature:
    name, _, encoded = row.removeprefix(_MARK).partition(" ")
    if not row.startswith(_MARK):
        raise NoteError("A signature line begins with an em dash and a space.")
    _check_name(name)
    raw = _decode(encoded)
    if len(raw) < 5:
        raise NoteError("A signature line carries a key hash and a signature.")
    return NoteSignature(name, raw[:4], raw[4:])


def _decode(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("The text is no base64.") from error
    # One value has one form: stray bits behind the last byte would let two texts carry one signature.
    if base64.b64encode(raw).decode() != text:
        raise NoteError("The base64 text is not in its one proper form.")
    return raw


def _check_name(name: str) -> None:
    if not name or "+" in name or any(char.isspace() or unicodedata.category(char) == "Cc" for char in name):
        raise NoteError("A key name is not empty and has no space and no plus sign.")


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(ord(char) < 0x20 and char != "\n" for char in text):
        raise NoteError("A note's text ends with a line end and has no control characters.")
