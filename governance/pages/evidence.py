"""Pages of evidence packages: progress while one is built, its contents and seal, its download, and how to verify it."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from governance.evidence import links as download_links
from governance.evidence.downloads import hand_out, require_reading, watermark, with_comment
from governance.evidence.work import MOST_ATTEMPTS
from governance.models import EvidencePackage
from governance.queries.auditing import access_of
from governance.queries.evidence import packages_about, same_facts, versions_of
from releasetrain.audit import keys
from releasetrain.audit.verifier import verify
from releasetrain.interface import links
from releasetrain.interface.pages import conditional, page, redirect_to
from releasetrain.interface.resources import resource_of
from releasetrain.interface.views.objects import context_of, find
from releasetrain.kernel.actor import Actor

TEMPLATE = "governance/evidence/package.html"
SHOWN_DOWNLOADS = 5

# What the process line shows, and the steps of the worker that each stands for.
STAGES = (
    ("Collect", ("Starting", "Collecting records")),
    ("Seal and prove", ("Sealing the ledger", "Proving ledger entries")),
    ("Render", ("Checking reports", "Writing pages", "Setting the PDF")),
    ("Pack and sign", ("Packing and signing",)),
    ("Verify", ("Verifying",)),
)


def package_context(request: Any, package: EvidencePackage) -> dict[str, Any]:
    """What the page of a package shows beyond the generic facts."""
    url = links.url_for(package)
    return {
        "package": package,
        "live": "" if package.is_settled else f"{url}progress?fragment=package",
        "job": {
            "title": f"Building {package.key}",
            "state": package.state,
            "step": package.step or "Waiting for a worker",
            "done": package.done,
            "total": package.total,
            "started_at": package.started_at,
            "error": _attempts(package),
            "again_at": package.tries_again_at if package.waiting_for else None,
        },
        "stages": stages(package),
        "downloads": package.downloads.select_related("user")[:SHOWN_DOWNLOADS],
        "download_count": package.downloads.count(),
        "same": list(same_facts(package)[:3]),
        "file_url": f"{url}file",
        "access": access_of(request.actor),
        "versions": list(versions_of(package)),
        "link_minutes": download_links.DEFAULT_MINUTES,
        "verifier_url": f"{links.page_root()}evidence/verify.py",
        "key_url": f"{links.page_root()}evidence/public-keys.pem",
        "keyids": package.contents.get("keys") or [keys.signer().public.keyid],
        "subject": _subject(package),
    }


def package_rows(actor: Actor, obj: Any) -> list[EvidencePackage]:
    """The packages about an object that the actor may read."""
    return list(packages_about(actor, obj)[:5])


def stages(package: EvidencePackage) -> list[dict[str, str]]:
    """The process line: what is done, what is being done."""
    at = next((n for n, (_, steps) in enumerate(STAGES) if package.step in steps), -1)
    if package.state == EvidencePackage.State.DONE:
        at = len(STAGES)
    return [
        {
            "label": label,
            "note": "",
            "url": "",
            "state": "done" if number < at else "cur" if number == at else "",
        }
        for number, (label, _) in enumerate(STAGES)
    ]


def _attempts(package: EvidencePackage) -> str:
    if not package.error or package.waiting_for:
        return package.error
    return f"Attempt {package.attempts} of {MOST_ATTEMPTS}: {package.error}"


def _subject(package: EvidencePackage) -> Any:
    from governance.evidence.collect import subject_kinds

    kind = subject_kinds().get(package.subject_kind)
    return (
        kind.model._default_manager.filter(pk=package.subject_id).first()
        if kind and package.subject_id
        else None
    )


def _find(request: Any, ref: str) -> EvidencePackage:
    resource = resource_of(EvidencePackage)
    assert resource is not None
    package: EvidencePackage = find(request, resource, ref)
    return package


@require_safe
def progress(request: Any, ref: str) -> HttpResponse:
    """The page's live region: 304 while nothing has changed."""
    package = _find(request, ref)
    resource = resource_of(EvidencePackage)
    assert resource is not None

    def render() -> HttpResponse:
        context = context_of(request, resource, package) | package_context(request, package)
        context["live"] = f"{links.url_for(package)}progress?fragment=package"
        return page(request, TEMPLATE, context)

    version = (
        package.pk,
        package.state,
        package.step,
        package.done,
        package.total,
        package.error,
        package.waits,
        package.verified_at,
    )
    return conditional(request, (*version, package.downloads.count()), render)


@require_safe
def download(request: Any, ref: str) -> HttpResponse:
    """Lead to an address of the archive that is the asker's own and soon over."""
    package = _find(request, ref)
    require_reading(request.actor, package)
    token = download_links.issue(package, request.actor.user_id)
    return redirect_to(reverse("evidence_link", args=[request.organization.slug, package.key, token]))


@require_safe
def linked(request: Any, ref: str, token: str) -> HttpResponseBase:
    """The archive by a link. Whoever asks is recorded."""
    package = _find(request, ref)
    download_links.check(token, package, request.actor.user_id)
    return archive(request.actor, hand_out(request.actor, package), package)


def archive(actor: Actor, file: IO[bytes], package: EvidencePackage) -> HttpResponseBase:
    """A download that no browser takes for anything but a file to keep; an external auditor's copy is marked."""
    access = access_of(actor)
    response: FileResponse | StreamingHttpResponse
    if access is not None and access.watermark:
        comment = watermark(actor, access)
        response = StreamingHttpResponse(with_comment(file, comment), content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="{package.file_name}"'
        response["Content-Length"] = str(package.file.size + len(comment))
    else:
        response = FileResponse(
            file, as_attachment=True, filename=package.file_name, content_type="application/zip"
        )
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
def verifier(request: Any) -> FileResponse:
    """The stand-alone verifier, from the installation rather than from a package."""
    return FileResponse(
        Path(verify.__file__).open("rb"),
        as_attachment=True,
        filename="verify.py",
        content_type="text/x-python",
    )


@require_safe
def public_keys(request: Any) -> HttpResponse:
    """Every public key that packages and checkpoints were ever signed with, the present one first; or the one asked for."""
    known = keys.public_keys()
    wanted = request.GET.get("keyid", "")
    chosen = [key for key in known if key.keyid == wanted] if wanted else known
    if not chosen:
        raise Http404("No key of this installation has this fingerprint.")
    response = HttpResponse("".join(key.pem for key in chosen), content_type="application/x-pem-file")
    response["Content-Disposition"] = 'attachment; filename="organization-public-keys.pem"'
    return response
