"""What callers of the last release rely on still holds: caught here, before they find out."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from releasetrain.interface.api import schema
from releasetrain.interface.api.contract import breaks, contract_of, read, written
from releasetrain.interface.management.commands.write_contract import FILE

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/trains": {
            "get": {
                "parameters": [
                    {
                        "in": "query",
                        "name": "state",
                        "schema": {"type": "string", "enum": ["open", "closed"]},
                    },
                    {"in": "query", "name": "limit", "schema": {"type": "integer"}},
                ],
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Train"}}
                            }
                        }
                    }
                },
            },
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewTrain"}}}
                },
                "responses": {
                    "201": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Train"}}}
                    }
                },
            },
        }
    },
    "components": {
        "schemas": {
            "Train": {
                "type": "object",
                "properties": {
                    "key": {"type": "string"},
                    "weeks": {"type": "integer"},
                    "parent": {"$ref": "#/components/schemas/Train"},
                },
                "required": ["key"],
            },
            "NewTrain": {
                "type": "object",
                "properties": {"key": {"type": "string"}, "weeks": {"type": ["integer", "null"]}},
                "required": ["key"],
            },
        }
    },
}
TRAIN = ("components", "schemas", "Train")
NEW = ("components", "schemas", "NewTrain")
GET, POST = ("paths", "/trains", "get"), ("paths", "/trains", "post")
JSON = ("content", "application/json", "schema")


def changed(*changes: tuple[tuple[Any, ...], Any]) -> dict[str, Any]:
    """The document with values set at these places; None takes away what is there."""
    found = copy.deepcopy(DOCUMENT)
    for path, value in changes:
        node: Any = found
        for step in path[:-1]:
            node = node[step]
        if value is None:
            del node[path[-1]]
        else:
            node[path[-1]] = value
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((POST, None), "POST /trains is gone."),
        (((*GET, "parameters", 1), None), "GET /trains: query limit is no longer taken."),
        (((*GET, "parameters", 1, "required"), True), "GET /trains: query limit is required now."),
        (
            ((*GET, "parameters", 1, "schema", "type"), "boolean"),
            "GET /trains: query limit was integer and is boolean.",
        ),
        (
            ((*GET, "parameters", 0, "schema", "enum"), ["open"]),
            "GET /trains: query state was string(closed,open) and is string(open).",
        ),
        (((*POST, "requestBody", "required"), True), "POST /trains: a body is required now."),
        (((*NEW, "required"), ["key", "weeks"]), "POST /trains: the body needs weeks now."),
        (((*NEW, "properties", "weeks"), None), "POST /trains: the body no longer takes weeks."),
        (
            ((*NEW, "properties", "weeks", "type"), "integer"),
            "POST /trains: weeks of the body was integer|null and is integer.",
        ),
        (((*POST, "responses", "201"), None), "POST /trains: it answers 201 no more."),
        (
            ((*TRAIN, "properties", "weeks"), None),
            "GET /trains: each of the answer 200 has no weeks any more.",
        ),
        (
            ((*TRAIN, "properties", "weeks", "type"), ["integer", "null"]),
            "GET /trains: weeks of each of the answer 200 was integer and is integer|null.",
        ),
        (((*TRAIN, "required"), []), "GET /trains: each of the answer 200 may lack key now."),
        (
            ((*GET, "responses", "200", *JSON), {"$ref": "#/components/schemas/Train"}),
            "GET /trains: the answer 200 was a list and is an object.",
        ),
    ],
)
def test_what_breaks_callers_is_named(change: Any, said: str) -> None:
    found = breaks(contract_of(DOCUMENT), contract_of(changed(change)))
    assert said in found, found


@pytest.mark.parametrize(
    "change",
    [
        (("paths", "/planes"), {"get": {"responses": {}}}),
        ((*GET, "parameters", 0, "schema", "enum"), ["open", "closed", "lost"]),
        ((*GET, "parameters", 1, "schema", "type"), "number"),
        ((*NEW, "properties", "note"), {"type": "string"}),
        ((*NEW, "required"), []),
        ((*TRAIN, "properties", "note"), {"type": "string"}),
        ((*TRAIN, "required"), ["key", "weeks"]),
    ],
)
def test_what_is_only_added_breaks_nothing(change: Any) -> None:
    assert breaks(contract_of(DOCUMENT), contract_of(changed(change))) == []


def test_the_contract_is_kept_whole() -> None:
    made = contract_of(DOCUMENT)
    assert read(written(made)) == made


def test_nothing_breaks_callers_of_the_last_release() -> None:
    """After a change that is meant to break them: `manage.py write_contract --breaking`, and a line in the changelog."""
    released, now = read(FILE.read_bytes()), contract_of(schema.document())
    assert len(released["operations"]) > 1_000
    assert breaks(released, now) == []


def test_a_change_of_the_real_document_is_caught() -> None:
    document = copy.deepcopy(schema.document())
    del document["components"]["schemas"]["Release"]["properties"]["version"]
    found = breaks(contract_of(schema.document()), contract_of(document))
    assert any("has no version any more" in said for said in found)
