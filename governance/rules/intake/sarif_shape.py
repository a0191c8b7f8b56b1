"""What SARIF 2.1.0 requires of its objects: the fields without which an object says nothing."""

from typing import Any

from .errors import ReportError

# By the property under which an object or a list of such objects stands, wherever that is in the log.
REQUIRED: dict[str, tuple[str, ...]] = {
    "artifactChanges": ("artifactLocation", "replacements"),
    "attachments": ("artifactLocation",),
    "codeFlows": ("threadFlows",),
    "conversion": ("tool",),
    "driver": ("name",),
    "edgeTraversals": ("edgeId",),
    "edges": ("id", "sourceNodeId", "targetNodeId"),
    "extensions": ("name",),
    "fixes": ("artifactChanges",),
    "invocations": ("executionSuccessful",),
    "nodes": ("id",),
    "notificationConfigurationOverrides": ("configuration", "descriptor"),
    "relationships": ("target",),
    "replacements": ("deletedRegion",),
    "results": ("message",),
    "ruleConfigurationOverrides": ("configuration", "descriptor"),
    "rules": ("id",),
    "runs": ("tool",),
    "stack": ("frames",),
    "stacks": ("frames",),
    "suppressions": ("kind",),
    "taxa": ("id",),
    "threadFlows": ("locations",),
    "tool": ("driver",),
    "toolConfigurationNotifications": ("message",),
    "toolExecutionNotifications": ("message",),
    "versionControlProvenance": ("repositoryUri",),
}
# A property bag may hold anything, and references to other files have the names of what is in them.
_FREE = ("properties", "externalPropertyFileReferences")
# There, taxa are references, which need no id of their own.
_REFERENCES = {"results": ("taxa",), "locations": ("taxa",)}


def check_shape(log: dict[str, Any]) -> None:
    """Refuse a log in which an object lacks a field it must have."""
    row: list[tuple[str, dict[str, Any]]] = [("", log)]
    while row:
        below: list[tuple[str, dict[str, Any]]] = []
        for name, owner in row:
            for key, value in owner.items():
                if key in _FREE:
                    continue
                required = () if key in _REFERENCES.get(name, ()) else REQUIRED.get(key, ())
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, dict):
                        _check(key, item, required)
                        below.append((key, item))
        row = below


def _check(key: str, item: dict[str, Any], required: tuple[str, ...]) -> None:
    for field in required:
        if field not in item:
            raise ReportError("missing", f"An object in {key} has no {field}, which SARIF requires.")
