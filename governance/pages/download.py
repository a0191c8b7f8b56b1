"""The release-gate command, to be downloaded from the installation that it will ask."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

FILE = Path(__file__).resolve().parent.parent / "cli" / "release_gate.py"


@lru_cache(maxsize=1)
def _content() -> tuple[bytes, str]:
    content = FILE.read_bytes()
    return content, hashlib.sha256(content).hexdigest()


@require_safe
def release_gate(request: HttpRequest) -> HttpResponse:
    """The one file. Its digest is in the header, so that a pipeline can pin it."""
    content, digest = _content()
    return HttpResponse(
        content,
        content_type="text/x-python; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="release-gate"',
            "Digest": f"sha-256={digest}",
            "ETag": f'"{digest}"',
            "Cache-Control": "public, max-age=300",
        },
    )
