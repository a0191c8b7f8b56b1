"""Where things lie inside a package."""

from __future__ import annotations

from governance.models import StoredFile

INDEX = "index.html"
PDF = "evidence.pdf"
STYLE = "pages/style.css"
VERIFIER = "verify.py"

_ENDINGS = {
    "application/xml": "xml",
    "application/json": "json",
    "application/x-ndjson": "jsonl",
    "text/plain": "txt",
    "application/pdf": "pdf",
}


def path_of_file(stored: StoredFile) -> str:
    """A file's path: named by its content, never by what a sender called it."""
    return f"files/{stored.digest.removeprefix('sha256:')}.{_ENDINGS.get(stored.media_type, 'bin')}"


def path_of_tombstone(stored: StoredFile) -> str:
    """The path of what stands for a file that was disposed of."""
    return f"files/{stored.digest.removeprefix('sha256:')}.disposed.json"


def path_of_page(name: str, number: int) -> str:
    """The path of one page of records."""
    return f"pages/{name}-{number}.html"
