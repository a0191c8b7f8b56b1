"""What stands in the way of removing a closed organization, and removing it: all rows, then its files, then a certificate.

Run as the schema's owner: the application's own role may delete nothing that is append-only, and never will.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Max

from governance.models import LegalHold, RetentionPolicy, StoredFile
from releasetrain.accounts.models import Membership, User
from releasetrain.audit.models import Checkpoint
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.filestore import store
from releasetrain.tenancy.guards import apply_guards, tenant_models
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

from .models import Closing, OrganizationArchive

WAIT = timedelta(days=30)


def closing_of(organization: Organization) -> Closing | None:
    """The closing that was asked for and not withdrawn."""
    return Closing.objects.filter(former_id=organization.pk, withdrawn_at__isnull=True).first()


def obstacles(closing: Closing) -> list[str]:
    """Why the organization's rows stay for now, inside its scope; empty: they may go."""
    if closing.confirmed_at is None or closing.due_at is None:
        return ["A second owner has not confirmed the closing."]
    found = []
    if closing.due_at > now():
        found.append(f"The waiting time runs until {closing.due_at:%d %B %Y, %H:%M} UTC.")
    holds = LegalHold.objects.filter(lifted_at__isnull=True)
    if holds.exists():
        found.append("Legal holds stand: " + ", ".join(hold.key for hold in holds[:20]) + ".")
    until = kept_until(closing.confirmed_at)
    if until and until > now():
        found.append(f"Retention keeps stored records until {until:%d %B %Y}.")
    return found


def kept_until(confirmed_at: datetime) -> datetime | None:
    """When the last retention of the newest record is over. A clock that had not begun begins with the closing."""
    newest = StoredFile.objects.aggregate(newest=Max("created_at"))["newest"]
    if newest is None:
        return None
    ends = [
        (newest if policy.clock == RetentionPolicy.Clock.RECEIVED else confirmed_at)
        + timedelta(days=policy.keep_days)
        for policy in RetentionPolicy.objects.filter(retired_at__isnull=True)
    ]
    return max(ends, default=None)


def remove(organization: Organization, closing: Closing) -> dict[str, Any]:
    """Remove every row and file. In one transaction: either all of it is gone, or nothing."""
    slug, former = organization.slug, organization.pk
    with transaction.atomic():
        with tenant_scope(former, Actor.system(former, "closing", route="command")):
            newest = Checkpoint.objects.order_by("-id").first()
            archive = OrganizationArchive.objects.exclude(digest="").order_by("-finished_at").first()
            certificate = {
                "checkpoint": newest.note if newest else None,
                "archive": archive.digest if archive else None,
                "files": StoredFile.objects.count(),
                "rows": _delete(organization),
            }
        connection.check_constraints()
        apply_guards()
        closing.removed_at, closing.certificate = now(), certificate
        closing.save()
    # What was being made lies in the folder of local state, wherever the files are kept.
    shutil.rmtree(Path(settings.VAR) / "files" / str(former), ignore_errors=True)
    store().remove_all(str(former))
    return {"slug": slug, **certificate}


def _delete(organization: Organization) -> dict[str, int]:
    """Rows by table. The triggers that refuse deletion are off for this transaction only, and are put back in it."""
    counts: dict[str, int] = {}
    machines = list(
        User.objects.filter(kind=User.Kind.SERVICE, memberships__organization=organization).values_list(
            "pk", flat=True
        )
    )
    people = list(Membership.objects.filter(organization=organization).values_list("user_id", flat=True))
    tables = [model._meta.db_table for model in tenant_models()]
    others = [m._meta.db_table for m in apps.get_models() if m._meta.db_table not in tables and _names(m)]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for table in [*tables, *others]:
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
            cursor.execute(f'DELETE FROM "{table}" WHERE organization_id = %s', [organization.pk])  # noqa: S608 - our own tables
            if cursor.rowcount:
                counts[table] = cursor.rowcount
        cursor.execute("DELETE FROM accounts_user WHERE id = ANY(%s::uuid[])", [[str(pk) for pk in machines]])
        cursor.execute("DELETE FROM tenancy_organization WHERE id = %s", [organization.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    counts["people who keep their account"] = len(set(people) - set(machines))
    return counts


def _names(model: type[models.Model]) -> bool:
    """Whether rows of the model name an organization."""
    return any(
        isinstance(f, models.ForeignKey)
        and f.remote_field.model is Organization
        and f.column == "organization_id"
        for f in model._meta.concrete_fields
    )
