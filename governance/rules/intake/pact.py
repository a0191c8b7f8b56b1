"""Pact: contracts that consumers publish, and the results of verifying providers against them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from releasetrain.kernel.canonical import canonical, digest

from .errors import ReportError, check_size
from .json_tree import parse_json
from .values import clean

MAX_LISTED = 50
LARGEST = 2 << 20


@dataclass(frozen=True)
class PactContract:
    """What a consumer expects. Two documents that expect the same have the same digest, whatever wrote them."""

    consumer: str
    provider: str
    kind: str
    expectations: int
    format: str
    digest: str
    document: dict[str, Any]


@dataclass
class PactVerification:
    """One run of a provider against a contract."""

    success: bool
    provider_version: str = ""
    consumer_version: str = ""
    total: int = 0
    failed: int = 0
    format: str = "pact"
    failing: list[dict[str, str]] = field(default_factory=list)


def read_contract(data: bytes) -> PactContract:
    """A Pact file (specification 1 to 4), or any other JSON document that describes an interface."""
    check_size(data, "contract", LARGEST)
    document = parse_json(data)
    if not isinstance(document, dict):
        raise ReportError("wrong_format", "A contract is a JSON object.")
    expected = [
        *_objects(document, "interactions"),
        *_objects(document, "messages"),
    ]
    if "interactions" not in document and "messages" not in document:
        return PactContract(
            "", "", "api", len(document.get("paths") or ()), _format(document), digest(document), document
        )
    if not expected:
        raise ReportError("empty", "The contract expects nothing: it has neither interactions nor messages.")
    asynchronous = all("Asynchronous" in str(e.get("type", "")) for e in expected if "type" in e)
    event = "messages" in document or (asynchronous and any("type" in e for e in expected))
    metadata = document.get("metadata")
    said = metadata if isinstance(metadata, dict) else {}
    specification = said.get("pactSpecification") or said.get("pact-specification")
    number = specification.get("version", "") if isinstance(specification, dict) else ""
    return PactContract(
        consumer=_name(document, "consumer"),
        provider=_name(document, "provider"),
        kind="event" if event else "api",
        expectations=len(expected),
        format=clean(f"Pact {number}".strip(), 40),
        digest=_digest(expected),
        document=document,
    )


def _digest(expected: list[dict[str, Any]]) -> str:
    """Of the expectations alone: their order, ids and the tool that wrote them mean nothing."""
    plain = [{k: v for k, v in each.items() if k not in ("_id", "key")} for each in expected]
    return digest(sorted(plain, key=canonical))


def _objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = document.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ReportError("wrong_format", f"The {name} of a contract are a list of objects.")
    return value


def _name(document: dict[str, Any], side: str) -> str:
    value = document.get(side)
    return clean(str(value.get("name") or ""), 120) if isinstance(value, dict) else ""


def _format(document: dict[str, Any]) -> str:
    for name in ("openapi", "asyncapi", "swagger"):
        if name in document:
            return clean(f"{name} {document[name]}", 40)
    return "JSON"


def read_verification(data: bytes) -> PactVerification:
    """A verification result: as the Pact Broker takes it, as the verifiers print it, or as RSpec wrote it."""
    check_size(data, "verification")
    document = parse_json(data)
    if not isinstance(document, dict):
        raise ReportError("wrong_format", "A verification result is a JSON object.")
    if "success" in document:
        return _of_broker(document)
    if isinstance(document.get("summary"), dict) and "examples" in document:
        return _of_rspec(
            document, document["summary"].get("failure_count", document["summary"].get("failureCount"))
        )
    if "result" in document and ("errors" in document or "output" in document):
        return _of_verifier(document)
    raise ReportError("wrong_format", "This is no result of a Pact verification.")


def _of_broker(document: dict[str, Any]) -> PactVerification:
    success = document["success"]
    if not isinstance(success, bool):
        raise ReportError("wrong_format", "success is true or false.")
    found = PactVerification(
        success, provider_version=_text(document, "providerApplicationVersion"), format="Pact Broker"
    )
    inner = document.get("testResults")
    if isinstance(inner, dict):
        tests = inner.get("tests") or inner.get("examples") or []
        _tests(found, tests if isinstance(tests, list) else [])
    _agree(found)
    return found


def _tests(found: PactVerification, tests: list[Any]) -> None:
    for test in tests:
        if not isinstance(test, dict):
            raise ReportError("wrong_format", "The tests of a verification are objects.")
        found.total += 1
        status = str(test.get("status", "")).lower()
        failed = test.get("success") is False or status in ("failed", "error", "errored")
        if failed:
            found.failed += 1
            name = (
                test.get("testDescription")
                or test.get("fullDescription")
                or test.get("full_description")
                or test.get("interactionId")
            )
            problem = test.get("testErrors") or test.get("exception") or test.get("mismatches") or ""
            _failing(found, name or test.get("description") or "", problem)


def _of_rspec(document: dict[str, Any], failures: Any) -> PactVerification:
    examples = document["examples"]
    if not isinstance(examples, list) or isinstance(failures, bool) or not isinstance(failures, int):
        raise ReportError("wrong_format", "The summary counts its failures, and the examples are a list.")
    found = PactVerification(success=failures == 0, format="Pact RSpec")
    _tests(found, examples)
    if not examples:
        found.success = False
    _agree(found)
    return found


def _of_verifier(document: dict[str, Any]) -> PactVerification:
    result, errors = document["result"], document.get("errors") or []
    if not isinstance(result, bool) or not isinstance(errors, list):
        raise ReportError("wrong_format", "result is true or false, and errors are a list.")
    found = PactVerification(success=result, format="Pact verifier", total=len(errors), failed=len(errors))
    for error in errors:
        name = (
            error.get("interaction") or error.get("interactionDescription") if isinstance(error, dict) else ""
        )
        _failing(found, name or "", error.get("mismatch", error) if isinstance(error, dict) else error)
    _agree(found)
    return found


def _failing(found: PactVerification, name: Any, problem: Any) -> None:
    if len(found.failing) < MAX_LISTED:
        words = problem if isinstance(problem, str) else canonical(problem).decode()
        found.failing.append({"name": clean(str(name), 200), "message": clean(words, 500)})


def _agree(found: PactVerification) -> None:
    """A result that calls itself good and lists failures contradicts itself, so nobody can rely on it."""
    if found.success and found.failed:
        raise ReportError(
            "inconsistent", f"The result says success and lists {found.failed} failed interactions."
        )


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return clean(value, 120) if isinstance(value, str) else ""
