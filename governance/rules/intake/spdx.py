"""SPDX 2.2 and 2.3 documents, JSON and tag-value, as bills of materials.

Read here and not by ``spdx-tools``: that library builds the whole document of objects before it says anything, keeps
every relationship and file, and reads XML and RDF beside; here only packages are kept, within the limits of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .cyclonedx import MAX_COMPONENTS, BillOfMaterials, Component
from .errors import ReportError
from .json_node import Node
from .values import clean

VERSIONS = ("SPDX-2.2", "SPDX-2.3")
_TAG = re.compile(r"([A-Za-z][A-Za-z0-9]{1,60}):[ \t]?(.*)\Z", re.DOTALL)
_NOTHING = {"", "NOASSERTION", "NONE"}


def is_spdx(body: Any) -> bool:
    return isinstance(body, dict) and str(body.get("spdxVersion", "")).startswith("SPDX-")


def looks_like_tags(head: str) -> bool:
    return re.search(r"^SPDXVersion:", head, re.MULTILINE) is not None


def read_spdx(body: Any) -> BillOfMaterials:
    top = Node(body)
    version = _version(top.text("spdxVersion", 20))
    if top.text("SPDXID") != "SPDXRef-DOCUMENT":
        raise ReportError("missing", "SPDXID is not SPDXRef-DOCUMENT.")
    top.required("name")
    packages = tuple(_package(row) for row in top.rows("packages"))
    return _bill(version, top.text("documentNamespace"), packages)


def _package(row: Node) -> Component:
    row.required("SPDXID")
    purl = next(
        (
            ref.text("referenceLocator", 1000)
            for ref in row.rows("externalRefs")
            if ref.text("referenceType") == "purl"
        ),
        "",
    )
    return _component(
        row.required("name"),
        row.text("versionInfo", 200),
        row.text("licenseConcluded"),
        row.text("licenseDeclared"),
        purl,
        row.text("SPDXID"),
    )


def read_spdx_tags(data: bytes) -> BillOfMaterials:
    """The tag-value form: `Tag: value` lines, values over several lines between <text> and </text>."""
    version, namespace, packages = "", "", []
    kept: dict[str, str] = {}
    inside = False

    def finish() -> None:
        if kept.get("PackageName"):
            packages.append(
                _component(
                    kept["PackageName"],
                    kept.get("PackageVersion", ""),
                    kept.get("PackageLicenseConcluded", ""),
                    kept.get("PackageLicenseDeclared", ""),
                    kept.get("purl", ""),
                    kept.get("SPDXID", ""),
                )
            )
            if len(packages) > MAX_COMPONENTS:
                raise ReportError("too_many", f"The document has more than {MAX_COMPONENTS} components.")
        kept.clear()

    for line, tag, value in _tags(data):
        if tag == "SPDXVersion":
            version = _version(clean(value, 20))
        elif tag == "DocumentNamespace":
            namespace = clean(value)
        elif tag == "PackageName":
            finish()
            if not value.strip():
                raise ReportError("missing", "PackageName is empty.", line)
            kept["PackageName"], inside = clean(value), True
        elif tag in ("FileName", "SnippetSPDXID", "LicenseID"):
            finish()
            inside = False
        elif inside and tag == "ExternalRef":
            parts = value.split()
            if len(parts) == 3 and parts[1].rpartition("/")[2] == "purl":
                kept["purl"] = clean(parts[2], 1000)
        elif inside and tag in (
            "PackageVersion",
            "PackageLicenseConcluded",
            "PackageLicenseDeclared",
            "SPDXID",
        ):
            kept[tag] = clean(value)
    finish()
    if not version:
        raise ReportError("missing", "SPDXVersion is missing.")
    return _bill(version, namespace, tuple(packages))


def _tags(data: bytes) -> Iterator[tuple[int, str, str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReportError(
            "encoding", "The document is no UTF-8.", data[: error.start].count(b"\n") + 1
        ) from error
    waiting: list[str] = []
    started, tag = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if waiting:
            waiting.append(line)
            if "</text>" in line:
                yield started, tag, "\n".join(waiting).partition("</text>")[0]
                waiting = []
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _TAG.match(line.strip())
        if match is None:
            raise ReportError("wrong_format", "The line is no tag with a value.", number)
        tag, value = match[1], match[2]
        if value.startswith("<text>"):
            value = value.removeprefix("<text>")
            if "</text>" not in value:
                started, waiting = number, [value]
                continue
            value = value.partition("</text>")[0]
        yield number, tag, value
    if waiting:
        raise ReportError("wrong_format", "A text that begins here does not end.", started)


def _version(word: str) -> str:
    if word not in VERSIONS:
        raise ReportError("wrong_version", f"SPDX {word!r} is not read, only {', '.join(VERSIONS)}.")
    return word.removeprefix("SPDX-")


def _component(name: str, version: str, concluded: str, declared: str, purl: str, ref: str) -> Component:
    licence = next((text for text in (concluded, declared) if text.strip() not in _NOTHING), "")
    return Component(
        type="library",
        name=name,
        version=version if version not in _NOTHING else "",
        group="",
        purl=purl,
        cpe="",
        bom_ref=ref,
        scope="required",
        licences=(licence,) if licence else (),
        hashes=(),
    )


def _bill(version: str, namespace: str, packages: tuple[Component, ...]) -> BillOfMaterials:
    return BillOfMaterials(
        spec_version=version,
        serial_number=namespace,
        version=1,
        subject=None,
        components=packages,
        vulnerabilities=(),
        format="SPDX",
    )
