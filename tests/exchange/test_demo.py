"""The demo goes through the ordinary actions, is labelled as such, and loads once."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command

from governance.models import ChangeRequest, Evaluation
from releasetrain.audit.models import LedgerEntry
from releasetrain.audit.verification import verify_ledger
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope
from trains.models import Release, RolloutCommand


def test_the_demo_bank_is_whole_and_loads_once(committed_db: Any, capsys: Any) -> None:
    for slug in ("northwind", "contoso-health"):
        Organization.objects.filter(slug=slug).update(slug=f"{slug}-before")
    call_command("load_demo")
    bank = Organization.objects.get(slug="northwind")
    assert bank.demo
    with tenant_scope(bank.pk, Actor.system(bank.pk, "test")):
        assert [r.state for r in Release.objects.order_by("key")] == ["released", "ready"]
        assert ChangeRequest.objects.get(release__key="REL-2").state == "awaiting_approval"
        assert Evaluation.objects.get(release__key="REL-1").verdict == "pass"
        answered = list(RolloutCommand.objects.filter(state="confirmed"))
        assert answered and all(c.issued_at < c.answered_at < c.due_at for c in answered)
        entries = LedgerEntry.objects.count()
        assert entries > 300
        assert verify_ledger(bank.pk).sound
    call_command("load_demo")
    assert "already" in capsys.readouterr().out
    with tenant_scope(bank.pk, Actor.system(bank.pk, "test")):
        assert LedgerEntry.objects.count() == entries
