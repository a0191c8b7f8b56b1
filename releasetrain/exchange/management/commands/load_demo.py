"""`load_demo`: the demo organizations, generated from a seed, labelled as demo data. A second run changes nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from releasetrain.accounts.demo_logins import CONTOSO, NORTHWIND
from releasetrain.exchange.demo.bank import Bank
from releasetrain.exchange.demo.cast import found
from releasetrain.exchange.demo.clinic import build_clinic
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope


class Command(BaseCommand):
    help = "Load the demo organizations (once)."

    def handle(self, *args: Any, **options: Any) -> None:
        if Organization.objects.filter(slug="northwind").exists():
            self.stdout.write("The demo is loaded already.")
            return
        with transaction.atomic():
            bank = found("northwind", "Northwind Bank", "Europe/Berlin", NORTHWIND)
            with tenant_scope(
                bank.organization.pk, Actor.system(bank.organization.pk, "demo data", route="command")
            ):
                Bank(bank).build()
        with transaction.atomic():
            clinic = found("contoso-health", "Contoso Health", "Europe/London", CONTOSO)
            with tenant_scope(
                clinic.organization.pk, Actor.system(clinic.organization.pk, "demo data", route="command")
            ):
                build_clinic(clinic)
        self.stdout.write("The demo organizations northwind and contoso-health are loaded.")
