"""in-toto provenance in DSSE envelopes: SLSA v0.2 and v1, verified with the keys that are trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from releasetrain.audit.rules.dsse import Envelope, EnvelopeError, verify

from .errors import ReportError, check_size
from .json_tree import parse_json
from .values import clean

PAYLOAD = "application/vnd.in-toto+json"
STATEMENTS = ("https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1")
V02, V1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
_HEX = re.compile(r"[0-9a-f]{64}\Z")
_SHA1 = re.compile(r"[0-9a-f]{40,64}\Z")
MOST = 10_000


class NoKey(ValueError):
    """A text is no public key that signatures can be checked with."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key with its name in the database."""

    pem: str
    algorithm: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key with the builders it may speak for; nothing means any."""

    fingerprint: str
    pem: str
    builder: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a statement says about a build; nothing is believed before `signed_by` names a key."""

    predicate: str
    subjects: tuple[str, ...]
    builder: str
    definition: str
    definition_digest: str
    commit: str
    source: str
    invocation: str
    started_at: datetime | None
    finished_at: datetime | None
    signatures: int
    signed_by: tuple[str, ...]
    problems: tuple[str, ...]


def read_public_key(pem: str) -> Key:
    """A public key from its PEM text."""
    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm, UnicodeEncodeError) as error:
        raise NoKey("This is no public key in PEM.") from error
    if isinstance(key, Ed25519PublicKey):
        algorithm = "Ed25519"
    elif isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        algorithm = "ECDSA P-256"
    else:
        raise NoKey("Keys are Ed25519 or ECDSA over P-256.")
    digest = Hash(SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return Key(text, algorithm, "sha256:" + digest.finalize().hex())


def read_provenance(data: bytes, keys: Iterable[TrustedKey] = (), limit: int | None = None) -> Provenance:
    """Read an envelope or a bare statement. Which keys really signed decides whether it is verified."""
    check_size(data, "provenance", limit)
    body = parse_json(data)
    if not isinstance(body, dict):
        raise ReportError("wrong_format", "The document is no in-toto statement.")
    if "payloadType" not in body and "dsseEnvelope" in body:
        body = body["dsseEnvelope"]
        data = json.dumps(body).encode()
    if not isinstance(body, dict) or "payloadType" not in body:
        return _statement(body, 0, ())
    try:
        envelope = Envelope.parse(data)
    except EnvelopeError as error:
        raise ReportError("wrong_format", str(error)) from error
    if envelope.payload_type != PAYLOAD:
        raise ReportError(
            "wrong_format", f"The payload is {clean(envelope.payload_type, 80)!r}, no in-toto statement."
        )
    check_size(envelope.payload, "provenance", limit)
    found = _statement(parse_json(envelope.payload), len(envelope.signatures), ())
    signed = tuple(
        key.fingerprint
        for key in keys
        if _signed(envelope, key) and (not key.builder or found.builder.startswith(key.builder))
    )
    return _statement(parse_json(envelope.payload), len(envelope.signatures), signed)


def _signed(envelope: Envelope, key: TrustedKey) -> bool:
    loaded: Any = load_pem_public_key(key.pem.encode())
    try:
        verify(envelope, {key.fingerprint: loaded}, payload_types=[PAYLOAD])
    except EnvelopeError:
        return False
    return True


def _statement(body: Any, signatures: int, signed_by: tuple[str, ...]) -> Provenance:
    if not isinstance(body, dict) or body.get("_type") not in STATEMENTS:
        raise ReportError("wrong_format", "The document is no in-toto statement.")
    predicate = body.get("predicateType")
    content = body.get("predicate")
    if not isinstance(content, dict):
        raise ReportError("missing", "The statement has no predicate.")
    subjects = _subjects(body.get("subject"))
    if predicate == V02:
        said = _v02(content)
    elif predicate == V1:
        said = _v1(content)
    else:
        raise ReportError(
            "wrong_version", f"The predicate {clean(str(predicate), 80)!r} is no SLSA provenance v0.2 or v1."
        )
    problems = tuple(f"The statement names no {name}." for name in ("builder",) if not said[name])
    return Provenance(
        predicate=str(predicate),
        subjects=subjects,
        signatures=signatures,
        signed_by=signed_by,
        problems=problems,
        **said,
    )


def _subjects(rows: Any) -> tuple[str, ...]:
    if not isinstance(rows, list) or not rows or len(rows) > MOST:
        raise ReportError("missing", "The statement names no subject.")
    found = []
    for row in rows:
        digests = row.get("digest") if isinstance(row, dict) else None
        value = digests.get("sha256") if isinstance(digests, dict) else None
        if isinstance(value, str) and _HEX.match(value):
            found.append("sha256:" + value)
    if not found:
        raise ReportError("missing", "No subject of the statement has a sha256 digest.")
    return tuple(dict.fromkeys(found))


def _v02(content: dict[str, Any]) -> dict[str, Any]:
    invocation = _object(content, "invocation")
    config = _object(invocation, "configSource")
    metadata = _object(content, "metadata")
    materials = content.get("materials")
    digests = _object(config, "digest")
    commit = _commit(digests)
    rows = [row for row in materials if isinstance(row, dict)] if isinstance(materials, list) else []
    for row in rows:
        commit = commit or _commit(_object(row, "digest"))
    where = "#".join(filter(None, (clean(config.get("uri")), clean(config.get("entryPoint")))))
    return {
        "builder": clean(_object(content, "builder").get("id"), 300),
        "definition": where,
        "definition_digest": _digest(digests),
        "commit": commit,
        "source": clean(config.get("uri")) or next((clean(r.get("uri")) for r in rows), ""),
        "invocation": clean(metadata.get("buildInvocationId")),
        "started_at": _time(metadata.get("buildStartedOn")),
        "finished_at": _time(metadata.get("buildFinishedOn")),
    }


def _v1(content: dict[str, Any]) -> dict[str, Any]:
    definition = _object(content, "buildDefinition")
    details = _object(content, "runDetails")
    metadata = _object(details, "metadata")
    workflow = _object(_object(definition, "externalParameters"), "workflow")
    rows = definition.get("resolvedDependencies")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    commit = next((c for row in rows if (c := _commit(_object(row, "digest")))), "")
    digest = next((d for row in rows if (d := _digest(_object(row, "digest")))), "")
    where = "#".join(filter(None, (clean(workflow.get("repository")), clean(workflow.get("path")))))
    return {
        "builder": clean(_object(details, "builder").get("id"), 300),
        "definition": where or clean(definition.get("buildType")),
        "definition_digest": digest,
        "commit": commit,
        "source": clean(workflow.get("repository")) or next((clean(r.get("uri")) for r in rows), ""),
        "invocation": clean(metadata.get("invocationId")),
        "started_at": _time(metadata.get("startedOn")),
        "finished_at": _time(metadata.get("finishedOn")),
    }


def _object(owner: dict[str, Any], name: str) -> dict[str, Any]:
    value = owner.get(name)
    if value is not None and not isinstance(value, dict):
        raise ReportError("wrong_format", f"{name} of the statement is no object.")
    return value or {}


def _commit(digests: dict[str, Any]) -> str:
    value = digests.get("gitCommit") or digests.get("sha1")
    return value if isinstance(value, str) and _SHA1.match(value) else ""


def _digest(digests: dict[str, Any]) -> str:
    value = digests.get("sha256")
    return f"sha256:{value}" if isinstance(value, str) and _HEX.match(value) else ""


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time if time.tzinfo else None


def is_provenance(body: Any) -> bool:
    """Whether a document is an envelope, a bundle of one, or a bare in-toto statement."""
    if not isinstance(body, dict):
        return False
    enveloped = "payloadType" in body and "signatures" in body
    return enveloped or "dsseEnvelope" in body or body.get("_type") in STATEMENTS
