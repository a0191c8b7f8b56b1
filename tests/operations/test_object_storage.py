"""Files in an object storage: a server that speaks S3, in a process of its own, that is used, tampered with and stopped."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile

from governance import files
from governance.actions.evidence import cancel_package
from governance.evidence import build, checking, work
from governance.evidence.work import work_off
from governance.models import Attachment, EvidencePackage, StoredFile
from releasetrain.embedded.addresses import free_port
from releasetrain.kernel.clock import now
from releasetrain.kernel.filestore import Bucket, store
from releasetrain.operations import connecting
from releasetrain.operations.backing_up import copy_files
from releasetrain.operations.manifest import Manifest
from releasetrain.operations.restoring import restore_files
from releasetrain.settings.files import bucket
from tests.governance.story import Story
from tests.governance.test_attachments import post, service  # noqa: F401 - a fixture
from tests.governance.test_uploads_hostile import PDF

ROOT = "/api/v1/orgs/northwind"
NAME = "evidence"


class Server:
    """An object storage that keeps what it has when it is stopped, as one with a disk does."""

    def __init__(self) -> None:
        self.port = free_port()
        self.kept: dict[str, bytes] = {}
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bucket(self) -> Any:
        return boto3.resource("s3", endpoint_url=self.address, region_name="eu-central-1").Bucket(NAME)

    def start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.bucket.create(CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
                break
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        for key, content in self.kept.items():
            self.bucket.put_object(Key=key, Body=content)

    def objects(self) -> dict[str, bytes]:
        return {each.key: each.get()["Body"].read() for each in self.bucket.objects.all()}

    def stop(self) -> None:
        self.kept = self.objects()
        self.end()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def _server() -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "an id")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
        server = Server()
        yield server
        server.end()


@pytest.fixture
def server(_server: Server, settings: Any, tmp_path: Path) -> Server:
    """The server, empty, with the product told to keep its files there."""
    _server.bucket.objects.delete()
    settings.VAR = tmp_path
    settings.FILES_URL = f"s3://{NAME}/train?endpoint={_server.address}&region=eu-central-1"
    settings.STORAGES = {**settings.STORAGES, "default": bucket(settings.FILES_URL)}
    assert isinstance(store(), Bucket)
    return _server


def test_an_upload_lies_in_the_bucket_alone_and_comes_back_safely(
    server: Server,
    cast: Any,
    within: Any,
    service: Any,  # noqa: F811
    api: Any,
    tmp_path: Path,
) -> None:
    made = post(api("rte"), service).json()
    with within(cast, "auditor"):
        stored = Attachment.objects.get(pk=made["id"]).file
        assert server.objects() == {f"train/{files.name_of(cast.organization.pk, stored.digest)}": PDF}
    assert not list(tmp_path.rglob("*"))
    download = api("auditor").get(f"{ROOT}/attachments/{made['id']}/file")
    assert download.content == PDF
    assert download["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in download["Content-Security-Policy"]
    assert download["Digest"] == f"sha-256={stored.digest[7:]}"
    assert api("auditor").get(f"{ROOT}/attachments").status_code == 200


def test_what_was_changed_in_the_bucket_is_not_handed_out_and_put_right_by_the_same_upload(
    server: Server,
    cast: Any,
    within: Any,
    service: Any,  # noqa: F811
    api: Any,
) -> None:
    made = post(api("rte"), service).json()
    (key,) = server.objects()
    server.bucket.put_object(Key=key, Body=PDF + b"changed")
    assert api("auditor").get(f"{ROOT}/attachments/{made['id']}/file").status_code == 404
    with within(cast, "rte"):
        stored = Attachment.objects.get(pk=made["id"]).file
        with pytest.raises(files.Damaged, match="changed"):
            files.read(stored)
        with pytest.raises(files.Damaged, match="changed"):
            files.opened(stored)
        files.keep(PDF, name="again")
        assert files.read(stored) == PDF
        files.remove(stored)
        files.remove(stored)
        assert not files.there(stored)
        with pytest.raises(files.Damaged, match="missing"):
            files.read(stored)


def test_a_package_is_built_from_the_bucket_kept_there_verified_and_refused_once_damaged(
    committed_db: Any, server: Server, cast: Any, api: Any, tmp_path: Path
) -> None:
    story = Story(cast)
    package = story.built()
    assert package.state == "done", package.error
    key = f"train/{files.name_of(cast.organization.pk, package.file.digest)}"
    whole = server.objects()[key]
    with story.scope("auditor"):
        finding = checking.check(package)
        assert finding.intact, finding.sentence
    answer = api("auditor").get(f"{ROOT}/evidence/{package.key}/file")
    got = b"".join(answer.streaming_content)
    assert got == whole
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "verify.py" in zipfile.ZipFile(io.BytesIO(got)).namelist()
    # Nothing stays on the disk of the host that built it.
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and "keys" not in file.parts]
    server.bucket.put_object(Key=key, Body=whole[:-1])
    damaged = api("auditor").get(f"{ROOT}/evidence/{package.key}/file")
    assert damaged.status_code == 503
    assert damaged.json()["code"] == "evidence.missing"
    with story.scope("auditor"):
        assert not checking.check(package).intact
        assert package.downloads.count() == 1


def test_while_the_server_is_away_nothing_is_half_done_and_afterwards_it_goes_on(
    committed_db: Any, server: Server, cast: Any, api: Any, web: Any
) -> None:
    story = Story(cast)
    with story.scope("auditor"):
        known = StoredFile.objects.count()
        stored = StoredFile.objects.first()
    package = story.package()
    server.stop()
    try:
        body = {"kind": "service", "object": story.service.name, "file": SimpleUploadedFile("a.pdf", PDF)}
        refused = api("rte").post(f"{ROOT}/attachments", body, format="multipart")
        assert (refused.status_code, refused.json()["code"]) == (503, "file.not_stored")
        assert server.address not in refused.content.decode()
        result = api("auditor").get(f"{ROOT}/results").json()["items"][0]["id"]
        away = api("auditor").get(f"{ROOT}/results/{result}/file")
        assert (away.status_code, away.json()["code"]) == (503, "file.store_away")
        # However long it is away, the package only waits, longer each time.
        for times in range(1, work.MOST_ATTEMPTS + 2):
            assert not work_off(cast.organization.pk, package.pk)
            with story.scope("auditor"):
                assert StoredFile.objects.count() == known
                assert not Attachment.objects.exists()
                waiting = EvidencePackage.objects.get(pk=package.pk)
                assert (waiting.state, waiting.file, waiting.attempts) == ("queued", None, 0)
                assert (waiting.waiting_for, waiting.waits) == ("storage", times)
                assert "does not answer" in waiting.error
                left = waiting.tries_again_at - now()
                assert work.pause(times - 1) - timedelta(seconds=30) < left <= work.pause(times - 1)
                # Its time has not come: neither a worker nor the sweeper takes it up before.
                assert work.claim(package.pk) is None
                assert not work.overdue(timedelta(0))
                EvidencePackage.objects.update(tries_again_at=now())
                assert work.overdue(timedelta(0)) == [(package.pk, 0)]
        shown = api("auditor").get(f"{ROOT}/evidence/{package.key}").json()
        assert (shown["state"], shown["waiting_for"]) == ("queued", "storage")
        assert shown["tries_again_at"]
        page = web("auditor").get(f"/o/northwind/evidence/{package.key}/").content.decode()
        assert "Waiting for the file store" in page
        assert "Tried again at" in page
        assert "Waiting for storage" in page
        assert "Attempt" not in page
    finally:
        server.start()
    assert work_off(cast.organization.pk, package.pk)
    done = story.again(package)
    assert (done.state, done.waiting_for, done.waits, done.attempts) == ("done", "", 0, 1)
    with story.scope("auditor"):
        files.read(stored)


def test_a_store_that_goes_away_while_a_package_is_built_is_waited_for_too(
    committed_db: Any, server: Server, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is cancelled meanwhile waits no more."""
    story = Story(cast)
    package = story.package()

    def build_and_lose(*arguments: Any) -> Any:
        built = build.build(*arguments)
        server.stop()
        return built

    monkeypatch.setattr(work, "build", build_and_lose)
    try:
        assert not work_off(cast.organization.pk, package.pk)
    finally:
        server.start()
    waiting = story.again(package)
    assert (waiting.state, waiting.waiting_for, waiting.attempts) == ("queued", "storage", 0)
    with story.scope("release_manager") as manager:
        cancelled = cancel_package(manager, waiting)
        assert (cancelled.state, cancelled.waiting_for, cancelled.tries_again_at) == ("cancelled", "", None)


def test_waiting_grows_and_has_an_end() -> None:
    pauses = [work.pause(n) for n in range(1000)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (work.FIRST_WAIT, work.LONGEST_WAIT)


def test_a_backup_holds_the_bucket_and_puts_back_what_it_lacks(
    server: Server, cast: Any, within: Any, tmp_path: Path
) -> None:
    with within(cast, "rte"):
        one, two = (files.keep(text, name="report") for text in (b"one", b"two"))
        # Of somebody else's, beside ours in the same bucket.
        server.bucket.put_object(Key="other/thing", Body=b"not ours")
        folder = tmp_path / "backup"
        copied = copy_files(folder / "files")
        assert sorted(copied.values()) == sorted([one.digest, two.digest])
        manifest = Manifest.__new__(Manifest)
        object.__setattr__(manifest, "files", copied)
        files.remove(one)
        assert restore_files(folder, manifest) == 1
        assert files.read(one) == b"one"
        server.bucket.put_object(
            Key=f"train/{files.name_of(cast.organization.pk, two.digest)}", Body=b"other"
        )
        with pytest.raises(connecting.CannotProceed, match="another file"):
            restore_files(folder, manifest)
        store().remove_all(str(cast.organization.pk))
        assert server.objects() == {"other/thing": b"not ours"}


@pytest.mark.parametrize(
    "url",
    [
        "http://evidence",
        "s3://",
        "s3://id:secret@evidence",
        "s3://evidence?endpont=http://storage:9000",
    ],
)
def test_an_address_that_is_none_starts_nothing_and_is_not_repeated(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="s3://bucket/prefix") as refused:
        bucket(url)
    assert "secret@" not in str(refused.value)
