"""The OpenAPI schema: valid, complete, and the committed copy is the one the code makes."""

from __future__ import annotations

import json
from pathlib import Path

import drf_spectacular
import jsonschema_rs
import orjson
import pytest
from django.conf import settings

from releasetrain.audit.doorway import actions
from releasetrain.interface.api import reference, schema
from releasetrain.interface.api.representation import represent, serializer_of
from releasetrain.interface.resources import resources

# The OpenAPI Initiative's own description of OpenAPI 3.1 documents.
OPENAPI = Path(drf_spectacular.__file__).parent / "validation" / "openapi_3_1_schema.json"
DOCS = Path(settings.BASE_DIR) / "docs"


def test_the_schema_is_valid_openapi():
    described = jsonschema_rs.validator_for(json.loads(OPENAPI.read_bytes()))
    faults = described.iter_errors(orjson.loads(schema.as_json()))
    assert [str(fault)[:300] for fault in faults] == []


def test_nothing_in_the_schema_is_guessed_or_named_twice(capsys):
    schema.document.cache_clear()
    schema.document()
    assert capsys.readouterr().err == ""


def test_every_verb_is_an_operation_with_its_summary():
    operations = {o["operationId"]: o for path in schema.document()["paths"].values() for o in path.values()}
    for verb, action in actions().items():
        assert operations[verb]["summary"] == action.summary
        assert {"401", "403", "404", "409", "422"} <= set(operations[verb]["responses"])


@pytest.mark.parametrize(
    ("name", "made"),
    [("openapi.yaml", schema.as_yaml), ("reference/api.md", lambda: reference.as_markdown().encode())],
)
def test_the_committed_documents_are_current(name, made):
    assert (DOCS / name).read_bytes() == made(), "run `python manage.py write_schema` and commit docs/"


def test_objects_are_written_as_the_schema_says(in_northwind):
    for resource in resources():
        obj = resource.loaded(in_northwind.actor).first()
        if obj is not None:
            assert set(represent(resource, obj)) == set(serializer_of(resource.model)().fields), (
                resource.plural
            )


def test_the_schema_is_served_in_both_forms(client, db):
    yaml = client.get("/api/schema/")
    assert yaml.status_code == 200
    assert yaml.content.startswith(b"openapi: 3.1")
    assert client.get("/api/schema/", HTTP_IF_NONE_MATCH=yaml["ETag"]).status_code == 304
    assert client.get("/api/schema/?format=json").json()["info"]["title"] == "Release Train API"
