"""Calls of the whole API as the schema describes them: made up by schemathesis, answered by the application in this process."""

from __future__ import annotations

import contextlib
import json
import logging
import traceback
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema_rs
import schemathesis
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.models import Model
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable

from releasetrain.audit.doorway import actions
from releasetrain.interface.api import schema as made
from releasetrain.interface.resources import resource_of, resources
from tests.structure.rows import row_of

DOCUMENT = "urn:release-train"
ROOT = "/api/v1/orgs/{org}/"


class Findings:
    """How many answers there were of each status, to which operations, and what an answer must never be."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()
        self.called: set[str] = set()
        self.faults: dict[str, str] = {}
        self.errors = 0

    def note(self, operation: str, said: str) -> None:
        self.faults.setdefault(operation, said[:600])

    def __str__(self) -> str:
        kinds = Counter({f"{status // 100}xx": 0 for status in self.answers})
        for status, number in self.answers.items():
            kinds[f"{status // 100}xx"] += number
        told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        return f"{self.answers.total()} calls of {len(self.called)} operations ({told}), {len(self.faults)} findings"


@cache
def described() -> Any:
    """The schema of the running code, loaded as a caller would load it."""
    return schemathesis.openapi.from_dict(made.document())


@cache
def operations() -> list[Any]:
    return [result.ok() for result in described().get_all_operations()]


def rows() -> dict[str, str]:
    """A row of each kind that can be made up, so that calls reach further than "no such object"."""
    found = {}
    for resource in resources():
        row = row_of(resource.model)
        if row is not None:
            found[resource.plural] = str(row.pk)
    return found


def call(operation: Any, client: Any, known: dict[str, str], examples: int, findings: Findings) -> None:
    """Call an operation with made-up input."""
    label = f"{operation.method.upper()} {operation.path}"
    plural = operation.path.removeprefix(ROOT).partition("/")[0]
    references = _references(operation.definition.raw.get("operationId", ""))

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
        path = case.path_parameters or {}
        if "org" in path:
            path["org"] = "northwind"
        if "ref" in path and plural in known:
            path["ref"] = known[plural]
        if isinstance(case.body, dict):
            _name_what_is_there(case.body, references, known)
        findings.called.add(label)
        with undone():
            _judge(label, operation, case, client, findings)

    with contextlib.suppress(Unsatisfiable):
        once()


@cache
def _references(verb: str) -> dict[str, tuple[str, bool]]:
    """The parameters of a verb that name objects: of which kind, and whether several."""
    found = {}
    for parameter in actions()[verb].parameters if verb in actions() else ():
        kind = parameter.kind
        resource = resource_of(kind) if isinstance(kind, type) and issubclass(kind, Model) else None
        if resource is not None:
            found[parameter.name] = (resource.plural, parameter.many)
    return found


def _name_what_is_there(
    body: dict[str, Any], references: dict[str, tuple[str, bool]], known: dict[str, str]
) -> None:
    """Where objects are named, name some that are there: else no verb that needs one would be reached."""
    for name, (plural, many) in references.items():
        if body.get(name) is not None and plural in known:
            body[name] = [known[plural]] if many else known[plural]


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """What a call does is taken back, so that none is met by what another left."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _judge(label: str, operation: Any, case: Any, client: Any, findings: Findings) -> None:
    said = f"{case.formatted_path} {case.query} {case.body!r:.300}"
    why = _Why()
    try:
        with why.listening():
            answer = _sent(case, client)
        # What the database leaves to the end of the transaction must not fail either.
        if answer.status_code < 400:
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except Exception as error:  # the application raised: that is what is looked for
        findings.errors += label not in findings.faults
        findings.note(label, f"{type(error).__name__}: {error} | {said}")
        return
    findings.answers[answer.status_code] += 1
    if answer.status_code >= 500 and answer.status_code != 503:
        findings.errors += label not in findings.faults
        findings.note(label, f"{answer.status_code} | {why.said} | {said}")
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


class _Why(logging.Handler):
    """What the log says of an error that the answer rightly keeps to itself."""

    said = ""

    def emit(self, record: logging.LogRecord) -> None:
        error = (record.exc_info or (None, None))[1]
        if error is not None:
            last = traceback.extract_tb(error.__traceback__)[-1]
            self.said = f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        logging.getLogger().addHandler(self)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(self)


def _against_schema(operation: Any, answer: Any) -> str:
    """What the answer says that the schema does not."""
    document = made.document()
    told = document["paths"][operation.path][operation.method.lower()]["responses"]
    status = str(answer.status_code)
    if status not in told:
        return f"status {status} is not described"
    if answer.streaming:
        return ""
    place = f"/paths/{operation.path.replace('~', '~0').replace('/', '~1')}/{operation.method.lower()}/responses/{status}"
    if "$ref" in told[status]:
        place = told[status]["$ref"].removeprefix("#")
        told = document["components"]["responses"][place.rpartition("/")[2]]
    else:
        told = told[status]
    kind = answer.get("Content-Type", "").partition(";")[0]
    if "json" not in kind:
        return "" if not answer.content or kind in told.get("content", {}) else f"{kind} is not described"
    if "schema" not in told.get("content", {}).get(kind, {}):
        return f"no {kind} is described"
    return _fault(f"{place}/content/{kind.replace('/', '~1')}/schema", json.loads(answer.content))


@cache
def _registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(DOCUMENT, made.document())], draft=jsonschema_rs.Draft202012)


@cache
def _validator(place: str) -> Any:
    return jsonschema_rs.Draft202012Validator({"$ref": f"{DOCUMENT}#{quote(place)}"}, registry=_registry())


def _fault(place: str, said: Any) -> str:
    error = next(_validator(place).iter_errors(said), None)
    return f"{'/'.join(str(p) for p in error.instance_path)}: {error.message[:200]}" if error else ""


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
    query = urlencode(case.query or {}, doseq=True, errors="replace")
    return client.generic(
        case.method, case.formatted_path, payload, QUERY_STRING=query, headers=headers, **extra
    )


def _form(body: dict[str, Any]) -> tuple[bytes, str]:
    fields = {
        name: SimpleUploadedFile("made-up", value)
        if isinstance(value, bytes)
        else value
        if isinstance(value, str)
        else json.dumps(value)
        for name, value in body.items()
    }
    return encode_multipart(BOUNDARY, fields), MULTIPART_CONTENT
