"""What scanners post: how configuration items were seen. The same report twice changes nothing; older ones do not overwrite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.db.models import Q

from releasetrain.audit.doorway import Actor, Field, Refusal, Refused, action
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import ConfigurationItem, ConfigurationObservation, Environment, ImportRun
from trains.rules.configuration import attributes_fault

_MOST = 10_000
_SHOWN_ERRORS = 200
_KNOWN = {"id", "name", "present", "version", "state"}
# Clocks differ a little; further ahead is a wrong clock.
_AHEAD = timedelta(minutes=5)


@action(
    "configuration_observation.post",
    creates=ConfigurationObservation,
    requires="results.post",
    label="Post observed states",
)
def post_observations(
    actor: Actor,
    *,
    source: Annotated[str, Field("Scanner", max_length=80)],
    states: Annotated[
        list,
        Field(
            "States",
            help='[{"id": "srv-1", "version": "5.2.0", "state": {"tls": "1.3"}}]; an id is a key such as CI-3, the'
            " id at the CMDB, or a unique name; present: false says that it is gone.",
        ),
    ],
    observed_at: Annotated[datetime | None, Field("Observed at", help="Empty: now.")] = None,
    environment: Environment | None = None,
    complete: Annotated[
        bool,
        Field("Holds everything", help="What this scanner saw here before and not now is gone."),
    ] = False,
) -> ImportRun:
    """Post how things were seen, all rows or none. Older reports than the last one change nothing."""
    started = now()
    scanner = source.strip()
    if not scanner:
        refuse("observation.source", "Name the scanner.", field="source")
    at = observed_at or started
    if at > started + _AHEAD:
        refuse("observation.ahead", "It was observed in the future.", field="observed_at")
    rows = _read(states)
    known = {
        row.external_id: row
        for row in ConfigurationObservation.objects.select_for_update(no_key=True)
        .filter(source=scanner)
        .order_by("pk")
    }
    items = _items_of(rows)
    made: list[ConfigurationObservation] = []
    changed: list[ConfigurationObservation] = []
    for external_id, said in rows.items():
        row = known.get(external_id)
        if row is None:
            row = ConfigurationObservation(source=scanner, external_id=external_id)
            made.append(row)
        elif row.observed_at >= at:
            continue
        else:
            changed.append(row)
        _see(row, said, items.get(external_id), environment, at)
    if complete:
        gone = [r for k, r in known.items() if k not in rows and r.present and r.observed_at < at]
        for row in gone:
            if environment is None or row.environment_id == environment.pk:
                row.present, row.observed_at = False, at
                changed.append(row)
    bulk_create_tracked(made)
    bulk_update_tracked(changed, ["item", "environment", "name", "present", "state", "digest", "observed_at"])
    return ImportRun.objects.create(
        kind="observed states",
        source_name=scanner,
        digest=digest([at.isoformat(), states]),
        rows=len(rows),
        created=len(made),
        updated=len(changed),
        unchanged=len(rows) - len(made) - sum(1 for r in changed if r.external_id in rows),
        started_at=started,
        finished_at=now(),
    )


def _read(states: list[Any]) -> dict[str, dict[str, Any]]:
    """The rows by id, or every row's fault."""
    faults: list[Refusal] = []

    def fault(index: int, sentence: str) -> None:
        faults.append(Refusal("observation.row", f"Row {index + 1}: {sentence}", field="states", status=422))

    if len(states) > _MOST:
        refuse("observation.size", f"At most {_MOST} rows at once.", remedy="Send several.", field="states")
    rows: dict[str, dict[str, Any]] = {}
    for index, row in enumerate(states):
        if not isinstance(row, dict):
            fault(index, "an object is expected.")
            continue
        said = str(row.get("id") or "").strip()
        unknown = sorted(set(row) - _KNOWN)
        state = row.get("state") or {}
        version = row.get("version", "")
        if not said or len(said) > 200 or isinstance(row.get("id"), dict | list):
            fault(index, "an id of at most 200 characters is needed.")
        elif said in rows:
            fault(index, f"{said} is there more than once.")
        elif unknown:
            fault(
                index,
                f"{', '.join(map(str, unknown))[:80]} is not known; known are {', '.join(sorted(_KNOWN))}.",
            )
        elif not isinstance(row.get("present", True), bool):
            fault(index, "present is true or false.")
        elif not isinstance(version, str) or len(version) > 120:
            fault(index, "a version is a text of at most 120 characters.")
        elif not isinstance(row.get("name", ""), str) or len(row.get("name", "")) > 200:
            fault(index, "a name is a text of at most 200 characters.")
        elif problem := attributes_fault(state):
            fault(index, problem)
        else:
            rows[said] = {**row, "state": {**({"version": version} if version else {}), **state}}
    if faults:
        raise Refused(*faults[:_SHOWN_ERRORS])
    return rows


def _items_of(ids: Iterable[str]) -> dict[str, ConfigurationItem]:
    """The item that each id means: by key, by its id at the CMDB, by a name that only one has."""
    wanted = list(ids)
    rows = ConfigurationItem.objects.exclude(state=ConfigurationItem.State.RETIRED).filter(
        Q(key__in=wanted) | Q(external_id__in=wanted) | Q(name__in=wanted)
    )
    listed = list(rows)
    names = Counter(item.name for item in listed)
    sources = Counter(item.external_id for item in listed)
    found = {item.name: item for item in listed if names[item.name] == 1}
    found |= {i.external_id: i for i in listed if i.external_id and sources[i.external_id] == 1}
    return found | {item.key: item for item in listed}


def _see(
    row: ConfigurationObservation,
    said: dict[str, Any],
    item: ConfigurationItem | None,
    environment: Environment | None,
    at: datetime,
) -> None:
    row.item = item
    row.environment = environment
    row.name = said.get("name") or row.name
    row.present = said.get("present", True)
    row.state = said["state"]
    row.digest = digest(row.state)
    row.observed_at = at
