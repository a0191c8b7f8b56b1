"""Verbs of control catalogues: import, starters, baselines, what a control rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from governance.actions import documents
from governance.activities import activities
from governance.checks import registry
from governance.files import digest_of
from governance.models import Control, ControlCatalogue, ControlMapping, DocumentKind
from governance.queries.coverage import title_of
from governance.rules.catalogues import (
    CatalogueFaults,
    CatalogueText,
    ControlText,
    read_catalogue,
    read_profile,
)
from governance.rules.catalogues.reading import json_of
from governance.starters import Starter, starter, starters
from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action, explain_constraint
from releasetrain.audit.history import bulk_create_tracked, bulk_update_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP, Field, Upload
from releasetrain.kernel.refusals import Refusal, Refused, refuse

_SHOWN_FAULTS = 200
_CONTENT = ("code", "title", "statement", "group", "position", "withdrawn", "parent_id")

explain_constraint("mapping_once", "The control rests on this already.")
explain_constraint("catalogue_edition_once", "This edition of the catalogue is here already.")


@action("control_catalogue.import", creates=ControlCatalogue, requires="controls.manage", label="Import")
def import_catalogue(
    actor: Actor,
    *,
    file: Annotated[Upload, Field("File", help="OSCAL catalogue (JSON), a JSON list of controls, or CSV.")],
    code: Annotated[
        str,
        Field("Short name", help="Like nist-800-53. The same name and version again updates.", max_length=60),
    ],
    title: Annotated[str, Field("Title", help="Empty: as the file says.", max_length=200)] = "",
    version: Annotated[str, Field("Version", help="Empty: as the file says.", max_length=60)] = "",
    jurisdiction: Annotated[str, Field("Jurisdiction", help="Where it binds, like EU.", max_length=60)] = "",
) -> ControlCatalogue:
    """Import a control catalogue: all of it or nothing. The same file twice changes nothing.

    Controls that a newer file leaves out are marked as withdrawn; none is ever deleted, for assessments refer to them.
    """
    _fit(code)
    text = _read(file)
    digest = digest_of(file.content)
    named = {"title": title or text.title or file.name, "version": version or text.version or "unversioned"}
    return _store(
        code, named["version"], text, title=named["title"][:200], digest=digest,
        source=file.name[:300], source_id=text.source_id, jurisdiction=jurisdiction,
    )  # fmt: skip


@action(
    "control_catalogue.load_starter",
    creates=ControlCatalogue,
    requires="controls.manage",
    label="Load a starter mapping",
)
def load_starter(
    actor: Actor,
    *,
    starter_set: Annotated[str, Field("Starter", choices=lambda: [(s.code, s.title) for s in starters()])],
    catalogue: Annotated[
        ControlCatalogue | None,
        Field(
            "Onto",
            help="An imported catalogue whose controls are mapped. Empty: the starter's own short one.",
        ),
    ] = None,
) -> ControlCatalogue:
    """Load a framework in our words with what its controls rest on here; twice adds nothing, own mappings stay."""
    chosen = starter(starter_set)
    if chosen is None:
        refuse("starter.absent", f"There is no starter {starter_set[:60]}.", field="starter_set")
    if catalogue is None:
        catalogue = _store(
            chosen.code, chosen.version, chosen.text, title=chosen.title, digest=chosen.digest,
            source="starter mapping", source_id="", jurisdiction=chosen.jurisdiction,
        )  # fmt: skip
    documents.make_kinds(
        m["target"] for listed in chosen.mappings.values() for m in listed if m["kind"] == "document"
    )
    _map_all(chosen, catalogue)
    return catalogue


def _store(code: str, version: str, text: CatalogueText, **about: Any) -> ControlCatalogue:
    catalogue = ControlCatalogue.objects.select_for_update().filter(code=code, version=version).first()
    if catalogue is None:
        catalogue = ControlCatalogue.objects.create(code=code, version=version, **about)
    else:
        changed = {k: v for k, v in about.items() if v and getattr(catalogue, k) != v}
        if not changed and catalogue.retired_at is None:
            return catalogue
        for name, value in changed.items():
            setattr(catalogue, name, value)
        catalogue.retired_at = None
        catalogue.imported_at = now()
        catalogue.save()
    _write(catalogue, text.controls)
    return catalogue


def _write(catalogue: ControlCatalogue, texts: Iterable[ControlText]) -> None:
    """Create what is new, update what differs, withdraw what is gone."""
    known = {c.identifier: c for c in Control.objects.filter(catalogue=catalogue)}
    given = list(texts)
    rows = {t.identifier: known.get(t.identifier) or Control(catalogue=catalogue) for t in given}
    created, updated = [], []
    for place, text in enumerate(given):
        control = rows[text.identifier]
        wanted = {
            "code": text.code, "title": text.title, "statement": text.statement, "group": text.group,
            "position": place, "withdrawn": text.withdrawn,
            "parent_id": rows[text.parent].pk if text.parent else None,
        }  # fmt: skip
        before = {name: getattr(control, name) for name in _CONTENT}
        if text.identifier not in known:
            created.append(control)
            control.identifier = text.identifier
        elif before != wanted:
            updated.append(control)
        for name, value in wanted.items():
            setattr(control, name, value)
    for identifier, control in known.items():
        if identifier not in rows and not control.withdrawn:
            control.withdrawn = True
            updated.append(control)
    bulk_create_tracked(_parents_first(created))
    bulk_update_tracked(updated, ["code", "title", "statement", "group", "position", "withdrawn", "parent"])


def _parents_first(controls: list[Control]) -> list[Control]:
    """In an order in which every parent is there before its parts."""
    fresh = {c.pk for c in controls}
    ordered: list[Control] = []
    waiting = controls
    while waiting:
        ready = [c for c in waiting if c.parent_id not in fresh]
        fresh -= {c.pk for c in ready}
        ordered += ready
        waiting = [c for c in waiting if c.pk in fresh]
    return ordered


def _map_all(chosen: Starter, catalogue: ControlCatalogue) -> None:
    controls = {c.identifier.lower(): c for c in catalogue.controls.all()}
    wanted = {i.lower(): m for i, m in chosen.mappings.items()}
    if not controls.keys() & wanted.keys():
        refuse(
            "starter.unmatched",
            f"{catalogue} has none of the controls that the starter maps.",
            remedy=f"It maps {', '.join(sorted(chosen.mappings)[:5])} and others by identifier.",
            field="catalogue",
        )
    there = set(
        ControlMapping.objects.filter(control__catalogue=catalogue).values_list("control", "kind", "target")
    )
    bulk_create_tracked(
        [
            ControlMapping(
                control=controls[identifier], kind=m["kind"], target=m["target"],
                rationale=m["rationale"], source=chosen.code,
            )
            for identifier, listed in wanted.items()
            if identifier in controls
            for m in listed
            if (controls[identifier].pk, m["kind"], m["target"]) not in there
        ]
    )  # fmt: skip


@action(
    "control_catalogue.mark_baseline",
    on=ControlCatalogue,
    requires="controls.manage",
    label="Import a baseline",
)
def mark_baseline(
    actor: Actor,
    catalogue: ControlCatalogue,
    *,
    file: Annotated[Upload, Field("File", help="An OSCAL profile (JSON) that names controls.")],
    name: Annotated[str, Field("Baseline", help="Like moderate.", max_length=60)],
) -> ControlCatalogue:
    """Mark the controls that a profile selects. Refused whole when it names one that the catalogue lacks."""
    try:
        _, identifiers = read_profile(json_of(file.content))
    except CatalogueFaults as faults:
        raise Refused(*_refusals(faults)) from faults
    controls = {c.identifier: c for c in catalogue.controls.all()}
    absent = [i for i in identifiers if i not in controls]
    if absent:
        raise Refused(
            *[
                Refusal(
                    "baseline.absent", f"{i} is not in {catalogue}.", "Import the whole catalogue first.",
                    field="file", status=422,
                )
                for i in absent[:_SHOWN_FAULTS]
            ]
        )  # fmt: skip
    chosen = set(identifiers)
    changed = []
    for identifier, control in controls.items():
        if (name in control.baselines) != (identifier in chosen):
            others = [b for b in control.baselines if b != name]
            control.baselines = sorted([*others, name] if identifier in chosen else others)
            changed.append(control)
    bulk_update_tracked(changed, ["baselines"])
    return catalogue


@action(
    "control_catalogue.retire",
    on=ControlCatalogue,
    requires="controls.manage",
    danger=True,
    confirm="Its controls leave the coverage matrix. Assessments stay.",
)
def retire_catalogue(
    actor: Actor, catalogue: ControlCatalogue, *, reason: Annotated[str, Field("Reason", long=True)]
) -> ControlCatalogue:
    """Take a catalogue out of use."""
    if catalogue.retired_at:
        refuse("catalogue.retired", f"{catalogue} is retired already.")
    catalogue.retired_at = now()
    catalogue.save()
    return catalogue


@action("control.map", on=Control, requires="controls.manage", label="Rest on…")
def map_control(
    actor: Actor,
    control: Control,
    *,
    kind: Annotated[ControlMapping.Kind, Field("Kind")],
    target: Annotated[
        str,
        Field("Name", help="The check kind, the verb, the activity or the document kind.", max_length=80),
    ],
    rationale: Annotated[str, Field("Why", help="Why this is evidence for the control.", long=True)],
) -> ControlMapping:
    """Say what the control rests on here."""
    if control.withdrawn:
        refuse("control.withdrawn", f"{control} was withdrawn from its catalogue.")
    if not title_of(kind, target):
        refuse(
            "mapping.target",
            f"There is no {ControlMapping.Kind(kind).label.lower()} called {target}.",
            remedy=_known(kind),
            field="target",
            status=422,
        )
    if control.mappings.filter(kind=kind, target=target, retired_at__isnull=True).exists():
        refuse("mapping.exists", f"{control.code} rests on {target} already.", field="target")
    return ControlMapping.objects.create(control=control, kind=kind, target=target, rationale=rationale)


def _known(kind: str) -> str:
    if kind == ControlMapping.Kind.CHECK:
        return f"Known: {', '.join(registry.kinds())}."
    if kind == ControlMapping.Kind.ACTIVITY:
        return f"Known: {', '.join(activities())}."
    if kind == ControlMapping.Kind.DOCUMENT:
        codes = DocumentKind.objects.filter(retired_at__isnull=True).values_list("code", flat=True)
        return f"Known: {', '.join(codes)}." if codes else "Make the kind of document first."
    return "A verb as the audit trail names it, like change.vote."


@action("control_mapping.retire", on=ControlMapping, requires="controls.manage", danger=True)
def retire_mapping(
    actor: Actor, mapping: ControlMapping, *, reason: Annotated[str, Field("Reason", long=True)]
) -> ControlMapping:
    """The control no longer rests on this."""
    if mapping.retired_at:
        refuse("mapping.retired", "It is retired already.")
    mapping.retired_at = now()
    mapping.save()
    return mapping


@action("control.edit", on=Control, requires="controls.manage")
def edit_control(
    actor: Actor,
    control: Control,
    *,
    owner: Annotated[User | None, Field("Operated by", help="Never assesses it.")] = KEEP,
    applicable: Annotated[bool | None, Field("Applies here")] = None,
    applicability: Annotated[str | None, Field("Why it does not apply", long=True)] = None,
) -> Control:
    """Say who operates the control, and whether it applies here."""
    if owner is not KEEP:
        control.owner = owner
    if applicability is not None:
        control.applicability = applicability
    if applicable is not None:
        control.applicable = applicable
    if not control.applicable and not control.applicability.strip():
        refuse(
            "control.reason",
            "A control is scoped out only with a reason.",
            field="applicability",
            status=422,
        )
    control.save()
    return control


def _fit(code: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,58}[a-z0-9]", code):
        refuse(
            "catalogue.code",
            "A short name has lower-case letters, digits and hyphens.",
            field="code",
            status=422,
        )


def _read(file: Upload) -> CatalogueText:
    try:
        return read_catalogue(file.content)
    except CatalogueFaults as faults:
        raise Refused(*_refusals(faults)) from faults


def _refusals(faults: CatalogueFaults) -> list[Refusal]:
    found = [
        Refusal("import.row", str(f), "Correct the file; nothing was imported.", field="file", status=422)
        for f in faults.faults[:_SHOWN_FAULTS]
    ]
    left = len(faults.faults) - len(found)
    if left > 0:
        found.append(
            Refusal("import.row", f"And {left} more.", "Correct the file.", field="file", status=422)
        )
    return found
