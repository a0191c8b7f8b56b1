"""Documents: versions approved by somebody else, required by tier, running out, and what the gate says about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, transaction

from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import Gateway

CHECK = {"kind": "required-documents", "name": "documents", "parameters": {}, "max_age_hours": 24}


@pytest.fixture
def gateway(cast: Any) -> Gateway:
    """Tier 1 service `ledger`, and a gate that asks for its documents."""
    return Gateway(cast, [CHECK])


def kinds(gateway: Any) -> dict[str, Any]:
    from governance.actions.documents import create_standard_kinds
    from governance.models import DocumentKind

    with gateway.scope("compliance_officer") as officer:
        create_standard_kinds(officer, gateway.cast.organization)
        return {k.code: k for k in DocumentKind.objects.all()}


def written(gateway: Any, kind: Any, role: str = "release_manager", **content: Any) -> Any:
    from governance.actions.documents import create_document

    with gateway.scope(role) as author:
        document = create_document(author, kind=kind, service=gateway.service, **content)
        return document.versions.get()


def approve(gateway: Any, version: Any, role: str = "cab_member", **more: Any) -> Any:
    from governance.actions.documents import approve_version

    with gateway.scope(role) as approver:
        return approve_version(approver, version, decision="In order.", **more)


def verdict(gateway: Any) -> Any:
    return gateway.check(gateway.evaluate(), "documents")


def test_the_gate_waits_for_every_document_of_the_tier_and_fails_when_one_runs_out(gateway: Any) -> None:
    assert verdict(gateway)["verdict"] == "pending"  # nothing says what is required
    known = kinds(gateway)
    assert verdict(gateway)["verdict"] == "fail"
    runbook = written(gateway, known["runbook"], text="# Runbook")
    plan = written(gateway, known["dr-plan"])
    assert plan.text == known["dr-plan"].template
    said = verdict(gateway)
    assert said["verdict"] == "fail"
    assert "Runbook of ledger" in said["reason"]
    approve(gateway, runbook)
    assert "Runbook" not in verdict(gateway)["reason"]
    approve(gateway, plan)
    assert verdict(gateway)["verdict"] == "pass"
    with time_machine.travel(now() + timedelta(days=400)):
        assert verdict(gateway)["verdict"] == "fail"


def test_a_new_version_counts_only_when_somebody_else_has_approved_it(gateway: Any) -> None:
    from governance.actions.documents import revise_document
    from governance.models import DocumentVersion

    first = approve(gateway, written(gateway, kinds(gateway)["runbook"], text="One"))
    with gateway.scope("release_manager") as author:
        second = revise_document(author, first.document, text="Two", note="Steps in order.")
        assert first.document.in_force == first
        with pytest.raises(Refused) as refused:
            revise_document(author, first.document, text="Three", note="Again.")
        assert refused.value.refusals[0].code == "document.waiting"
    approve(gateway, second)
    with gateway.scope("auditor"):
        assert first.document.in_force == second
        assert DocumentVersion.objects.get(pk=first.pk).state == "superseded"


def test_no_author_approves_and_the_database_holds_versions_still(gateway: Any) -> None:
    from governance.models import DocumentVersion

    version = written(gateway, kinds(gateway)["runbook"], "change_manager", text="One")
    with pytest.raises(Refused) as refused:
        approve(gateway, version, "change_manager")
    assert refused.value.refusals[0].code == "document.own"
    rows = DocumentVersion.objects
    with gateway.scope("auditor"):
        for change in (
            {"text": "Other"},
            {"state": "approved", "decided_by": version.author_id, "decided_at": now()},
            {"state": "superseded"},
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                rows.filter(pk=version.pk).update(**change)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"text": "a", "url": "https://docs.example/x"}, "document.content"),
        ({"url": "https://docs.example/x"}, "document.digest"),
        ({"url": "ftp://docs.example/x", "digest": "sha256:" + "0" * 64}, "document.url"),
    ],
)
def test_a_version_is_one_thing_with_a_digest(gateway: Any, content: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        written(gateway, kinds(gateway)["runbook"], **content)
    assert refused.value.refusals[0].code == code
    assert refused.value.refusals[0].status == 422


def test_a_file_is_kept_under_its_digest(gateway: Any) -> None:
    from governance import files

    version = written(
        gateway, kinds(gateway)["ato"], file=Upload("ato.pdf", b"%PDF-1.7\n%%EOF\n", "application/pdf")
    )
    with gateway.scope("auditor"):
        assert files.read(version.file) == b"%PDF-1.7\n%%EOF\n"
        assert version.digest == version.file.digest


def test_the_register_shows_what_is_there_what_waits_and_what_is_missing(gateway: Any, web: Any) -> None:
    empty = web("release_manager").get("/o/northwind/document-register/").content.decode()
    assert "No kinds of documents are defined" in empty
    known = kinds(gateway)
    approve(gateway, written(gateway, known["runbook"], text="One"))
    waiting = written(gateway, known["dr-plan"])
    page = web("release_manager").get("/o/northwind/document-register/").content.decode()
    assert "1 in force · 1 missing" in page
    assert str(waiting.pk) in page
    told = web("auditor").get("/api/v1/orgs/northwind/document-register").json()["kinds"]
    by_kind = {k["kind"]: k for k in told}
    assert [d["version"] for d in by_kind["runbook"]["in_force"]] == [1]
    assert by_kind["dr-plan"]["missing"] == ["ledger"]
