"""The OpenAPI schema, made once per process from the registries."""

from __future__ import annotations

import hashlib
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
    "DESCRIPTION": "Every resource and every verb of the product. See docs/api-quickstart.md for a first call.",
    "SCHEMA_PATH_PREFIX": r"/api/v1/orgs/\{org\}",
}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The schema as a mapping."""
    with _patched():
        generator = SchemaGenerator()
        # Through JSON, so that lazily translated texts and enumerations become what they say.
        return orjson.loads(orjson.dumps(generator.get_schema(public=True), default=str))  # type: ignore[no-any-return]


class _patched:
    def __enter__(self) -> None:
        spectacular_settings.apply_patches(_SETTINGS)

    def __exit__(self, *_: object) -> None:
        spectacular_settings.clear_patches()


@lru_cache(maxsize=1)
def as_yaml() -> bytes:
    return yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120).encode()


@lru_cache(maxsize=1)
def as_json() -> bytes:
    return orjson.dumps(document())


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The schema in YAML, or JSON by `?format=json` or Accept."""
    wants_json = request.GET.get("format") == "json" or "application/json" in request.headers.get("Accept", "")
    body = as_json() if wants_json else as_yaml()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    kind = "application/vnd.oai.openapi+json" if wants_json else "application/vnd.oai.openapi"
    return HttpResponse(body, content_type=kind, headers={"ETag": tag, "Cache-Control": "public, max-age=300", "Vary": "Accept"})
