"""SARIF 2.1.0: findings with stable fingerprints, and whether each run was a scan that can be believed."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from releasetrain.kernel.canonical import digest

from .errors import ReportError, check_size
from .json_tree import parse_json
from .sarif_shape import check_shape
from .severity import Severity, severity_of_score
from .values import clean

MAX_FINDINGS = 200_000
_LEVELS = ("none", "note", "warning", "error")
_KINDS = ("notApplicable", "pass", "fail", "review", "open", "informational")
# Results of these kinds say that all is well or that nothing was asked.
_NO_FINDING = ("notApplicable", "pass", "informational")


_BY_LEVEL = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.INFO,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One result that names a problem."""

    fingerprint: str
    rule: str
    rule_name: str
    level: str
    severity: Severity
    score: Decimal | None
    message: str
    path: str
    line: int | None
    suppressed: bool
    suppression: str
    help_uri: str


@dataclass(frozen=True, slots=True)
class ScanRun:
    """One run of one tool; ``problems`` says why its result cannot be taken as a clean scan."""

    tool: str
    tool_version: str
    findings: tuple[Finding, ...]
    results: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScanReport:
    """All runs of a file."""

    runs: tuple[ScanRun, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of all runs."""
        return tuple(finding for run in self.runs for finding in run.findings)

    @property
    def open(self) -> tuple[Finding, ...]:
        """Findings that nobody suppressed."""
        return tuple(finding for finding in self.findings if not finding.suppressed)

    @property
    def complete(self) -> bool:
        """Whether every run really scanned; a file without runs, or with a failed one, is no scan."""
        return bool(self.runs) and not any(run.problems for run in self.runs)

    @property
    def clean(self) -> bool:
        """A complete scan that leaves nothing open."""
        return self.complete and not self.open


def read_sarif(data: bytes, limit: int | None = None) -> ScanReport:
    """Read a SARIF file."""
    check_size(data, "sarif", limit)
    log = parse_json(data)
    if not isinstance(log, dict) or "runs" not in log:
        raise ReportError("wrong_format", "The report is no SARIF log: it has no runs.")
    if log.get("version") != "2.1.0":
        raise ReportError(
            "wrong_version", f"SARIF {clean(str(log.get('version')), 20)!r} is not read, only 2.1.0."
        )
    check_shape(log)
    rows = _list(log, "runs")
    runs = tuple(_run(_object(row, "run")) for row in rows)
    if sum(run.results for run in runs) > MAX_FINDINGS:
        raise ReportError("too_many", f"The report has more than {MAX_FINDINGS} results.")
    return ScanReport(runs)


def _run(run: dict[str, Any]) -> ScanRun:
    tool = _object(run.get("tool"), "tool")
    driver = _object(tool.get("driver"), "tool.driver")
    name = clean(driver.get("name"))
    if not name:
        raise ReportError("missing", "A run does not name its tool.")
    rules = _Rules(driver, [_object(item, "tool extension") for item in _list(tool, "extensions")])
    results = [_object(row, "result") for row in _list(run, "results")]
    findings = tuple(
        _finding(result, run, name, rules)
        for result in results
        if _kind(result) not in _NO_FINDING and result.get("baselineState") != "absent"
    )
    version = clean(driver.get("semanticVersion") or driver.get("version"), 80)
    return ScanRun(name, version, findings, len(results), tuple(_problems(run)))


def _problems(run: dict[str, Any]) -> Iterator[str]:
    if run.get("results") is None:
        external = run.get("externalPropertyFileReferences")
        where = (
            "keeps them in other files"
            if isinstance(external, dict) and external.get("results")
            else "has none"
        )
        yield f"The run has no list of results: it {where}."
    for invocation in _list(run, "invocations"):
        told = _object(invocation, "invocation")
        if told.get("executionSuccessful") is not True:
            reason = clean(told.get("exitCodeDescription") or told.get("processStartFailureMessage"))
            yield "The tool says that it did not succeed" + (f": {reason}" if reason else ".")


class _Rules:
    """Rule descriptions of the driver and its extensions, found by index or by identifier."""

    def __init__(self, driver: dict[str, Any], extensions: list[dict[str, Any]]) -> None:
        self.driver = self._of(driver)
        self.extensions = [self._of(extension) for extension in extensions]
        self.by_id = {
            clean(rule.get("id")): rule
            for rules in (*reversed(self.extensions), self.driver)
            for rule in rules
        }

    @staticmethod
    def _of(component: dict[str, Any]) -> list[dict[str, Any]]:
        return [_object(rule, "rule") for rule in _list(component, "rules")]

    def find(self, result: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Identifier and description; hierarchical identifiers (CA1000/1) fall back to their parents."""
        reference = _object(result.get("rule", {}), "rule reference")
        component = _object(reference.get("toolComponent", {}), "tool component reference").get("index")
        rules = _pick(self.extensions, component, self.driver)
        rule: dict[str, Any] = _pick(rules, reference.get("index", result.get("ruleIndex")), {})
        name = clean(result.get("ruleId") or reference.get("id") or rule.get("id"))
        parent = name
        while not rule and parent:
            rule = self.by_id.get(parent, {})
            parent = parent.rpartition("/")[0]
        return name, rule


def _finding(result: dict[str, Any], run: dict[str, Any], tool: str, rules: _Rules) -> Finding:
    name, rule = rules.find(result)
    path, line = _location(result, run)
    message = _message(result, rule)
    level = _level(result, rule)
    score = _score(result, rule)
    suppressed, reason = _suppression(result)
    return Finding(
        fingerprint=_fingerprint(result, [tool, name or message, path], [line, message]),
        rule=name,
        rule_name=clean(rule.get("name")) or _text(rule.get("shortDescription")),
        level=level,
        severity=_BY_LEVEL[level] if score is None else severity_of_score(score),
        score=score,
        message=message,
        path=path,
        line=line,
        suppressed=suppressed,
        suppression=reason,
        help_uri=clean(rule.get("helpUri")),
    )


def _kind(result: dict[str, Any]) -> str:
    kind = result.get("kind", "fail")
    if kind not in _KINDS:
        raise ReportError("bad_value", f"A result has the kind {clean(str(kind), 40)!r}.")
    return str(kind)


def _level(result: dict[str, Any], rule: dict[str, Any]) -> str:
    level = result.get("level")
    if level is None:
        level = _object(rule.get("defaultConfiguration", {}), "rule configuration").get("level", "warning")
    if level not in _LEVELS:
        raise ReportError("bad_value", f"A result has the level {clean(str(level), 40)!r}.")
    return str(level)


def _score(result: dict[str, Any], rule: dict[str, Any]) -> Decimal | None:
    """A CVSS score between 0 and 10, which scanners put into the properties of the rule or the result."""
    for owner in (result, rule):
        properties = owner.get("properties")
        value = properties.get("security-severity") if isinstance(properties, dict) else None
        if isinstance(value, str | int | float):
            try:
                score = Decimal(str(value))
            except InvalidOperation:
                continue
            if score.is_finite() and 0 <= score <= 10:
                return score
    return None


def _location(result: dict[str, Any], run: dict[str, Any]) -> tuple[str, int | None]:
    for item in _list(result, "locations"):
        location = _object(item, "location")
        physical = _object(location.get("physicalLocation", {}), "physical location")
        artifact = _object(physical.get("artifactLocation", {}), "artifact location")
        path = clean(artifact.get("uri")) or _artifact(artifact.get("index"), run)
        line = _object(physical.get("region", {}), "region").get("startLine")
        if path:
            return path, line if isinstance(line, int) and 0 < line < 2**31 else None
        for logical in _list(location, "logicalLocations"):
            name = _object(logical, "logical location").get("fullyQualifiedName")
            if clean(name):
                return clean(name), None
    return "", None


def _artifact(index: Any, run: dict[str, Any]) -> str:
    artifact = _object(_pick(_list(run, "artifacts"), index, {}), "artifact")
    return clean(_object(artifact.get("location", {}), "artifact location").get("uri"))


def _message(result: dict[str, Any], rule: dict[str, Any]) -> str:
    message = _object(result.get("message"), "message of a result")
    template: Any = message.get("text") or message.get("markdown")
    if not template:
        strings = _object(rule.get("messageStrings", {}), "message strings")
        template = _object(strings.get(str(message.get("id")), {}), "message string").get("text")
    text = clean(template, 4000)
    for at, argument in enumerate(_list(message, "arguments")[:20]):
        text = text.replace(f"{{{at}}}", clean(argument))
    return clean(text) or _text(rule.get("shortDescription"))


def _suppression(result: dict[str, Any]) -> tuple[bool, str]:
    """Suppressed when there are suppressions and none is rejected or still under review."""
    rows = [_object(row, "suppression") for row in _list(result, "suppressions")]
    states = [row.get("status", "accepted") for row in rows]
    reasons = "; ".join(filter(None, (clean(row.get("justification")) for row in rows)))
    return bool(rows) and all(state == "accepted" for state in states), clean(reasons)


def _fingerprint(result: dict[str, Any], identity: list[str], details: list[str | int | None]) -> str:
    """Stable identity: what the tool itself offers comes first; the line only where it offers nothing.

    The path stays in: a partial fingerprint is often a hash of one source line, which two files may share.
    """
    for kind in ("partialFingerprints", "fingerprints"):
        offered = _object(result.get(kind, {}), kind)
        parts = {clean(key): clean(value) for key, value in offered.items() if clean(value)}
        if parts:
            return digest({"identity": identity, kind: parts})
    return digest({"identity": identity, "details": details})


def _text(value: Any) -> str:
    return clean(value.get("text")) if isinstance(value, dict) else ""


def _pick(rows: list[Any], index: Any, otherwise: Any) -> Any:
    """The row at an index that a report gives, which may be -1, absent or nonsense."""
    return rows[index] if type(index) is int and 0 <= index < len(rows) else otherwise


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ReportError("wrong_format", f"A {what} of the report is no object.")
    return value


def _list(owner: dict[str, Any], name: str) -> list[Any]:
    value = owner.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise ReportError("wrong_format", f"{name} of the report is no list.")
    return value
