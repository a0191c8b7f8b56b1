"""Everything that an organization has leaves in one archive: made by a worker, whole, without secrets, for some days."""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
import zipfile
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from governance import files
from releasetrain.access import archiving
from releasetrain.access.models import OrganizationArchive
from releasetrain.accounts.models import Grant
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from releasetrain.tenancy.guards import tenant_tables

pytestmark = pytest.mark.django_db
API = "/api/v1/orgs/northwind"


@pytest.fixture
def archive(api, cast, within, settings, tmp_path):
    settings.VAR = tmp_path
    with within(cast, "owner"):
        files.keep(b"a report", name="junit.xml")
    api("owner").post(f"{API}/service-accounts", {"name": "ci"})
    made = api("owner").post(f"{API}/organization-archives/ask", {"reason": "Moving house"})
    assert made.status_code == 201, made.json()
    return made.json()["key"]


def taken(api, key, role="owner"):
    answer = api(role).get(f"{API}/organization-archives/{key}/file")
    body = b"".join(answer.streaming_content) if answer.status_code == 200 else b""
    return answer, body


def test_everything_is_in_it_and_the_digests_are_right(archive, api, cast, contoso, within):
    assert archiving.work(cast.organization.pk) == 1
    assert archiving.work(cast.organization.pk) == 0
    answer, body = taken(api, archive)
    assert answer["Content-Type"] == "application/zip"
    assert answer["Digest"] == "sha256:" + hashlib.sha256(body).hexdigest()
    zipped = zipfile.ZipFile(io.BytesIO(body))
    manifest = json.loads(zipped.read("manifest.json"))
    assert set(tenant_tables()) <= set(manifest["tables"])
    for name, said in manifest["tables"].items():
        content = zipped.read(f"tables/{name}.jsonl")
        assert hashlib.sha256(content).hexdigest() == said["sha256"]
        rows = [json.loads(line) for line in content.splitlines()]
        assert len(rows) == said["rows"]
        assert {r.get("organization_id", str(cast.organization.pk)) for r in rows} <= {
            str(cast.organization.pk)
        }
    with within(cast, "owner"):
        assert manifest["tables"]["accounts_grant"]["rows"] == Grant.objects.count()
        assert OrganizationArchive.objects.get().digest == answer["Digest"]
        verbs = set(LedgerEntry.objects.values_list("verb", flat=True))
    assert {
        "organization_archive.ask",
        "organization_archive.finish",
        "organization_archive.download",
    } <= verbs
    (digest,) = manifest["files"]
    assert zipped.read(f"files/{digest.removeprefix('sha256:')}") == b"a report"
    people = zipped.read("tables/accounts_user.jsonl")
    assert b"owner@northwind.example" in people
    assert b"contoso" not in people
    everything = b"".join(zipped.read(n) for n in zipped.namelist())
    for secret in (b"secret_hash", b"scrypt", b"sealed_secret", b'"password"'):
        assert secret not in everything, secret


def test_only_owners_take_it_and_only_for_some_days(archive, api, cast, within):
    assert taken(api, archive)[0].status_code == 409, "not made yet"
    archiving.work(cast.organization.pk)
    assert taken(api, archive, "rte")[0].status_code == 404
    assert taken(api, archive, "compliance_officer")[0].status_code == 404
    with time_machine.travel(now() + timedelta(days=7, minutes=1), tick=True):
        assert taken(api, archive)[0].status_code == 409
        archiving.work(cast.organization.pk)
    with within(cast, "owner"):
        assert OrganizationArchive.objects.get().state == "expired"


def test_one_at_a_time_and_a_cancelled_one_is_not_made(archive, api, cast, within):
    again = api("owner").post(f"{API}/organization-archives/ask", {"reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "archive.under_way")
    assert api("owner").post(f"{API}/organization-archives/{archive}/cancel", {}).status_code == 200
    assert archiving.work(cast.organization.pk) == 0
    assert api("owner").post(f"{API}/organization-archives/ask", {"reason": "x"}).status_code == 201


def test_a_killed_worker_is_followed_by_another_and_a_zombie_writes_nothing(archive, api, cast, within):
    first = archiving._claim(cast.organization.pk)
    assert archiving.work(cast.organization.pk) == 0, "it is being made"
    with time_machine.travel(now() + timedelta(hours=1, minutes=1), tick=True):
        assert archiving.work(cast.organization.pk) == 1
        archiving._settle(first, {"error": "too late"})
    with within(cast, "owner"):
        assert OrganizationArchive.objects.get().state == "ready"


def test_the_page_offers_the_file(archive, web, cast):
    browser = web("owner")
    assert (
        "Come back in a moment"
        in browser.get(f"/o/northwind/organization-archives/{archive}/").content.decode()
    )
    archiving.work(cast.organization.pk)
    page = browser.get(f"/o/northwind/organization-archives/{archive}/").content.decode()
    assert "Download" in page
    assert "accounts_grant" in page
    file = browser.get(f"/o/northwind/organization-archives/{archive}/file")
    assert file.status_code == 200
    assert b"".join(file.streaming_content)[:2] == b"PK"
    file.close()


def test_memory_stays_flat(archive, cast, within, record_property):
    """Sixty thousand rows are 20 MB of JSON; the process holds a small part of it at any time."""
    with within(cast, "owner"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_scope (id, organization_id, row_version, created_at, kind, object_id, label)"
            " SELECT gen_random_uuid(), %s, 1, now(), 'train', gen_random_uuid(), repeat('x', 150)"
            " FROM generate_series(1, 60000)",
            [cast.organization.pk],
        )
    tracemalloc.start()
    archiving.work(cast.organization.pk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    with within(cast, "owner"):
        made = OrganizationArchive.objects.get()
    size = made.manifest["tables"]["accounts_scope"]["bytes"]
    assert size > 15_000_000
    assert peak < 6_000_000
    record_property(
        "summary", f"archive of {made.rows} rows, {size / 1e6:.0f} MB of one table: peak {peak / 1e6:.1f} MB"
    )
