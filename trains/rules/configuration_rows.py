"""Reading configuration items and relations from CSV, JSON or ServiceNow exports into typed rows with row-level errors."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from trains.rules.configuration import attributes_fault
from trains.rules.readers import cells
from trains.rules.readers.cells import CellError
from trains.rules.readers.documents import Entry, EntryError, pointer, read_document
from trains.rules.readers.row_error import OnError, RowError
from trains.rules.readers.tables import Column, Table

KINDS = (
    "business_service",
    "application",
    "database",
    "middleware",
    "server",
    "container",
    "network",
    "storage",
    "environment",
    "document",
    "other",
)
STATES = ("planned", "in_use", "maintenance", "retired")
RELATIONS = ("depends_on", "runs_on", "contains", "connects_to", "provides")


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One configuration item; what is empty or None leaves what is known."""

    id: str
    name: str
    kind: str
    version: str = ""
    state: str = ""
    criticality: int | None = None
    regulated: bool | None = None
    team: str = ""
    service: str = ""
    environment: str = ""
    owner: str = ""
    attributes: dict[str, Any] | None = field(default=None)
    external_class: str = ""


@dataclass(frozen=True, slots=True)
class RelationRow:
    """One relation between two items by their ids."""

    source: str
    kind: str
    target: str


def _short(length: int) -> cells.Cell:
    def read(value: str) -> str:
        if len(value) > length:
            raise CellError(f"This is longer than {length} characters.")
        return value.strip()

    return read


def _name(length: int) -> cells.Cell:
    short = _short(length)

    def read(value: str) -> str:
        found: str = short(value)
        if not found:
            raise CellError("A value is needed here.")
        return found

    return read


def _tier(value: str) -> int:
    """1, 2, 3 or 4."""
    if value not in ("1", "2", "3", "4"):
        raise CellError(f"{cells.shown(value)} is not a criticality; it is 1 (mission critical) to 4.")
    return int(value)


def _attributes(value: str) -> dict[str, Any]:
    """A JSON object of attributes."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        raise CellError("Attributes are a JSON object.") from None
    fault = attributes_fault(found)
    if fault:
        raise CellError(fault)
    return dict(found)


ITEMS = Table(
    ItemRow,
    (
        Column("id", _name(200), "Its id at the source; the same id again is the same item."),
        Column("name", _name(200)),
        Column("kind", cells.one_of(*KINDS), ", ".join(KINDS)),
        Column("version", _short(120), "The version that should run.", required=False),
        Column("state", cells.optional(cells.one_of(*STATES)), ", ".join(STATES), required=False),
        Column("criticality", cells.optional(_tier), "1 is mission critical.", required=False),
        Column("regulated", cells.optional(cells.flag), required=False),
        Column("team", _short(20), "Code of the team.", required=False),
        Column("service", _short(120), "Name of the service that it stands for.", required=False),
        Column("environment", _short(80), required=False),
        Column("owner", _short(254), "E-mail address of the person who answers for it.", required=False),
        Column("attributes", cells.optional(_attributes), "JSON object: how it should be.", required=False),
    ),
)
RELATION_TABLE = Table(
    RelationRow,
    (
        Column("source", _name(200), "Id of the item that depends, runs on, contains …"),
        Column("kind", cells.one_of(*RELATIONS), ", ".join(RELATIONS)),
        Column("target", _name(200), "Id of the other item."),
    ),
)

Placed = tuple[str, Any]


def read_items(source: BinaryIO, name: str, on_error: OnError) -> Iterator[Placed]:
    """The items of a CSV file with a header, or (by the ending .json) of a JSON list, with their places."""
    return _read(ITEMS, source, name, on_error, "items")


def read_relations(source: BinaryIO, name: str, on_error: OnError) -> Iterator[Placed]:
    """The relations of a CSV or JSON file with their places."""
    return _read(RELATION_TABLE, source, name, on_error, "relations")


def items_from(values: Iterable[Any], on_error: OnError, name: str = "items") -> Iterator[Placed]:
    """The items of a JSON list."""
    return _listed(ITEMS, values, name, on_error)


def relations_from(values: Iterable[Any], on_error: OnError, name: str = "relations") -> Iterator[Placed]:
    """The relations of a JSON list."""
    return _listed(RELATION_TABLE, values, name, on_error)


def _read(table: Table[Any], source: BinaryIO, name: str, on_error: OnError, member: str) -> Iterator[Placed]:
    if not name.lower().endswith((".json", ".json.gz")):
        for number, row in enumerate(table.read(source, on_error, name=name), start=1):
            yield f"row {number}", row
        return
    document = read_document(source, on_error, name=name)
    if isinstance(document, dict):
        document = document.get(member)
    if isinstance(document, list):
        yield from _listed(table, document, name, on_error)
    elif document is not None:
        on_error(RowError(name, None, "", f"A list of {member} is expected."))


def _listed(table: Table[Any], values: Iterable[Any], name: str, on_error: OnError) -> Iterator[Placed]:
    for index, value in enumerate(values):
        at = pointer(index)
        try:
            yield f"row {index + 1}", _entry(table, Entry(value, at), at)
        except EntryError as fault:
            on_error(RowError(name, None, fault.pointer, str(fault)))


def _entry(table: Table[Any], entry: Entry, at: str) -> Any:
    found = []
    for column in table.columns:
        try:
            if column.name == "attributes" and entry.is_object("attributes"):
                given = entry.members("attributes")
                fault = attributes_fault(given)
                if fault:
                    raise CellError(fault)
                found.append(dict(given))
            else:
                found.append(column.cell(entry.scalar(column.name)))
        except EntryError:
            raise
        except CellError as fault:
            raise EntryError(f"{at}/{column.name}", str(fault)) from fault
    return table.row(*found)


# -- ServiceNow: exports of cmdb_ci and cmdb_rel_ci

# Classes by the beginnings of their names, the more special first.
_CLASSES = (
    ("cmdb_ci_service", "business_service"),
    ("cmdb_ci_business", "business_service"),
    ("cmdb_ci_appl", "application"),
    ("cmdb_ci_app_server", "middleware"),
    ("cmdb_ci_db", "database"),
    ("cmdb_ci_database", "database"),
    ("cmdb_ci_messaging", "middleware"),
    ("cmdb_ci_queue", "middleware"),
    ("cmdb_ci_web_server", "middleware"),
    ("cmdb_ci_kubernetes", "container"),
    ("cmdb_ci_docker", "container"),
    ("cmdb_ci_container", "container"),
    ("cmdb_ci_cluster", "container"),
    ("cmdb_ci_vcenter", "server"),
    ("cmdb_ci_vm", "server"),
    ("cmdb_ci_storage", "storage"),
    ("cmdb_ci_disk", "storage"),
    ("cmdb_ci_netgear", "network"),
    ("cmdb_ci_ip", "network"),
    ("cmdb_ci_lb", "network"),
    ("cmdb_ci_network", "network"),
    ("cmdb_ci_environment", "environment"),
    ("cmdb_ci_doc", "document"),
)
_SERVER = re.compile(r"cmdb_ci_([a-z_]+_)?(server|computer|hardware)$")
# Types of relations are written "seen from the parent::seen from the child"; True: parent and child change places.
_TYPES: Mapping[str, tuple[str, bool]] = {
    "depends on::used by": ("depends_on", False),
    "uses::used by": ("depends_on", False),
    "consumes::consumed by": ("depends_on", False),
    "used by::uses": ("depends_on", True),
    "runs on::runs": ("runs_on", False),
    "runs::runs on": ("runs_on", True),
    "hosted on::hosts": ("runs_on", False),
    "hosts::hosted on": ("runs_on", True),
    "virtualized by::virtualizes": ("runs_on", False),
    "instantiates::instantiated by": ("runs_on", True),
    "contains::contained by": ("contains", False),
    "members::member of": ("contains", False),
    "cluster of::cluster": ("contains", False),
    "owns::owned by": ("contains", False),
    "connects to::connected by": ("connects_to", False),
    "exchanges data with::exchanges data with": ("connects_to", False),
    "sends data to::receives data from": ("connects_to", False),
    "receives data from::sends data to": ("connects_to", False),
    "provides::provided by": ("provides", False),
    "provides for::provided by": ("provides", False),
    "provided by::provides": ("provides", True),
}
_OPERATIONAL = {
    "1": "in_use",
    "operational": "in_use",
    "2": "maintenance",
    "non-operational": "maintenance",
    "3": "maintenance",
    "repair in progress": "maintenance",
    "4": "planned",
    "dr standby": "planned",
    "5": "planned",
    "ready": "planned",
    "6": "retired",
    "retired": "retired",
    "7": "planned",
    "pipeline": "planned",
}
# Of these the stored value counts, of all others what is displayed.
_BY_VALUE = frozenset({"sys_id", "parent", "child", "sys_class_name", "operational_status"})
_KEPT = ("ip_address", "os", "os_version", "ram", "cpu_count", "disk_space", "port", "fqdn", "location")


def kind_of_class(name: str) -> str:
    """What sort of item a ServiceNow class is."""
    for start, kind in _CLASSES:
        if name.startswith(start):
            return kind
    return "server" if _SERVER.match(name) else "other"


def read_servicenow_items(source: BinaryIO, name: str, on_error: OnError) -> Iterator[Placed]:
    """The rows of an export of cmdb_ci (CSV, or JSON with `records` or `result`)."""
    return _servicenow(source, name, on_error, _servicenow_item)


def read_servicenow_relations(source: BinaryIO, name: str, on_error: OnError) -> Iterator[Placed]:
    """The rows of an export of cmdb_rel_ci."""
    return _servicenow(source, name, on_error, _servicenow_relation)


def _servicenow(
    source: BinaryIO, name: str, on_error: OnError, read: Callable[[dict[str, str]], Any]
) -> Iterator[Placed]:
    for place, values in _records(source, name, on_error):
        try:
            yield place, read(values)
        except EntryError as fault:
            on_error(RowError(name, None, f"{place}, {fault.pointer}", str(fault)))


def _records(source: BinaryIO, name: str, on_error: OnError) -> Iterator[tuple[str, dict[str, str]]]:
    if not name.lower().endswith((".json", ".json.gz")):
        yield from _csv_records(source, name, on_error)
        return
    document = read_document(source, on_error, name=name)
    if isinstance(document, dict):
        document = document.get("records", document.get("result"))
    if document is None:
        on_error(RowError(name, None, "", "An export has its rows in records or result."))
        return
    if not isinstance(document, list):
        on_error(RowError(name, None, "", "A list of records is expected."))
        return
    for index, value in enumerate(document):
        try:
            yield (
                f"record {index + 1}",
                {
                    key: _plain(value[key], pointer(index, key), raw=key in _BY_VALUE)
                    for key in Entry(value, pointer(index))
                },
            )
        except EntryError as fault:
            on_error(RowError(name, None, fault.pointer, str(fault)))


def _csv_records(source: BinaryIO, name: str, on_error: OnError) -> Iterator[tuple[str, dict[str, str]]]:
    text = source.read()
    header = text.split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip().split(",")
    titles = list(dict.fromkeys(t.strip().strip('"') for t in header if t.strip().strip('"')))
    table = Table(
        lambda *values: dict(zip(titles, values, strict=True)), tuple(Column(t, str) for t in titles)
    )
    for number, row in enumerate(table.read(io.BytesIO(text), on_error, name=name), start=1):
        yield f"record {number}", {key: value.strip() for key, value in row.items()}


def _plain(value: Any, at: str, *, raw: bool) -> str:
    """A value of an export: plain, or as a pair of what is stored and what is displayed (of references, the name)."""
    if isinstance(value, dict):
        first, second = ("value", "display_value") if raw else ("display_value", "value")
        value = value.get(first) if value.get(first) not in (None, "") else value.get(second)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        raise EntryError(at, "Text is expected here.")
    text = str(value).strip()
    if "\0" in text or len(text) > 2_000:
        raise EntryError(at, "This text is too long or holds NUL.")
    return text


def _given(values: dict[str, str], key: str, length: int, *, needed: bool = False) -> str:
    found = values.get(key, "")
    if len(found) > length:
        raise EntryError(key, f"This is longer than {length} characters.")
    if needed and not found:
        raise EntryError(key, "A value is needed here.")
    return found


def _servicenow_item(values: dict[str, str]) -> ItemRow:
    name = _given(values, "sys_class_name", 80, needed=True)
    status = _given(values, "operational_status", 40).lower()
    if status and status not in _OPERATIONAL:
        raise EntryError("operational_status", f"{cells.shown(status)} is not an operational status.")
    weight = values.get("busines_criticality") or values.get("business_criticality") or ""
    if weight and weight[0] not in "1234":
        raise EntryError("busines_criticality", f"{cells.shown(weight)} does not begin with 1, 2, 3 or 4.")
    kept = {key: values[key] for key in _KEPT if values.get(key)}
    return ItemRow(
        id=_given(values, "sys_id", 200, needed=True),
        name=_given(values, "name", 200, needed=True),
        kind=kind_of_class(name.lower()),
        version=_given(values, "version", 120),
        state=_OPERATIONAL.get(status, ""),
        criticality=int(weight[0]) if weight else None,
        environment=_given(values, "environment", 80) or _given(values, "used_for", 80),
        team=_given(values, "support_group", 120),
        owner=_given(values, "owned_by", 254),
        attributes=kept or None,
        external_class=name,
    )


def _servicenow_relation(values: dict[str, str]) -> RelationRow:
    said = _given(values, "type", 200, needed=True)
    known = _TYPES.get(" ".join(said.lower().split()).replace(" :: ", "::"))
    if known is None:
        raise EntryError(
            "type",
            f"{cells.shown(said)} is no type of relation that is known here, such as Depends on::Used by.",
        )
    kind, turned = known
    parent, child = _given(values, "parent", 200, needed=True), _given(values, "child", 200, needed=True)
    return RelationRow(child, kind, parent) if turned else RelationRow(parent, kind, child)
