"""Gitleaks and TruffleHog. The secrets themselves are never kept: what is stored is the report without them."""

from __future__ import annotations

import json
from typing import Any

from .json_node import Node, rows_of
from .scanned import ScannerReport, Weakness

HIDDEN = "REDACTED"
_GITLEAKS = ("Secret", "Match", "Line", "Message", "secret", "match", "line", "offender")
_TRUFFLEHOG = ("Raw", "RawV2", "Redacted", "diff", "printDiff", "stringsFound")


def is_gitleaks(body: Any) -> bool:
    first = body[0] if isinstance(body, list) and body else None
    return isinstance(first, dict) and (
        {"RuleID", "File"} <= first.keys() or {"rule", "file", "offender"} <= first.keys()
    )


def read_gitleaks(body: Any) -> ScannerReport:
    found = []
    for row in rows_of(body):
        rule = row.text("RuleID", 200) or row.required("rule", 200)
        path = row.text("File") or row.text("file")
        found.append(
            Weakness(
                kind="secrets",
                tool="Gitleaks",
                rule=rule,
                title=f"{row.text('Description', 200) or rule} in {path}"[:300],
                severity="high",
                path=path,
                line=row.whole("StartLine") or row.whole("lineNumber"),
                # commit:file:rule:line, without the secret.
                mark=row.text("Fingerprint", 400),
            )
        )
    return ScannerReport(
        "Gitleaks JSON", "secrets", ("Gitleaks",), tuple(found), redacted=_without(body, _GITLEAKS)
    )


def is_trufflehog(body: Any) -> bool:
    first = body[0] if isinstance(body, list) and body else body
    return isinstance(first, dict) and (
        {"SourceMetadata", "DetectorName"} <= first.keys() or {"reason", "stringsFound"} <= first.keys()
    )


def read_trufflehog(body: Any) -> ScannerReport:
    found = []
    for row in list(rows_of(body)) if isinstance(body, list) else [Node(body)]:
        data = row.object("SourceMetadata").object("Data")
        places = [
            Node(value, data.place(key))
            for key, value in sorted(data.value.items())
            if isinstance(value, dict)
        ]
        path = next(
            (
                text
                for place in places
                for key in ("file", "link", "key", "image")
                if (text := place.text(key))
            ),
            "",
        )
        path = path or row.text("path")
        line = next((number for place in places if (number := place.whole("line"))), None)
        rule = row.text("DetectorName", 200) or row.required("reason", 200)
        found.append(
            Weakness(
                kind="secrets",
                tool="TruffleHog",
                rule=rule,
                title=f"{rule} secret in {path}"[:300],
                # A secret that the provider still accepts is the worst there is.
                severity="critical" if row.get("Verified") is True else "high",
                path=path,
                line=line,
                mark=f"{row.text('commitHash', 80)}:{line or ''}",
            )
        )
    return ScannerReport(
        "TruffleHog JSON", "secrets", ("TruffleHog",), tuple(found), redacted=_without(body, _TRUFFLEHOG)
    )


def _without(body: Any, names: tuple[str, ...]) -> bytes:
    """The report with the fields that hold secrets blotted out, at whatever depth."""

    def bare(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: HIDDEN if k in names and v not in (None, "") else bare(v) for k, v in value.items()}
        return [bare(each) for each in value] if isinstance(value, list) else value

    return json.dumps(bare(body), ensure_ascii=False, indent=1).encode()
