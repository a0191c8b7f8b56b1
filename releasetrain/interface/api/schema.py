"""The OpenAPI schema, made once per process from the registries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import orjson
import yaml
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings

_SETTINGS = {
    # Enumerations stay where they are used: hoisting them would need a name for each, and names that clash.
    "POSTPROCESSING_HOOKS": [],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATIONS": True,
    # However a view learns who asks, callers have these two ways.
    "AUTHENTICATION_WHITELIST": ["releasetrain.interface.api.authentication.EnteredActor"],
    "SECURITY": [{"token": []}, {"session": []}],
    "DESCRIPTION": "Every resource and every verb. A first call: docs/api-quickstart.md.",
    "SCHEMA_PATH_PREFIX": r"/api/v1/orgs/\{org\}",
}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The schema as a mapping."""
    with _patched():
        generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
        # Through JSON, so that lazily translated texts and enumerations become what they say.
        made = orjson.loads(orjson.dumps(generator.get_schema(public=True), default=str))
    _name_repeated(made)
    return made  # type: ignore[no-any-return]


def _name_repeated(made: dict[str, Any]) -> None:
    """Give the problem responses and the parameters that every endpoint repeats a name, and refer to it."""
    responses: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    for operation in (o for path in made["paths"].values() for o in path.values()):
        for status, answer in operation["responses"].items():
            if "application/problem+json" in answer.get("content", {}):
                responses[f"Problem{status}"] = answer
                operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
        listed = operation.get("parameters", [])
        for index, parameter in enumerate(listed):
            name = _REPEATED.get((parameter["in"], parameter["name"]))
            if name and parameters.setdefault(name, parameter) == parameter:
                listed[index] = {"$ref": f"#/components/parameters/{name}"}
    _add_common(made["paths"], responses)
    made["components"] |= {
        "responses": dict(sorted(responses.items())),
        "parameters": dict(sorted(parameters.items())),
    }


def _add_common(paths: dict[str, Any], responses: dict[str, Any]) -> None:
    """Every call may be refused for these reasons, whether its own description thinks of them or not."""
    for path, item in paths.items():
        if path.startswith(_ORGANIZATION):
            for operation in item.values():
                told = operation["responses"]
                for status in _COMMON:
                    if f"Problem{status}" in responses:
                        told.setdefault(status, {"$ref": f"#/components/responses/Problem{status}"})
                operation["responses"] = dict(sorted(told.items()))


_ORGANIZATION = "/api/v1/orgs/{org}"
_COMMON = ("401", "403", "404", "422", "429")
_REPEATED = {
    ("path", "org"): "org",
    ("path", "ref"): "ref",
    ("header", "Idempotency-Key"): "IdempotencyKey",
    ("header", "If-Match"): "IfMatch",
    ("header", "If-None-Match"): "IfNoneMatch",
    ("query", "limit"): "limit",
    ("query", "cursor"): "cursor",
    ("query", "sort"): "sort",
    ("query", "include"): "include",
}


@contextmanager
def _patched() -> Iterator[None]:
    spectacular_settings.apply_patches(_SETTINGS)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        spectacular_settings.clear_patches()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1)
def as_yaml() -> bytes:
    return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120).encode()


@lru_cache(maxsize=1)
def as_json() -> bytes:
    return orjson.dumps(document())


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The schema in YAML, or JSON by `?format=json` or Accept."""
    wants_json = request.GET.get("format") == "json" or "application/json" in request.headers.get(
        "Accept", ""
    )
    body = as_json() if wants_json else as_yaml()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    kind = "application/vnd.oai.openapi+json" if wants_json else "application/vnd.oai.openapi"
    return HttpResponse(
        body,
        content_type=kind,
        headers={"ETag": tag, "Cache-Control": "public, max-age=300", "Vary": "Accept"},
    )
