"""in-toto statements: build and validate Statement v1; read v0.1, which SLSA provenance v0.2 comes in."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STATEMENT_V1 = "https://in-toto.io/Statement/v1"
STATEMENT_V01 = "https://in-toto.io/Statement/v0.1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

_HEX = re.compile(r"[0-9a-f]+\Z")
# Lengths in hexadecimal digits; algorithms not named here are taken as they come, as the specification asks.
_LENGTHS: dict[str, tuple[int, ...]] = {
    "md5": (32,),
    "sha1": (40,),
    "sha224": (56,),
    "sha256": (64,),
    "sha384": (96,),
    "sha512": (128,),
    "sha512_224": (56,),
    "sha512_256": (64,),
    "sha3_224": (56,),
    "sha3_256": (64,),
    "sha3_384": (96,),
    "sha3_512": (128,),
    "gitCommit": (40, 64),
    "gitTree": (40, 64),
    "gitBlob": (40, 64),
    "gitTag": (40, 64),
}


class StatementError(ValueError):
    """The statement breaks a rule; the text says which."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about."""

    name: str
    digest: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """A validated statement."""

    type: str
    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Any]


def build_statement(
    subjects: Iterable[Subject], predicate_type: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """A Statement v1 as a JSON object, validated."""
    rows = [{"name": subject.name, "digest": dict(subject.digest)} for subject in subjects]
    body = {
        "_type": STATEMENT_V1,
        "subject": rows,
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }
    validate_statement(body)
    return body


def parse_statement(data: str | bytes, types: tuple[str, ...] = (STATEMENT_V1,)) -> Statement:
    """Read a statement from JSON text."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StatementError("The statement is no JSON.") from error
    return validate_statement(body, types)


def validate_statement(body: Any, types: tuple[str, ...] = (STATEMENT_V1,)) -> Statement:
    """Check a statement's shape."""
    if not isinstance(body, dict):
        raise StatementError("A statement is an object.")
    if body.get("_type") not in types:
        raise StatementError("The statement type is not one known here.")
    rows = body.get("subject")
    if not isinstance(rows, list) or not rows:
        raise StatementError("A statement has at least one subject.")
    for row in rows:
        validate_resource(row)
        if not row.get("digest"):
            raise StatementError("Every subject has a digest.")
    if not isinstance(body.get("predicateType"), str) or not body["predicateType"]:
        raise StatementError("A statement has a predicateType.")
    predicate = body.get("predicate", {})
    if not isinstance(predicate, dict):
        raise StatementError("A predicate is an object.")
    subjects = tuple(Subject(row.get("name") or "", row["digest"]) for row in rows)
    return Statement(body["_type"], subjects, body["predicateType"], predicate)


def validate_resource(row: Any) -> None:
    """Check a resource descriptor: it names something, and its digests have the length of their algorithm."""
    if not isinstance(row, dict):
        raise StatementError("A resource descriptor is an object.")
    if not (row.get("name") or row.get("uri") or row.get("digest")):
        raise StatementError("A resource descriptor has a name, a URI or a digest.")
    for field in ("name", "uri", "downloadLocation", "mediaType", "content"):
        if not isinstance(row.get(field, ""), str):
            raise StatementError(f"A resource descriptor's {field} is text.")
    digests = row.get("digest", {})
    if not isinstance(digests, dict):
        raise StatementError("Digests are an object from algorithm to value.")
    for algorithm, value in digests.items():
        if not isinstance(value, str) or not value:
            raise StatementError(f"The {algorithm} digest is text.")
        lengths = _LENGTHS.get(algorithm)
        if lengths and (len(value) not in lengths or not _HEX.match(value)):
            raise StatementError(
                f"The {algorithm} digest has the wrong length or is no lower-case hexadecimal."
            )
