"""`verify_ledger`: recompute every hash, root and signature; exit 1 and name what does not hold."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from releasetrain.audit.verification import verify_ledger
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


class Command(BaseCommand):
    help = "Verify the ledger of one organization, or of all."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("organization", nargs="*", help="Slugs; none means all.")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Organization.objects.order_by("slug")
        if options["organization"]:
            chosen = chosen.filter(slug__in=options["organization"])
        sound = True
        for organization in chosen:
            with tenant_scope(
                organization.pk, Actor.system(organization.pk, "verify_ledger", route="command")
            ):
                report = verify_ledger(organization.pk)
            verdict = "sound" if report.sound else "NOT SOUND"
            self.stdout.write(
                f"{organization.slug}: {verdict}. {report.entries} entries, {report.sealed} sealed, {report.checkpoints} checkpoints;"
                f" {report.changes} changes of rows."
            )
            for fault in report.faults:
                self.stdout.write(f"  {fault}")
            sound = sound and report.sound
        if not sound:
            sys.exit(1)
