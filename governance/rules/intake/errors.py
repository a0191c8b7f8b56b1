"""The one way a report is refused, and the size limits that hold before anything is parsed."""

MEBIBYTE = 1 << 20
DEFAULT_LIMIT = 20 * MEBIBYTE
# Bills of materials and scans of whole images are larger than test reports ever are.
LIMITS = {
    "sarif": 50 * MEBIBYTE,
    "cyclonedx": 50 * MEBIBYTE,
    "lcov": 50 * MEBIBYTE,
    "spdx": 50 * MEBIBYTE,
    "scan": 50 * MEBIBYTE,
    "performance": 50 * MEBIBYTE,
    "provenance": 2 * MEBIBYTE,
}


class ReportError(Exception):
    """A report that cannot be taken: a code for programs, a sentence for people, a line if there is one."""

    def __init__(self, code: str, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence + (f" (line {line})" if line else ""))
        self.code = code
        self.sentence = sentence
        self.line = line


def check_size(data: bytes, kind: str, limit: int | None = None) -> None:
    """Refuse what is empty or larger than its kind may be."""
    allowed = limit or LIMITS.get(kind, DEFAULT_LIMIT)
    if len(data) > allowed:
        raise ReportError(
            "too_large", f"The report has {len(data)} bytes; {kind} reports may have {allowed}."
        )
    if not data.strip():
        raise ReportError("empty", "The report is empty.")
