"""Evidence packages: built from real records, the same twice, verified alone, and every damage named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from governance.models import EvidencePackage, PackageDownload
from releasetrain.audit import keys
from releasetrain.audit.models import LedgerEntry
from releasetrain.audit.rules.package import build_zip
from releasetrain.audit.verifier import verify as alone
from tests.governance.story import Story

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def story(cast: Any) -> Story:
    return Story(cast)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def verified(path: Path, folder: Path) -> tuple[int, str]:
    """The stand-alone verifier in a process of its own: -I -S, so none of our packages can be imported."""
    script, pem = folder / "verify.py", folder / "key.pem"
    shutil.copy(alone.__file__, script)
    pem.write_text(keys.signer().public.pem)
    command = [sys.executable, "-I", "-S", str(script), str(path), "--key", str(pem)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return done.returncode, done.stdout


def test_a_package_holds_what_is_recorded_and_verifies_alone(
    committed_db: Any, story: Story, tmp_path: Path
) -> None:
    package = story.built()
    assert (package.state, package.error) == ("done", "")
    path = story.path(package)
    code, said = verified(path, tmp_path)
    assert (code, said.splitlines()[0]) == (0, "INTACT"), said
    parts = members(path)
    records = json.loads(parts["records.json"])["records"]
    kinds = {r["kind"] for r in records}
    assert {
        *("release", "scopeitem", "artifact", "service", "deployment", "train", "environment"),
        *("evaluation", "gate", "gateversion", "result", "finding"),
        *("changerequest", "vote", "board", "boardmember", "changecontributor", "changedeployment", "person"),
    } <= kinds
    release = next(r for r in records if r["kind"] == "release")
    assert next(h["did"] for h in release["data"]["history"]) == "created"
    assert any("state" in h["changes"] for h in release["data"]["history"])
    results = [r["data"] for r in records if r["kind"] == "result"]
    assert len(results) == 2
    assert all(r["packed_as"] in parts for r in results)
    verdict = next(r["data"] for r in records if r["kind"] == "evaluation")
    assert verdict["inputs_digest"].startswith("sha256:")
    entries = [json.loads(line) for line in parts["ledger/entries.jsonl"].splitlines()]
    verbs = {json.loads(e["body"])["verb"] for e in entries}
    assert {
        "release.create",
        "release.freeze",
        "change.vote",
        "deployment.record",
        "result.post",
        "evaluation.settle",
    } <= verbs
    assert package.entry_count == len(entries)
    assert parts["evidence.pdf"].startswith(b"%PDF-")
    assert b"REL-1 5.2.0" in parts["index.html"]


def test_the_same_facts_give_the_same_bytes(committed_db: Any, story: Story) -> None:
    first = story.built()
    # What happens elsewhere in the organization, and to the package itself, is no fact about the release.
    with story.scope("rte") as rte:
        from trains.actions.environments import create_environment

        create_environment(rte, name="staging", kind="staging")
    second = story.built(role="auditor")
    assert second.pk != first.pk
    assert second.file.digest == first.file.digest
    assert second.facts_digest == first.facts_digest
    with story.scope("release_manager") as manager:
        from trains.actions.releases import edit_release

        edit_release(manager, story.release, success_criteria="No errors.")
    third = story.built()
    assert third.facts_digest != first.facts_digest


def test_damage_is_named(committed_db: Any, story: Story, tmp_path: Path) -> None:
    path = story.path(story.built())
    parts = members(path)
    rows = json.loads(parts["records.json"])["records"]

    def damaged(**changed: bytes) -> str:
        target = tmp_path / "damaged.zip"
        target.write_bytes(
            build_zip({**parts, **{name.replace("__", "."): data for name, data in changed.items()}})
        )
        code, said = verified(target, tmp_path)
        assert code == 1
        return said

    report = next(name for name in parts if name.startswith("files/"))
    flipped = bytearray(path.read_bytes())
    at = path.read_bytes().index(parts[report]) + 5
    flipped[at] ^= 1
    (tmp_path / "flipped.zip").write_bytes(flipped)
    code, said = verified(tmp_path / "flipped.zip", tmp_path)
    assert code == 1
    assert report in said
    removed = rows.pop()
    assert f"the record {removed['id']} was removed" in damaged(
        records__json=alone.canonical({"records": rows})
    )
    inserted = {**removed, "id": "release:forged"}
    assert "the record release:forged was inserted" in damaged(
        records__json=alone.canonical({"records": [*rows, removed, inserted]})
    )


def test_the_server_says_what_it_found_in_a_sentence(committed_db: Any, story: Story, web: Any) -> None:
    from governance.actions.evidence import verify_package

    package = story.built()
    with story.scope("auditor") as auditor:
        good = verify_package(auditor, package)
    assert good.verified
    assert good.verified_said.startswith("Intact: all ")
    assert "they match the seal of 20" in good.verified_said
    path = story.path(package)
    call_command("verify_package", str(path), stdout=StringIO())
    path.write_bytes(path.read_bytes().replace(b"Instant payments", b"Instant paymentZ"))
    with story.scope("auditor") as auditor:
        bad = verify_package(auditor, package)
    assert not bad.verified
    with pytest.raises(CommandError, match=r"records\.json"):
        call_command("verify_package", str(path))
    assert "records.json: " in bad.verified_said
    answer = web("auditor").get(f"/o/northwind/evidence/{package.key}/")
    assert "Not intact" in answer.content.decode()


def test_downloads_need_the_right_and_are_recorded(committed_db: Any, story: Story, web: Any) -> None:
    package = story.built()
    url = f"/o/northwind/evidence/{package.key}/file"
    answer = web("auditor").get(url, follow=True)
    assert b"".join(answer.streaming_content) == story.path(package).read_bytes()
    assert answer["Content-Disposition"] == f'attachment; filename="evidence-{package.key}.zip"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert web("team_member").get(url).status_code == 403
    assert web("auditor", "contoso-health").get(url).status_code == 404
    assert web("auditor", "contoso-health").get(url.replace("northwind", "contoso-health")).status_code == 404
    with story.scope("auditor"):
        assert [str(d.user) for d in PackageDownload.objects.all()] == ["Auditor"]
        assert LedgerEntry.objects.filter(verb="evidence_package.download").count() == 1


def test_only_who_may_build_asks_for_a_package(committed_db: Any, story: Story, api: Any) -> None:
    ask = {"release": story.release.key}
    refused = api("team_member").post("/api/v1/orgs/northwind/evidence/request", ask)
    assert refused.status_code == 403
    allowed = api("release_manager").post("/api/v1/orgs/northwind/evidence/request", ask)
    assert allowed.status_code in (200, 201), allowed.content
    unclear = api("release_manager").post("/api/v1/orgs/northwind/evidence/request", {})
    assert unclear.status_code == 422


def test_a_change_and_a_period_have_packages_too(committed_db: Any, story: Story, tmp_path: Path) -> None:
    from datetime import timedelta

    from releasetrain.kernel.clock import now

    about_change = story.built(change=story.change)
    assert about_change.state == "done", about_change.error
    about_period = story.built(role="auditor", starts=now() - timedelta(days=1), ends=now())
    assert about_period.state == "done", about_period.error
    assert verified(story.path(about_period), tmp_path)[0] == 0
    assert verified(story.path(about_change), tmp_path)[0] == 0


def test_a_finished_package_never_changes(committed_db: Any, story: Story) -> None:
    from django.db import DatabaseError

    package = story.built()
    with pytest.raises(DatabaseError, match="never changes"), story.scope("auditor"):
        EvidencePackage.objects.filter(pk=package.pk).update(facts_digest="")
    with pytest.raises(DatabaseError, match="is kept"), story.scope("auditor"):
        EvidencePackage.objects.filter(pk=package.pk).delete()


def test_a_closed_release_is_packaged_once(committed_db: Any, story: Story) -> None:
    from governance.extensions.evidence import package_closed_release

    with story.scope("auditor"):
        entry = LedgerEntry.objects.filter(verb="release.freeze").get()
        package_closed_release(entry)
        package_closed_release(entry)
        package = EvidencePackage.objects.get()
    assert (package.origin, package.requested_by_id, package.label) == ("automatic", None, str(story.release))


def test_a_missing_report_is_an_error_that_names_it(committed_db: Any, story: Story) -> None:
    from governance.files import path_of
    from governance.models import Result

    with story.scope("auditor"):
        path_of(Result.objects.first().file).unlink()
    package = story.package()
    for _ in range(3):
        from governance.evidence.work import work_off

        work_off(story.cast.organization.pk, package.pk)
    package = story.again(package)
    assert package.state == "failed"
    assert "is missing from the file store" in package.error


def test_pages_answer(committed_db: Any, story: Story, web: Any) -> None:
    waiting = story.package()
    auditor = web("auditor")
    page = auditor.get(f"/o/northwind/evidence/{waiting.key}/").content.decode()
    assert "data-live" in page
    first = auditor.get(f"/o/northwind/evidence/{waiting.key}/progress?fragment=package")
    assert first.status_code == 200
    again = auditor.get(
        f"/o/northwind/evidence/{waiting.key}/progress?fragment=package",
        headers={"If-None-Match": first["ETag"]},
    )
    assert again.status_code == 304
    from governance.evidence.work import work_off

    work_off(story.cast.organization.pk, waiting.pk)
    page = auditor.get(f"/o/northwind/evidence/{waiting.key}/").content.decode()
    assert "Sealed." in page
    assert "data-live=" not in page
    assert auditor.get("/o/northwind/evidence/?about=release").status_code == 200
    assert auditor.get(f"/o/northwind/evidence/{waiting.key}/history").status_code == 200
    cockpit = web("release_manager").get(f"/o/northwind/releases/{story.release.key}/").content.decode()
    assert waiting.key in cockpit
    script = b"".join(auditor.get("/o/northwind/evidence/verify.py").streaming_content)
    assert script == Path(alone.__file__).read_bytes()
    assert b"BEGIN PUBLIC KEY" in auditor.get("/o/northwind/evidence/public-keys.pem").content


def test_a_token_takes_package_verifier_and_key_over_rest(committed_db: Any, story: Story, api: Any) -> None:
    package = story.built()
    base = "/api/v1/orgs/northwind/evidence"
    auditor = api("auditor")
    archive = auditor.get(f"{base}/{package.key}/file")
    assert b"".join(archive.streaming_content) == story.path(package).read_bytes()
    assert b"def main" in b"".join(auditor.get(f"{base}/verify.py").streaming_content)
    assert auditor.get(f"{base}/public-keys.pem").content.startswith(b"-----BEGIN PUBLIC KEY-----")
    assert api("team_member").get(f"{base}/{package.key}/file").status_code == 403
    assert api("auditor", "contoso-health").get(f"{base}/{package.key}/file").status_code == 404
    with story.scope("auditor"):
        assert [str(d.user) for d in PackageDownload.objects.all()] == ["Auditor"]
