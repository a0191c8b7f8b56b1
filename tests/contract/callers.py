"""Calls of the whole API as the schema describes them: made up by schemathesis, answered by the application in this process."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable

from releasetrain.interface.api import schema as made
from releasetrain.interface.resources import resources
from tests.structure.rows import row_of


class Findings(dict[str, str]):
    """What an answer must never be, by operation."""

    def note(self, operation: str, said: str) -> None:
        self.setdefault(operation, said[:600])


def described() -> Any:
    """The schema of the running code, loaded as a caller would load it."""
    return schemathesis.openapi.from_dict(made.document())


def operations(schema: Any) -> Iterator[Any]:
    for result in schema.get_all_operations():
        yield result.ok()


def rows() -> dict[str, str]:
    """A row of each kind that can be made up, so that calls reach further than "no such object"."""
    found = {}
    for resource in resources():
        row = row_of(resource.model)
        if row is not None:
            found[resource.plural] = str(row.pk)
    return found


def call(operation: Any, client: Any, known: dict[str, str], examples: int, findings: Findings) -> int:
    """Call an operation with made-up input; returns how many answers there were."""
    answers = 0
    label = f"{operation.method.upper()} {operation.path}"
    plural = operation.path.removeprefix("/api/v1/orgs/{org}/").partition("/")[0]

    @seed(20261122)
    @hypothesis_settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def once(case: Any) -> None:
        nonlocal answers
        path = case.path_parameters or {}
        if "org" in path:
            path["org"] = "northwind"
        if "ref" in path and plural in known:
            path["ref"] = known[plural]
        answers += 1
        _judge(label, operation, case, client, findings)

    with contextlib.suppress(Unsatisfiable):
        once()
    return answers


def _judge(label: str, operation: Any, case: Any, client: Any, findings: Findings) -> None:
    said = f"{case.formatted_path} {case.query} {case.body!r:.300}"
    try:
        answer = _sent(case, client)
    except Exception as error:  # the application raised: that is what is looked for
        findings.note(label, f"{type(error).__name__}: {error} | {said}")
        return
    if answer.status_code >= 500 and answer.status_code != 503:
        findings.note(label, f"{answer.status_code} | {said} | {answer.content[:300]!r}")
        return
    if not answer.has_header("X-Request-ID"):
        findings.note(label, f"no X-Request-ID | {answer.status_code} {said}")
    if answer.status_code >= 400 and answer["Content-Type"] != "application/problem+json":
        findings.note(label, f"{answer.status_code} as {answer['Content-Type']} | {said}")
        return
    if answer.status_code in (405, 501):
        findings.note(label, f"{answer.status_code} | {said}")
        return
    fault = _against_schema(operation, answer)
    if fault:
        findings.note(label, f"{fault} | {answer.status_code} | {said} | {answer.content[:200]!r}")


def _against_schema(operation: Any, answer: Any) -> str:
    """What the answer says that the schema does not."""
    document = made.document()
    described = operation.definition.raw.get("responses", {})
    status = str(answer.status_code)
    if status not in described:
        return f"status {status} is not described"
    if answer.status_code >= 400 or answer.streaming or answer.get("Content-Type") != "application/json":
        return ""
    node = described[status]
    while "$ref" in node:
        node = document["components"]["responses"][node["$ref"].rpartition("/")[2]]
    shape = node.get("content", {}).get("application/json", {}).get("schema")
    if shape is None:
        return "no JSON is described"
    return _fault(shape, json.loads(answer.content))


_validators: dict[str, Any] = {}


def _fault(shape: dict[str, Any], said: Any) -> str:
    from jsonschema import Draft202012Validator

    key = json.dumps(shape, sort_keys=True)
    if key not in _validators:
        whole = {**shape, "components": made.document()["components"]}
        _validators[key] = Draft202012Validator(whole)
    error = next(_validators[key].iter_errors(said), None)
    return f"{'/'.join(str(p) for p in error.absolute_path)}: {error.message[:200]}" if error else ""


def _sent(case: Any, client: Any) -> Any:
    headers = {
        str(name): str(value)
        for name, value in (case.headers or {}).items()
        if str(name).lower() not in ("authorization", "content-type", "content-length", "host")
    }
    body, media = case.body, case.media_type or ""
    extra: dict[str, Any] = {}
    if type(body).__name__ == "NotSet":
        payload: Any = b""
    elif media == "application/json":
        payload = json.dumps(body).encode(errors="replace")
        extra["content_type"] = media
    elif isinstance(body, dict) and media == "multipart/form-data":
        payload, extra["content_type"] = _form(body)
    else:
        payload = body if isinstance(body, bytes) else str(body).encode(errors="replace")
        extra["content_type"] = media or "application/octet-stream"
    from urllib.parse import urlencode

    query = urlencode(case.query or {}, doseq=True, errors="replace")
    return client.generic(
        case.method, case.formatted_path, payload, QUERY_STRING=query, headers=headers, **extra
    )


def _form(body: dict[str, Any]) -> tuple[bytes, str]:
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

    fields = {
        name: SimpleUploadedFile("made-up", value)
        if isinstance(value, bytes)
        else value
        if isinstance(value, str)
        else json.dumps(value)
        for name, value in body.items()
    }
    return encode_multipart(BOUNDARY, fields), MULTIPART_CONTENT
