"""A client that somebody generates from our schema works: made by openapi-python-client, used for real calls."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from releasetrain.interface.api import schema

pytestmark = pytest.mark.filterwarnings("ignore")
# Generating all of it takes minutes; a client of what a pipeline needs is made of the same parts.
NEEDED = ("/trains", "/releases", "/gates/evaluate", "/services", "/forge-connections")
MORE = ("/trains/{ref}/edit",)


def part_of(document: dict[str, Any]) -> dict[str, Any]:
    """The document with some of its paths, and all that these refer to."""
    root = "/api/v1/orgs/{org}"
    paths = {
        path: item
        for path, item in document["paths"].items()
        if path.removeprefix(root) in (*NEEDED, *MORE, *(f"{each}/{{ref}}" for each in NEEDED))
    }
    kept: dict[str, dict[str, Any]] = {"securitySchemes": document["components"]["securitySchemes"]}
    waiting: list[Any] = [paths]
    while waiting:
        for kind, name in _refers(waiting.pop()):
            if name not in kept.setdefault(kind, {}):
                kept[kind][name] = document["components"][kind][name]
                waiting.append(kept[kind][name])
    return {**document, "paths": paths, "components": kept}


def _refers(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            _, _, kind, name = node["$ref"].split("/")
            yield kind, name
        for each in node.values():
            yield from _refers(each)
    elif isinstance(node, list):
        for each in node:
            yield from _refers(each)


def test_the_schema_is_valid_openapi_3_1() -> None:
    """Of all of it when the whole API is called as well (tests/contract/test_calls.py), else of a part."""
    document = schema.document()
    described = document if os.environ.get("RELEASETRAIN_CONTRACT") else part_of(document)
    error = next(OpenAPIV31SpecValidator(described).iter_errors(), None)
    assert error is None, str(error)[:500]


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def address(committed_db: Any) -> Iterator[str]:
    """The application behind a real server, for a client that knows only its address."""
    from django.core.wsgi import get_wsgi_application

    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package that the generator makes, imported."""
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(part_of(schema.document())))
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(described), "--meta", "none",
         "--output-path", str(tmp_path / "release_train"), "--fail-on-warning"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-2000:]
    monkeypatch.syspath_prepend(str(tmp_path))
    calls = {name.partition(".")[2]: f"release_train.api.{name}" for name in _apis(tmp_path)}
    return SimpleNamespace(
        client=importlib.import_module("release_train").AuthenticatedClient,
        models=importlib.import_module("release_train.models"),
        **{name: importlib.import_module(module).sync_detailed for name, module in calls.items()},
    )


@pytest.mark.timeout(240)
def test_a_generated_client_creates_reads_changes_pages_and_is_told_what_is_wrong(
    generated: Any, address: str, token: Any
) -> None:
    rte = {"org": "northwind", "client": generated.client(base_url=address, token=token("rte"))}

    def new(key: str, name: str, **more: Any) -> Any:
        body = {"key": key, "name": name, "cadence_start": "2027-01-04"}
        return generated.train_create(**rte, body=generated.models.TrainCreateRequest.from_dict(body), **more)

    # Created, and once only however often it is sent.
    for number, key in enumerate(("GENA", "GENB", "GENC")):
        answer = new(key, f"Generated {number}", idempotency_key=f"made-{number}")
        assert (answer.status_code, answer.parsed.key) == (201, key)
    again = new("GENA", "Generated 0", idempotency_key="made-0")
    assert again.parsed.id == new("GENA", "Generated 0", idempotency_key="made-0").parsed.id

    # Read, and not sent again while it is the same.
    read = generated.trains_get(**rte, ref="GENA")
    assert (read.status_code, read.parsed.name, read.parsed.pi_weeks) == (200, "Generated 0", 10)
    assert str(read.parsed.cadence_start) == "2027-01-04"
    assert generated.trains_get(**rte, ref="GENA", if_none_match=read.headers["ETag"]).status_code == 304

    # Changed by who has read it last, and by nobody else.
    edited = generated.models.TrainEditRequest.from_dict({"name": "Renamed"})
    changed = generated.train_edit(**rte, ref="GENA", body=edited, if_match=read.headers["ETag"])
    assert (changed.status_code, changed.parsed.name) == (200, "Renamed")
    assert changed.headers["ETag"] != read.headers["ETag"]
    late = generated.train_edit(**rte, ref="GENA", body=edited, if_match=read.headers["ETag"])
    assert (late.status_code, late.parsed.code) == (412, "precondition.failed")

    # Listed, page by page, by filter.
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = generated.trains_list(**rte, limit=2, sort="key", **_at(cursor)).parsed
        names += [each.name for each in page.items]
        cursor = parse_qs(urlsplit(page.next_).query)["cursor"][0] if page.next_ else None
    assert names == ["Renamed", "Generated 1", "Generated 2"]

    # Told what is wrong, as problem documents.
    refused = new("GENA", "Again")
    assert refused.status_code in (409, 422)
    assert (refused.parsed.status, bool(refused.parsed.detail)) == (refused.status_code, True)
    wrong = new("not a key", "x" * 500)
    assert wrong.status_code == 422
    assert {each.pointer for each in wrong.parsed.errors} >= {"#/name"}
    absent = generated.trains_get(**rte, ref="GENZ")
    assert (absent.status_code, absent.parsed.code) == (404, "not_found")
    nobody = generated.client(base_url=address, token="rtk_nobody")
    assert generated.trains_list(org="northwind", client=nobody).parsed.code == "signed_out"


def _at(cursor: str) -> dict[str, str]:
    return {"cursor": cursor} if cursor else {}


def _apis(folder: Path) -> Iterator[str]:
    for file in (folder / "release_train" / "api").glob("*/*.py"):
        if file.stem != "__init__":
            yield f"{file.parent.name}.{file.stem}"
