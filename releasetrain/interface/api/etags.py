"""Entity tags, ``"<row version>-<digest>"``: the version guards updates, the whole tag what was shown."""

from __future__ import annotations

import hashlib
from typing import Any

from releasetrain.kernel.refusals import Ref, Refusal, Refused

from .rendering import dump


def tag_of(obj: Any, written: Any = None) -> str:
    """The tag of an object as written; the digest covers labels of neighbours, which change on their own."""
    version = getattr(obj, "row_version", 0)
    digest = hashlib.sha256(dump(written)).hexdigest()[:12] if written is not None else "0"
    return f'"{version}-{digest}"'


def matches(header: str, tag: str) -> bool:
    """If-None-Match: whether the client has just this representation."""
    return bool(header) and (
        header.strip() == "*" or tag in {t.strip().removeprefix("W/") for t in header.split(",")}
    )


def require_match(header: str, obj: Any) -> None:
    """If-Match: refuse with 412 when the row has another version than the client read."""
    if not header or header.strip() == "*":
        return
    version = str(getattr(obj, "row_version", 0))
    given = {t.strip().removeprefix("W/").strip('"').partition("-")[0] for t in header.split(",")}
    if version not in given:
        raise Refused(
            Refusal(
                "precondition.failed",
                f"{obj} has changed since you read it.",
                remedy="Read it again, look at what changed, and repeat with its new ETag.",
                blocked_by=Ref.of(obj),
                status=412,
            )
        )
