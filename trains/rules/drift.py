"""Differences between how configuration should be and how it is: found here, told in sentences, known by fingerprint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from releasetrain.kernel.canonical import digest

from .configuration import compare, words


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. Its fingerprint names exactly this one: another value makes another difference."""

    kind: str
    subject: str
    field: str
    expected: Any
    found: Any
    sentence: str
    remedy: str

    @property
    def fingerprint(self) -> str:
        return digest([self.kind, self.subject, self.field, self.expected, self.found])


def item_drift(
    subject: str, name: str, expected: dict[str, Any], found: dict[str, Any], *, present: bool, scanner: str
) -> list[Difference]:
    """How one item differs from what one scanner saw last."""
    if not present:
        return [
            Difference(
                "missing",
                subject,
                "",
                None,
                scanner,
                f"{name} is on record, and {scanner} no longer sees it.",
                "Bring it back, or retire the item.",
            )
        ]
    return [
        Difference(
            "changed",
            subject,
            each.field,
            each.expected,
            each.found,
            f"{name}: {each.sentence}",
            "Put it right where it runs, or change what the item expects.",
        )
        for each in compare(expected, found)
    ]


def unknown_thing(source: str, external_id: str, name: str) -> Difference:
    """Something that runs and that no item stands for."""
    return Difference(
        "added",
        f"{source}/{external_id}",
        "",
        None,
        external_id,
        f"{name or external_id} runs, seen by {source}, and no item stands for it.",
        "Put it under configuration management, or take it away.",
    )


@dataclass(frozen=True, slots=True)
class Unit:
    """One deployment unit of a release: a service with the build it carries."""

    service: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What the CMDB says of a unit: the item, what it expects now, and what the release's baseline froze."""

    key: str
    name: str
    version: str
    state: str
    digest: str
    frozen_digest: str
    regulated: bool


def unit_discrepancies(
    unit: Unit,
    items: Iterable[OnRecord],
    *,
    release: str,
    running: Iterable[str],
    regulated: bool,
    baselined: bool,
    has_baseline: bool,
) -> list[Difference]:
    """How what a release brings of one service disagrees with the CMDB. `running`: versions in production now."""
    found: list[Difference] = []

    def add(kind: str, subject: str, expected: Any, seen: Any, sentence: str, remedy: str) -> None:
        found.append(Difference(kind, f"{release}/{subject}", unit.service, expected, seen, sentence, remedy))

    listed = list(items)
    if not listed:
        add(
            "unmanaged",
            unit.service,
            None,
            unit.version,
            f"No configuration item stands for {unit.service}.",
            "Add the item, or import it from the CMDB.",
        )
        return found
    allowed = {unit.version, *running}
    for item in listed:
        if item.state in ("retired", "planned"):
            add(
                "state",
                item.key,
                "in_use",
                item.state,
                f"{item.key} {item.name} is {item.state} in the CMDB, and the release deploys it.",
                "Correct the item's state.",
            )
        if item.version and unit.version and item.version not in allowed:
            seen = words(sorted(v for v in running if v)) if any(running) else "nothing on record"
            add(
                "version",
                item.key,
                unit.version,
                item.version,
                f"The CMDB expects {item.name} {item.version}; the release brings {unit.version}, and {seen} runs.",
                "Correct the version in the CMDB, or the build in the release.",
            )
        if regulated and not item.regulated:
            add(
                "regulated",
                item.key,
                True,
                False,
                f"{unit.service} is regulated, and {item.key} {item.name} is not marked so.",
                "Mark the item as regulated.",
            )
        if has_baseline and item.frozen_digest != item.digest:
            add(
                "changed",
                item.key,
                item.frozen_digest,
                item.digest,
                f"{item.key} {item.name} has changed since the baseline of the release was frozen."
                if item.frozen_digest
                else f"{item.key} {item.name} is not in the baseline of the release.",
                "Freeze a new baseline of the release.",
            )
    if not baselined:
        add(
            "unbaselined",
            unit.digest,
            unit.digest,
            None,
            f"{unit.service} {unit.version} is in no baseline of the release.",
            "Freeze a baseline of the release.",
        )
    return found
