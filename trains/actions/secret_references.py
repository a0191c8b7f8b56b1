"""Verbs of secrets by reference. A value that is sent by mistake is refused, and kept nowhere."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from releasetrain.accounts.models import Membership
from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.scope import require_scope
from trains.models import SecretReference, Stage
from trains.rules.secret_values import secret_in

explain_constraint("secret_reference_name_once", "The stage has a secret of this name.")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,79}")
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./ -]{0,299}")
MOST_USERS = 100

Mount = Annotated[str, Field("Mount", help="Of the KV engine, version 2.", max_length=120)]
Path = Annotated[str, Field("Path", help="In Vault, e.g. payments/ledger/database.", max_length=300)]
Key = Annotated[str, Field("Key", help="Of the secret at that path.", max_length=120)]
Purpose = Annotated[str, Field("What it is for", max_length=300)]
Users = Annotated[
    list[str],
    Field(
        "Who may use it",
        help="E-mail addresses of people and service accounts, one a line.",
        long=True,
    ),
]
Days = Annotated[int, Field("Rotated at least every days", min=1, max=3650)]


def _no_value(**texts: Any) -> None:
    """Refuses what looks like a secret, and does not repeat it."""
    for field, text in texts.items():
        found = secret_in(text)
        if found:
            refuse(
                "secret.value",
                f"This looks like a secret itself: {found[1]}. Nothing was stored.",
                remedy="Send the path and the key under which it lies in Vault. Rotate the secret if it was one.",
                field=field,
            )


def _placed(mount: str, path: str, key: str) -> None:
    for field, value in (("mount", mount), ("path", path), ("key", key)):
        if not _PATH.fullmatch(value) or ".." in value or "//" in value:
            refuse(
                "secret_reference.place",
                f"A {field} has letters, digits, dashes, dots and slashes, and no empty part.",
                field=field,
            )


def _known(users: list[str]) -> list[str]:
    """The addresses of members, each once."""
    asked = list(dict.fromkeys(each.strip().lower() for each in users if each.strip()))
    if not asked or len(asked) > MOST_USERS:
        refuse("secret_reference.users", f"Name 1 to {MOST_USERS} who may use it.", field="users")
    rows = Membership.objects.filter(organization_id=require_scope().organization_id)
    members = {str(email).lower() for email in rows.values_list("user__email", flat=True)}
    for number, each in enumerate(asked, 1):
        if each not in members:
            # What was typed is not repeated: it may have been anything.
            refuse(
                "person.unknown",
                f"Line {number} is the e-mail address of nobody here.",
                remedy="Name members and service accounts of the organization.",
                field="users",
            )
    return asked


@action(
    "secret_reference.create",
    creates=SecretReference,
    requires="trains.manage",
    within="stage",
    label="Refer to a secret",
)
def create_reference(
    actor: Actor,
    *,
    stage: Annotated[
        Stage, Field("Stage", rows=lambda actor, _: Stage.objects.filter(retired_at__isnull=True))
    ],
    name: Annotated[str, Field("Name", help="As the stage calls it, e.g. DATABASE_PASSWORD.", max_length=80)],
    path: Path,
    key: Key,
    users: Users,
    mount: Mount = "secret",
    purpose: Purpose = "",
    rotate_days: Days = 90,
) -> SecretReference:
    """Say where in Vault a secret of a stage lies, and who may use it there. Never its value."""
    _no_value(name=name, mount=mount, path=path, key=key, purpose=purpose, users=users)
    if not _NAME.fullmatch(name.strip()):
        refuse(
            "secret_reference.name", "A name has letters, digits, underscores, dots and dashes.", field="name"
        )
    _placed(mount.strip("/ "), path.strip("/ "), key.strip())
    if SecretReference.objects.filter(stage=stage, name=name.strip(), retired_at__isnull=True).exists():
        refuse("secret_reference.exists", f"{stage} has a secret of this name.", field="name")
    return SecretReference.objects.create(
        stage=stage,
        name=name.strip(),
        mount=mount.strip("/ "),
        path=path.strip("/ "),
        key=key.strip(),
        purpose=purpose.strip(),
        users=_known(users),
        rotate_days=rotate_days,
    )


@action("secret_reference.edit", on=SecretReference, requires="trains.manage", label="Edit")
def edit_reference(
    actor: Actor,
    reference: SecretReference,
    *,
    path: Path = KEEP,
    key: Key = KEEP,
    users: Users = KEEP,
    mount: Mount = KEEP,
    purpose: Purpose = KEEP,
    rotate_days: Days = KEEP,
) -> SecretReference:
    """Change where it lies, who may use it, or how often it is rotated; what is left out stays."""
    given = {"mount": mount, "path": path, "key": key, "purpose": purpose, "users": users}
    said = {name: value for name, value in given.items() if value is not KEEP}
    _no_value(**said)
    place = (reference.mount, reference.path, reference.key)
    for name, value in said.items():
        if name != "users":
            setattr(reference, name, str(value).strip("/ " if name in ("mount", "path") else None))
    _placed(reference.mount, reference.path, reference.key)
    if "users" in said:
        reference.users = _known(users)
    if rotate_days is not KEEP:
        reference.rotate_days = rotate_days
    if place != (reference.mount, reference.path, reference.key):
        reference.rotated_at, reference.version, reference.read_at, reference.fault = None, None, None, ""
    reference.save()
    return reference


@action("secret_reference.retire", on=SecretReference, requires="trains.manage", danger=True)
def retire_reference(
    actor: Actor, reference: SecretReference, *, reason: Annotated[str, Field("Reason", long=True)]
) -> SecretReference:
    """The stage no longer needs it."""
    if reference.retired_at is not None:
        refuse("secret_reference.retired", f"{reference} is retired.")
    reference.retired_at = now()
    reference.save()
    return reference


@action("secret_reference.note_rotations", requires="audit.read", hidden=True, label="Note rotations")
def note_rotations(actor: Actor, *, answers: list) -> dict[str, int]:
    """Note what Vault's metadata says of secrets: when each was rotated. The system does, after asking."""
    if actor.kind != "system":
        refuse("secret_reference.system", "Only the system notes what Vault says.", status=403)
    rows = {
        str(row.pk): row
        for row in SecretReference.objects.select_for_update().filter(retired_at__isnull=True)
    }
    changed = 0
    for said in answers:
        row = rows.get(said["reference"])
        # Edited meanwhile: the answer is about another place.
        if row is None or row.place != said["place"]:
            continue
        rotated = datetime.fromisoformat(said["rotated_at"]) if said["rotated_at"] else None
        news = (rotated or row.rotated_at, said["version"] or row.version, said["fault"])
        if news != (row.rotated_at, row.version, row.fault) or row.read_at is None:
            changed += 1
        row.rotated_at, row.version, row.fault = news
        row.read_at = datetime.fromisoformat(said["read_at"])
        row.save()
    return {"asked": len(answers), "changed": changed}
