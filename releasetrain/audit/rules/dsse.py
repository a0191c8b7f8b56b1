"""DSSE envelopes: pre-authentication encoding, signing and threshold verification.

Signatures are made and checked with ``cryptography`` directly. securesystemslib was looked at and left out:
it tries a signature only with the key whose ``keyid`` it names, although that hint is not authenticated and
may be absent. Here it only orders the tries, and what counts is how many different keys really signed.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from releasetrain.kernel.canonical import canonical

from .signing import PublicKey, Signer

# Our own packages are Ed25519; provenance that build systems post is mostly ECDSA over P-256.
VerificationKey = PublicKey | EllipticCurvePublicKey | Ed25519PublicKey


class EnvelopeError(ValueError):
    """The envelope is malformed, or too few keys signed it, or its payload type is another one."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature with its unauthenticated key hint."""

    sig: bytes
    keyid: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its type and signatures; nothing is verified yet."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    def to_json(self) -> bytes:
        """The envelope as canonical JSON."""
        signatures = []
        for signature in self.signatures:
            entry = {"sig": base64.b64encode(signature.sig).decode()}
            if signature.keyid:
                entry["keyid"] = signature.keyid
            signatures.append(entry)
        payload = base64.b64encode(self.payload).decode()
        return canonical({"payload": payload, "payloadType": self.payload_type, "signatures": signatures})

    @classmethod
    def parse(cls, data: str | bytes) -> "Envelope":
        """Read an envelope; standard and URL-safe base64 are both accepted."""
        try:
            body = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise EnvelopeError("The envelope is no JSON.") from error
        if not isinstance(body, dict) or not isinstance(body.get("payloadType"), str):
            raise EnvelopeError("An envelope is an object with a payloadType.")
        rows = body.get("signatures")
        if not isinstance(rows, list) or not rows:
            raise EnvelopeError("An envelope has at least one signature.")
        return cls(_decode(body.get("payload")), body["payloadType"], tuple(_signature(row) for row in rows))


@dataclass(frozen=True, slots=True)
class Verified:
    """Exactly the bytes that were verified, and the names of the keys that signed them."""

    payload: bytes
    payload_type: str
    keys: tuple[str, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """What is signed: lengths are of bytes, in decimal."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, payload_type: str, signers: Iterable[Signer]) -> Envelope:
    """Sign a payload with each signer; the hint is the key's fingerprint."""
    message = pae(payload_type, payload)
    signatures = tuple(Signature(signer.sign(message), signer.public.keyid) for signer in signers)
    if not signatures:
        raise EnvelopeError("An envelope needs a signer.")
    return Envelope(payload, payload_type, signatures)


def verify(
    envelope: Envelope,
    keys: Mapping[str, VerificationKey],
    *,
    threshold: int = 1,
    payload_types: Sequence[str] | None = None,
) -> Verified:
    """Verify that at least ``threshold`` different keys signed; only then look at the payload type."""
    if threshold < 1:
        raise EnvelopeError("At least one signature is needed.")
    message = pae(envelope.payload_type, envelope.payload)
    signed_by: dict[bytes, str] = {}
    for signature in envelope.signatures:
        for name, key in sorted(keys.items(), key=lambda item: item[0] != signature.keyid):
            if _identity(key) not in signed_by and _verifies(key, message, signature.sig):
                signed_by[_identity(key)] = name
                break
    if len(signed_by) < threshold:
        raise EnvelopeError(f"{len(signed_by)} known keys signed; {threshold} are needed.")
    if payload_types is not None and envelope.payload_type not in payload_types:
        raise EnvelopeError(f"The payload type {envelope.payload_type!r} is not expected here.")
    return Verified(envelope.payload, envelope.payload_type, tuple(signed_by.values()))


def _verifies(key: VerificationKey, message: bytes, signature: bytes) -> bool:
    if isinstance(key, PublicKey):
        return key.verifies(message, signature)
    if isinstance(key, Ed25519PublicKey):
        return PublicKey(key.public_bytes_raw()).verifies(message, signature)
    # ECDSA is written as DER by most tools and as a fixed-width pair by others; the first byte does not tell.
    forms = [signature]
    if len(signature) == 64:
        forms.append(encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:])))
    for form in forms:
        try:
            key.verify(form, message, ECDSA(SHA256()))
        except InvalidSignature:
            continue
        return True
    return False


def _identity(key: VerificationKey) -> bytes:
    if isinstance(key, PublicKey):
        return key.der
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _signature(row: Any) -> Signature:
    if not isinstance(row, dict) or not isinstance(row.get("keyid") or "", str):
        raise EnvelopeError("A signature is an object with sig and keyid.")
    return Signature(_decode(row.get("sig")), row.get("keyid") or "")


def _decode(text: Any) -> bytes:
    if not isinstance(text, str):
        raise EnvelopeError("Payload and signatures are base64 text.")
    standard = text.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise EnvelopeError("Payload or signature is no base64.") from error
