"""Documents attached to objects: who may attach and read, what is kept, and how it is handed out."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from governance import files
from governance.actions import attachments
from governance.models import Attachment, StoredFile
from releasetrain.interface.models import SearchNote
from releasetrain.interface.search import find
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from tests.governance.test_uploads_hostile import PDF
from trains.actions.trains import create_train

ROOT = "/api/v1/orgs/northwind"


@pytest.fixture
def service(cast, within):
    from trains.actions.services import create_service

    with within(cast, "rte") as rte:
        train = create_train(rte, key="ATT", name="Attach", cadence_start=date(2026, 1, 5))
        return create_service(rte, name="attach-api", train=train, tier=2)


def post(rest, service, name="minutes.pdf", content=PDF, **more):
    body = {"kind": "service", "object": service.name, "file": SimpleUploadedFile(name, content), **more}
    return rest.post(f"{ROOT}/attachments", body, format="multipart")


def test_a_document_is_attached_found_and_downloaded_as_it_was(cast, within, service, api, web):
    answer = post(api("rte"), service, note="Acceptance of the board")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made["media_type"] == "application/pdf"
    download = api("auditor").get(f"{ROOT}/attachments/{made['id']}/file")
    assert download.content == PDF
    assert download["Content-Type"] == "application/octet-stream"
    assert download["Content-Disposition"] == 'attachment; filename="minutes.pdf"'
    assert download["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in download["Content-Security-Policy"]
    assert download["Digest"] == f"sha-256={hashlib.sha256(PDF).hexdigest()}"
    browser = web("auditor")
    assert "minutes.pdf" in browser.get(f"/o/northwind/services/{service.name}/").content.decode()
    assert browser.get(f"/o/northwind/attachments/{made['id']}/").status_code == 200
    assert browser.get(f"/o/northwind/attachments/{made['id']}/file").content == PDF
    with within(cast, "auditor") as auditor:
        assert [hit.label for _, hits in find(auditor, "acceptance board") for hit in hits] == ["minutes.pdf"]


def test_bytes_lie_under_their_digest_outside_the_web_root_once(cast, within, service, settings):
    with within(cast, "rte") as rte:
        upload = Upload(name="../../evil name.pdf", content=PDF, content_type="text/html")
        made = attachments.attach(rte, kind="service", object=service.name, file=upload)
        place = files.path_of(made.file)
        assert place.read_bytes() == PDF
        assert place.name == hashlib.sha256(PDF).hexdigest()
        assert not place.is_relative_to(settings.STATIC_ROOT or "/nowhere")
        # The list of files names neither the document nor its object.
        assert made.file.name == f"attachment-{made.file.digest[7:19]}"
        with pytest.raises(Refused):
            attachments.attach(rte, kind="service", object=service.name, file=upload)
        assert StoredFile.objects.filter(digest=made.file.digest).count() == 1


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", b"MZ" + bytes(99), "upload.active"),
        ("a.txt", PDF, "upload.disguised"),
        ("a.txt", b" ", "upload.empty"),
    ],
)
def test_what_is_unfit_is_refused_at_the_field_and_nothing_is_kept(
    cast, within, service, api, name, content, code
):
    answer = post(api("rte"), service, name, content)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == code
    assert "file" in str(problem["errors"])
    with within(cast, "rte"):
        assert not Attachment.objects.exists()
        assert not StoredFile.objects.filter(digest=files.digest_of(content)).exists()


def test_only_who_may_change_the_object_attaches_and_withdraws(cast, within, service, api):
    assert post(api("auditor"), service).status_code == 403
    made = post(api("rte"), service).json()
    path = f"{ROOT}/attachments/{made['id']}/withdraw"
    assert api("auditor").post(path, {"reason": "Wrong"}, format="json").status_code == 403
    assert api("rte").post(path, {"reason": "Wrong minutes"}, format="json").status_code == 200
    with within(cast, "rte") as rte:
        from governance.queries.attachments import attachments_of

        assert not attachments_of(rte, service).exists()
        assert Attachment.objects.get().withdrawn_reason == "Wrong minutes"


def test_documents_of_what_one_may_not_see_are_nowhere(cast, within, api, web):
    """A case study that is still being redacted is its author's; so is what is attached to it."""
    from reviews.models import CaseStudy
    from tests.structure.rows import row_of

    with within(cast, "rte") as author:
        study = row_of(CaseStudy)
        CaseStudy.objects.filter(pk=study.pk).update(state="draft", written_by=author.user_id)
        upload = Upload(name="interview.pdf", content=PDF, content_type="application/pdf")
        made = attachments.attach(author, kind="casestudy", object=str(study.pk), file=upload)
        assert SearchNote.objects.filter(object_id=made.pk).exists()
        assert [hit.label for _, hits in find(author, "interview") for hit in hits] == ["interview.pdf"]
    assert api("rte").get(f"{ROOT}/attachments/{made.pk}/file").status_code == 200
    assert api("auditor").get(f"{ROOT}/attachments/{made.pk}/file").status_code == 404
    assert api("auditor").get(f"{ROOT}/attachments").json()["items"] == []
    assert web("auditor").get(f"/o/northwind/attachments/{made.pk}/file").status_code == 404
    assert (
        api("owner", "contoso-health")
        .get(f"/api/v1/orgs/contoso-health/attachments/{made.pk}/file")
        .status_code
        == 404
    )
    with within(cast, "auditor") as auditor:
        assert find(auditor, "interview").groups == []


def test_attached_bytes_are_kept_from_disposal(cast, within, service):
    from governance.models import RecordType
    from governance.queries.retention import judge

    with within(cast, "rte") as rte:
        upload = Upload(name="minutes.pdf", content=PDF, content_type="application/pdf")
        made = attachments.attach(rte, kind="service", object=service.name, file=upload)
        (candidate,) = judge(RecordType.DOCUMENT, [made.file])
        assert "a attachment refers to it" in candidate.kept


def test_damaged_bytes_are_not_handed_out(cast, within, service, api):
    made = post(api("rte"), service).json()
    with within(cast, "rte"):
        files.path_of(Attachment.objects.get().file).write_bytes(b"changed")
    assert api("rte").get(f"{ROOT}/attachments/{made['id']}/file").status_code == 404
