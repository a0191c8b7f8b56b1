"""`seal_ledger`: seal what can be sealed now, as the worker does every few seconds."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from releasetrain.audit.sealing import seal
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


class Command(BaseCommand):
    help = "Seal the ledgers of all organizations."

    def handle(self, *args: Any, **options: Any) -> None:
        for organization in Organization.objects.order_by("slug"):
            with tenant_scope(organization.pk, Actor.system(organization.pk, "seal_ledger", route="command")):
                self.stdout.write(f"{organization.slug}: {seal(organization.pk)} entries sealed.")
