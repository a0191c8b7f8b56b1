"""Importing configuration items and relations: all rows or none, and the same file twice changes nothing."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, BinaryIO

from django.db import models

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Refusal, Refused, action
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import refuse
from trains.models import (
    ConfigurationItem,
    ConfigurationRelation,
    Environment,
    ImportRun,
    Service,
    Team,
)
from trains.rules.configuration_rows import (
    ItemRow,
    Placed,
    items_from,
    read_items,
    read_relations,
    read_servicenow_items,
    read_servicenow_relations,
    relations_from,
)
from trains.rules.readers.row_error import OnError, RowError

_SHOWN_ERRORS = 200
_MOST_ROWS = 20_000
_WRITTEN = (
    "name",
    "kind",
    "version",
    "state",
    "criticality",
    "regulated",
    "team",
    "service",
    "environment",
    "owner",
    "expected",
    "expected_digest",
    "external_class",
)
_Reader = Callable[[BinaryIO, str, OnError], Iterator[Placed]]


class Form(models.TextChoices):
    """How the files are laid out."""

    OWN = "own", "Own columns: id, name, kind, …"
    SERVICENOW = "servicenow", "ServiceNow: exports of cmdb_ci and cmdb_rel_ci"


_READERS: dict[str, tuple[_Reader, _Reader]] = {
    Form.OWN: (read_items, read_relations),
    Form.SERVICENOW: (read_servicenow_items, read_servicenow_relations),
}

Source = Annotated[
    str,
    Field("Source", help="Names the system; items are told apart by their ids there.", max_length=80),
]
Complete = Annotated[
    bool,
    Field(
        "Holds everything of this source",
        help="What is on record from this source and not in here is retired, its relations ended.",
    ),
]
DryRun = Annotated[bool, Field("Dry run", help="Only say what would change.")]


@action(
    "configuration_item.import_file",
    creates=ConfigurationItem,
    requires="imports.run",
    label="Import items",
)
def import_files(
    actor: Actor,
    *,
    file: Annotated[Upload | None, Field("Items", help="CSV with a header, or JSON.")] = None,
    relations: Annotated[
        Upload | None, Field("Relations", help="CSV with source, kind, target; or JSON.")
    ] = None,
    form: Annotated[Form, Field("Form")] = Form.OWN,
    source: Source = "cmdb",
    complete: Complete = False,
    dry_run: DryRun = False,
) -> ImportRun:
    """Import configuration items and relations from files: all rows or none. The same files twice change nothing."""
    if file is None and relations is None:
        refuse("import.nothing", "Give a file of items, of relations, or both.", field="file")
    errors: dict[str, list[RowError]] = {"file": [], "relations": []}
    of_items, of_relations = _READERS[form]
    rows = list(of_items(io.BytesIO(file.content), file.name, errors["file"].append)) if file else []
    links = (
        list(of_relations(io.BytesIO(relations.content), relations.name, errors["relations"].append))
        if relations
        else []
    )
    for name, upload, found in (("file", file, rows), ("relations", relations, links)):
        if upload and not found and not errors[name]:
            errors[name].append(RowError(upload.name, None, "", "The file holds no rows."))
    both = b"\n".join(each.content for each in (file, relations) if each)
    work = _Import(actor, source, lenient=form == Form.SERVICENOW, errors=errors)
    return work.run(
        rows,
        links,
        complete=complete,
        dry_run=dry_run,
        name=" and ".join(each.name for each in (file, relations) if each),
        content="sha256:" + hashlib.sha256(both).hexdigest(),
    )


@action(
    "configuration_item.import_rows",
    creates=ConfigurationItem,
    requires="imports.run",
    label="Import rows",
)
def import_rows(
    actor: Actor,
    *,
    items: Annotated[
        list | None,
        Field("Items", help='[{"id": "srv-1", "name": "Ledger", "kind": "application", …}]'),
    ] = None,
    relations: Annotated[
        list | None,
        Field("Relations", help='[{"source": "srv-1", "kind": "runs_on", "target": "host-9"}]'),
    ] = None,
    source: Source = "cmdb",
    complete: Complete = False,
    dry_run: DryRun = False,
) -> ImportRun:
    """Import configuration items and relations given as JSON: all rows or none; repeating it changes nothing."""
    errors: dict[str, list[RowError]] = {"items": [], "relations": []}
    if not items and not relations:
        refuse("import.nothing", "Give items, relations, or both.", field="items")
    if len(items or ()) + len(relations or ()) > _MOST_ROWS:
        refuse(
            "import.size",
            f"At most {_MOST_ROWS} rows at once.",
            remedy="Send several batches.",
            field="items",
        )
    rows = list(items_from(items or (), errors["items"].append))
    links = list(relations_from(relations or (), errors["relations"].append))
    work = _Import(actor, source, lenient=False, errors=errors)
    return work.run(
        rows, links, complete=complete, dry_run=dry_run, name="rows", content=digest([items, relations])
    )


@dataclass
class _Import:
    """One import; `lenient` leaves out what names nobody here instead of refusing it."""

    actor: Actor
    source: str
    lenient: bool
    errors: dict[str, list[RowError]]

    def run(
        self,
        rows: list[Placed],
        links: list[Placed],
        *,
        complete: bool,
        dry_run: bool,
        name: str,
        content: str,
    ) -> ImportRun:
        started = now()
        self.source = self.source.strip() or "cmdb"
        on_record = ConfigurationItem.objects.select_for_update(of=("self",), no_key=True)
        known = {
            item.external_id: item
            for item in on_record.filter(source=self.source).exclude(external_id="").order_by("pk")
        }
        made, changed, same = self._items(rows, known)
        begun, kept, ends = self._relations(links, known)
        self._refuse()
        if complete:
            listed = {row.id for _, row in rows}
            gone = (
                [i for i in known.values() if i.external_id not in listed and i.state != "retired"]
                if rows
                else []
            )
            for item in gone:
                item.state = ConfigurationItem.State.RETIRED
            changed += gone
        else:
            ends = []
        if not dry_run:
            bulk_create_tracked(made)
            bulk_update_tracked(changed, list(_WRITTEN))
            bulk_create_tracked(begun)
            self._end(ends, started)
        return ImportRun.objects.create(
            kind="configuration, dry run" if dry_run else "configuration",
            source_name=f"{self.source}: {name}"[:200],
            digest=content,
            rows=len(rows) + len(links),
            created=len(made) + len(begun),
            updated=len(changed) + len(ends),
            unchanged=same + kept,
            started_at=started,
            finished_at=now(),
        )

    def _items(
        self, rows: list[Placed], known: dict[str, ConfigurationItem]
    ) -> tuple[list[ConfigurationItem], list[ConfigurationItem], int]:
        self._twice("file", [row.id for _, row in rows])
        places = _Places(rows)
        made, changed, same = [], [], 0
        for place, row in rows:
            values = self._values(place, row, places)
            item = known.get(row.id)
            if item is None:
                item = ConfigurationItem(source=self.source, external_id=row.id)
                _apply(item, values)
                made.append(item)
                known[row.id] = item
            elif _apply(item, values):
                changed.append(item)
            else:
                same += 1
        return made, changed, same

    def _values(self, place: str, row: ItemRow, places: _Places) -> dict[str, Any]:
        """What the row says, its names resolved."""
        values = asdict(row)
        values["expected"] = values.pop("attributes")
        del values["id"]
        for column, found in (
            ("team", places.teams.get(row.team.lower())),
            ("service", places.services.get(row.service)),
            ("environment", places.environments.get(row.environment.lower())),
            ("owner", places.people.get(row.owner.lower())),
        ):
            said = values[column]
            values[column] = found
            if said and found is None and not self.lenient:
                who = {"owner": "nobody of this organization with the address", "team": "no team"}
                self._fault(
                    "file", f"{place}, {column}", f"There is {who.get(column, f'no {column}')} {said}."
                )
        if self.lenient and values["service"] is None and row.kind in ("application", "business_service"):
            values["service"] = places.services.get(row.name)
        return values

    def _relations(
        self, links: list[Placed], known: dict[str, ConfigurationItem]
    ) -> tuple[list[ConfigurationRelation], int, list[ConfigurationRelation]]:
        """The relations to begin, how many stand already, and those of this source that the file does not name."""
        by_key = {}
        missing = {end for _, row in links for end in (row.source, row.target)} - known.keys()
        if missing:
            by_key = {i.key: i for i in ConfigurationItem.objects.filter(key__in=missing)}
        by_name: dict[str, ConfigurationItem] = {}
        if self.lenient:
            counted = Counter(item.name for item in known.values())
            by_name = {item.name: item for item in known.values() if counted[item.name] == 1}
        standing = {
            (r.source_id, r.kind, r.target_id): r
            for r in ConfigurationRelation.objects.filter(ended_at__isnull=True)
        }
        begun: dict[Any, ConfigurationRelation] = {}
        named = set()
        for place, row in links:
            ends = []
            for column in ("source", "target"):
                said = getattr(row, column)
                found = known.get(said) or by_key.get(said) or by_name.get(said)
                ends.append(found)
                if found is None:
                    self._fault("relations", f"{place}, {column}", f"There is no item {said}.")
            one, other = ends
            if one is None or other is None:
                continue
            if one.pk == other.pk:
                self._fault("relations", place, "An item hangs on no relation with itself.")
                continue
            key = (one.pk, row.kind, other.pk)
            named.add(key)
            if key not in standing and key not in begun:
                begun[key] = ConfigurationRelation(
                    source=one, kind=row.kind, target=other, origin=self.source
                )
        ends_now = [r for key, r in standing.items() if r.origin == self.source and key not in named]
        return list(begun.values()), len(named) - len(begun), ends_now if links else []

    def _end(self, relations: list[ConfigurationRelation], at: datetime) -> None:
        for relation in relations:
            relation.ended_at = at
        bulk_update_tracked(relations, ["ended_at"])

    def _twice(self, name: str, ids: Iterable[str]) -> None:
        for each, count in Counter(ids).items():
            if count > 1:
                self._fault(name, "id", f"{each} is in the file more than once.")

    def _fault(self, name: str, place: str, sentence: str) -> None:
        target = name if name in self.errors else "items"
        self.errors[target].append(RowError(target, None, place, sentence))

    def _refuse(self) -> None:
        found = [
            Refusal("import.row", str(e), "Correct the file; nothing was imported.", field=name, status=422)
            for name, errors in self.errors.items()
            for e in errors
        ]
        if found:
            raise Refused(*found[:_SHOWN_ERRORS])


class _Places:
    """What the rows may name."""

    def __init__(self, rows: list[Placed]):
        services = {row.service for _, row in rows} | {row.name for _, row in rows}
        self.services = {s.name: s for s in Service.objects.filter(name__in=services)}
        self.teams = {t.code.lower(): t for t in Team.objects.all()} | {
            t.name.lower(): t for t in Team.objects.all()
        }
        self.environments = {e.name.lower(): e for e in Environment.objects.all()}
        owners = {row.owner.lower() for _, row in rows if row.owner}
        self.people = _people(owners) if owners else {}


def _people(named: set[str]) -> dict[str, User]:
    """Members of the organization by e-mail address and by name."""
    from releasetrain.tenancy.scope import require_scope

    members = User.objects.filter(memberships__organization_id=require_scope().organization_id)
    found = {}
    for user in members.distinct():
        for said in (user.email.lower(), str(user).lower()):
            if said in named:
                found[said] = user
    return found


def _apply(item: ConfigurationItem, values: dict[str, Any]) -> bool:
    """Put the row into the item; what is empty leaves what is known. True when it changed."""
    changed = False
    for name, value in values.items():
        if value not in (None, "") and getattr(item, name) != value:
            setattr(item, name, value)
            changed = True
    return changed
