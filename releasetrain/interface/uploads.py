"""Uploads: how large a file may be, and what is kept of its name."""

from __future__ import annotations

import re
from typing import Any

from releasetrain.kernel.fields import Upload

DEFAULT_LIMIT = 20 * 1024 * 1024


class TooLarge(ValueError):
    """The file is larger than its kind may be."""

    def __init__(self, limit: int):
        self.limit = limit
        super().__init__(f"The file is larger than {limit // 1024} KiB.")


def read(file: Any, limit: int | None = None) -> Upload:
    """The uploaded file within its limit; its name is reduced to harmless characters."""
    limit = limit or DEFAULT_LIMIT
    if file.size is not None and file.size > limit:
        raise TooLarge(limit)
    content = file.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(limit)
    kind = str(getattr(file, "content_type", "") or "application/octet-stream")
    return Upload(name=safe_name(file.name or ""), content=content, content_type=kind[:100])


def safe_name(name: str) -> str:
    """The last part of the name, without control and separator characters."""
    last = re.split(r"[\\/]", name)[-1]
    return re.sub(r"[\x00-\x1f\x7f<>:\"|?*]", "_", last).strip(" .")[:150] or "file"
