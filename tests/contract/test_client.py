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
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from releasetrain.interface.api import schema

pytestmark = pytest.mark.filterwarnings("ignore")
# Generating all of it takes minutes; a client of what a pipeline needs is made of the same parts.
NEEDED = ("/trains", "/releases", "/gates/evaluate", "/services", "/forge-connections")


def part_of(document: dict[str, Any]) -> dict[str, Any]:
    """The document with some of its paths, and all that these refer to."""
    root = "/api/v1/orgs/{org}"
    paths = {
        path: item
        for path, item in document["paths"].items()
        if path.removeprefix(root) in (*NEEDED, *(f"{each}/{{ref}}" for each in NEEDED))
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


@pytest.mark.timeout(240)
def test_a_generated_client_reads_creates_and_is_told_what_is_wrong(
    tmp_path: Path, address: str, token: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    client_of = importlib.import_module("release_train").AuthenticatedClient
    calls = {name: importlib.import_module(f"release_train.api.{name}") for name in _apis(tmp_path)}
    client = client_of(base_url=address, token=token("rte"), raise_on_unexpected_status=False)
    create = next(module for name, module in calls.items() if name.endswith("train_create"))
    body_of = importlib.import_module("release_train.models").TrainCreateRequest
    answer = create.sync_detailed(
        org="northwind",
        client=client,
        body=body_of.from_dict({"key": "GEN", "name": "Generated", "cadence_start": "2027-01-04"}),
    )
    assert (answer.status_code, answer.parsed.key) == (201, "GEN")
    listed = next(module for name, module in calls.items() if name.endswith("trains_list"))
    page = listed.sync_detailed(org="northwind", client=client)
    assert [each.name for each in page.parsed.items] == ["Generated"]
    refused = create.sync_detailed(
        org="northwind",
        client=client,
        body=body_of.from_dict({"key": "GEN", "name": "Again", "cadence_start": "2027-01-04"}),
    )
    assert refused.status_code in (409, 422)
    assert refused.parsed.detail


def _apis(folder: Path) -> Iterator[str]:
    for file in (folder / "release_train" / "api").glob("*/*.py"):
        if file.stem != "__init__":
            yield f"{file.parent.name}.{file.stem}"
