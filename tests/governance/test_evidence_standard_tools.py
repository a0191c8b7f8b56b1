"""A package checked without us: openssl, sha256sum, securesystemslib and in-toto; and years later, with keys rotated in between."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from governance.evidence import checking
from releasetrain.audit import keys
from releasetrain.audit.verifier import verify as alone
from releasetrain.kernel.clock import now
from tests.governance.story import Story

pytestmark = pytest.mark.timeout(300)
DOCS = Path(__file__).parents[2] / "docs" / "ledger-and-verification.md"


@pytest.fixture
def own_keys(settings: Any, tmp_path: Path) -> Path:
    """Signing keys of this test alone: it rotates them."""
    settings.RELEASETRAIN_SIGNING_KEY = tmp_path / "keys" / "ledger.pem"
    return tmp_path / "keys"


@pytest.fixture
def unpacked(committed_db: Any, cast: Any, own_keys: Path, tmp_path: Path) -> Path:
    """A finished package, taken apart by unzip or by Python's own."""
    story = Story(cast)
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(story.path(story.built())) as archive:
        archive.extractall(folder)
    return folder


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-ec", script], cwd=folder, capture_output=True, text=True, check=False)


def documented(heading: str) -> str:
    """The commands in the block below a heading of the documentation."""
    text = DOCS.read_text()
    after = text[text.index(heading) :]
    found = re.search(r"```\n(.*?)```", after, re.DOTALL)
    assert found
    return found.group(1)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_every_documented_command_accepts_a_package_and_refuses_a_changed_one(unpacked: Path) -> None:
    (unpacked / "organization-public-keys.pem").write_text("".join(k.pem for k in keys.public_keys()))
    for heading in ("#### sha256sum and openssl", "#### The in-toto statement", "#### One ledger entry"):
        commands = documented(heading)
        done = run(commands, unpacked)
        assert done.returncode == 0, (heading, done.stdout, done.stderr)
    assert keys.signer().public.keyid in run(documented("#### sha256sum and openssl"), unpacked).stdout
    (unpacked / "records.json").write_bytes(
        (unpacked / "records.json").read_bytes().replace(b"Instant", b"instant", 1)
    )
    changed = run(documented("#### sha256sum and openssl"), unpacked)
    assert changed.returncode != 0
    assert "records.json: FAILED" in changed.stdout
    envelope = unpacked / "manifest.dsse.json"
    body = json.loads(envelope.read_bytes())
    payload = bytearray(base64.b64decode(body["payload"]))
    payload[100] ^= 1
    body["payload"] = base64.b64encode(payload).decode()
    envelope.write_bytes(alone.canonical(body))
    assert run(documented("#### The in-toto statement"), unpacked).returncode != 0
    entries = unpacked / "ledger" / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(rb"\"verb\":\"", rb"\"verb\":\"x", 1))
    assert run(documented("#### One ledger entry"), unpacked).returncode != 0


def test_in_toto_and_securesystemslib_read_the_statement(unpacked: Path) -> None:
    dsse = pytest.importorskip("securesystemslib.dsse")
    signer = pytest.importorskip("securesystemslib.signer")
    statement = pytest.importorskip("in_toto_attestation.v1.statement")
    statement_pb = pytest.importorskip("in_toto_attestation.v1.statement_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    envelope = dsse.Envelope.from_dict(json.loads((unpacked / "manifest.dsse.json").read_bytes()))
    public = keys.signer().public
    value = {"public": public.raw.hex()}
    key = signer.Key.from_dict(public.keyid, {"keytype": "ed25519", "scheme": "ed25519", "keyval": value})
    assert list(envelope.verify([key], 1)) == [public.keyid]
    said = json.loads(envelope.payload)
    parsed = json_format.Parse(envelope.payload, statement_pb.Statement())
    read = statement.Statement.copy_from_pb(parsed)
    read.validate()
    assert read.pb.type == "https://in-toto.io/Statement/v1"
    listed = {s["name"]: s["digest"]["sha256"] for s in said["subject"]}
    for name, digest in listed.items():
        assert hashlib.sha256((unpacked / name).read_bytes()).hexdigest() == digest
    envelope.payload = envelope.payload.replace(b"release", b"relaese", 1)
    with pytest.raises(Exception, match=r"(?i)verif|signature|threshold"):
        envelope.verify([key], 1)


def test_packages_verify_years_later_by_the_keys_of_their_time(
    committed_db: Any, cast: Any, own_keys: Path, web: Any, tmp_path: Path
) -> None:
    story = Story(cast)
    start = now()
    first_key = keys.signer().public
    first = story.built()
    with time_machine.travel(start + timedelta(days=2 * 365)):
        second_key = keys.rotate_key()
        # The same facts, under the new key: other bytes, the same facts.
        second = story.built()
    with time_machine.travel(start + timedelta(days=5 * 365)):
        third_key = keys.rotate_key()
        story.deploy(story.release, "5.2.9")
        third = story.built()
    assert len({k.keyid for k in (first_key, second_key, third_key)}) == 3
    assert first.facts_digest == second.facts_digest != third.facts_digest
    assert first.contents["keys"] == [first_key.keyid]
    with time_machine.travel(start + timedelta(days=10 * 365)):
        with story.scope("auditor"):
            assert all(checking.check(p).intact for p in (first, second, third))
        published = web("auditor").get("/o/northwind/evidence/public-keys.pem").content
        assert published.count(b"BEGIN PUBLIC KEY") == 3
        one = web("auditor").get(f"/o/northwind/evidence/public-keys.pem?keyid={first_key.keyid}").content
        assert one.decode() == first_key.pem
        assert web("auditor").get("/o/northwind/evidence/public-keys.pem?keyid=0").status_code == 404
        page = web("auditor").get(f"/o/northwind/evidence/{first.key}/").content.decode()
        assert first_key.keyid in page
    trusted, newest = tmp_path / "all.pem", tmp_path / "newest.pem"
    trusted.write_bytes(published)
    newest.write_text(third_key.pem)
    for package in (first, second, third):
        command = [sys.executable, "-I", "-S", alone.__file__, str(story.path(package)), "--key"]
        assert subprocess.run([*command, str(trusted)], capture_output=True, check=False).returncode == 0
    # A key that came later proves nothing about what was signed before.
    old = subprocess.run(
        [sys.executable, "-I", "-S", alone.__file__, str(story.path(first)), "--key", str(newest)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert old.returncode == 1
    assert "is not signed by any key given with --key" in old.stdout
