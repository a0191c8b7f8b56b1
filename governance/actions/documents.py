"""Verbs of the document register: kinds with outlines, documents, versions approved by a second person."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Any

from governance import files
from governance.actions.attachments import checked
from governance.models import Document, DocumentKind, DocumentVersion
from governance.models.files import DIGEST
from governance.rules.catalogues.text import whole
from governance.starters import document_kinds
from governance.states.controls import VERSION_STATES
from releasetrain.audit.doorway import action, explain_constraint, register_guard
from releasetrain.audit.history import bulk_create_tracked
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import KEEP, Field, Upload
from releasetrain.kernel.refusals import Ref, Refusal, refuse
from releasetrain.tenancy.models import Organization
from trains.models import Release, Service

State = DocumentVersion.State
LONGEST_TEXT = 200_000

explain_constraint("document_kind_once", "A kind of document with this short name exists.")
explain_constraint("document_not_approved_by_author", "A document is never approved by its author.")

Tiers = Annotated[
    list[int],
    Field("Required for tiers", help="1 is the most critical. Empty: required nowhere.", min=1, max=4),
]
Text = Annotated[str, Field("Text", help="Markdown. Or give a file, or an address.", long=True)]
File = Annotated[Upload | None, Field("File")]
Url = Annotated[
    str, Field("Address", help="Where it lies, with the digest of what lies there.", max_length=500)
]
Digest = Annotated[str, Field("Digest", help="sha256:… of what lies at the address.", max_length=71)]


@action("document_kind.create", creates=DocumentKind, requires="controls.manage")
def create_kind(
    actor: Actor,
    *,
    code: Annotated[str, Field("Short name", max_length=60)],
    title: Annotated[str, Field("Title", max_length=120)],
    about: Annotated[DocumentKind.About, Field("About")] = DocumentKind.About.SERVICE,
    practice: Annotated[str, Field("Practice", max_length=120)] = "",
    tiers: Tiers = [],  # noqa: B006 - read only
    regulated_only: Annotated[bool, Field("Only for regulated services")] = False,
    months_valid: Annotated[int | None, Field("Months valid", help="Empty: no end.", min=1, max=120)] = None,
    template: Annotated[str, Field("Outline", help="What a new document starts from.", long=True)] = "",
) -> DocumentKind:
    """Add a kind of document, with the tiers that must have one."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,58}[a-z0-9]", code):
        refuse(
            "document_kind.code",
            "A short name has lower-case letters, digits and hyphens.",
            field="code",
            status=422,
        )
    return DocumentKind.objects.create(
        code=code,
        title=title,
        about=about,
        practice=practice,
        tiers=_tiers(tiers),
        regulated_only=regulated_only,
        months_valid=months_valid,
        template=whole(template),
    )


@action("document_kind.edit", on=DocumentKind, requires="controls.manage")
def edit_kind(
    actor: Actor,
    kind: DocumentKind,
    *,
    title: Annotated[str | None, Field("Title", max_length=120)] = None,
    tiers: Annotated[
        list[int] | None, Field("Required for tiers", help="Given empty: required nowhere.", min=1, max=4)
    ] = KEEP,
    regulated_only: Annotated[bool | None, Field("Only for regulated services")] = None,
    months_valid: Annotated[int | None, Field("Months valid", min=1, max=120)] = KEEP,
    template: Annotated[str | None, Field("Outline", long=True)] = None,
) -> DocumentKind:
    """Change a kind of document; what is left out stays."""
    if title:
        kind.title = title
    if tiers is not KEEP:
        kind.tiers = _tiers(tiers or [])
    if regulated_only is not None:
        kind.regulated_only = regulated_only
    if months_valid is not KEEP:
        kind.months_valid = months_valid
    if template is not None:
        kind.template = whole(template)
    kind.save()
    return kind


@action("document_kind.retire", on=DocumentKind, requires="controls.manage", danger=True)
def retire_kind(
    actor: Actor, kind: DocumentKind, *, reason: Annotated[str, Field("Reason", long=True)]
) -> DocumentKind:
    """Require documents of this kind no longer."""
    if kind.retired_at:
        refuse("document_kind.retired", f"{kind} is retired already.")
    kind.retired_at = now()
    kind.save()
    return kind


@action(
    "document_kind.create_standard",
    on=Organization,
    requires="controls.manage",
    label="Add the standard kinds of documents",
)
def create_standard_kinds(actor: Actor, organization: Organization) -> Organization:
    """Add the kinds that most organizations start with, with outlines; those that exist by name stay as they are."""
    make_kinds(kind["code"] for kind in document_kinds())
    return organization


def make_kinds(codes: Iterable[str]) -> None:
    """Standard kinds by name that are not there yet."""
    wanted = set(codes) - set(DocumentKind.objects.values_list("code", flat=True))
    bulk_create_tracked([DocumentKind(**kind) for kind in document_kinds() if kind["code"] in wanted])


@action("document.create", creates=Document, requires="changes.author", within="service")
def create_document(
    actor: Actor,
    *,
    kind: DocumentKind,
    service: Annotated[Service | None, Field("Service", help="Either a service or a release.")] = None,
    release: Annotated[Release | None, Field("Release")] = None,
    title: Annotated[str, Field("Title", help="Empty: by kind and subject.", max_length=200)] = "",
    text: Annotated[
        str, Field("Text", help="Markdown. Everything empty: the outline of the kind.", long=True)
    ] = "",
    file: File = None,
    url: Url = "",
    digest: Digest = "",
) -> Document:
    """Write a document of a service or of a release; its first version waits for approval."""
    subject: Any = service if kind.about == DocumentKind.About.SERVICE else release
    if subject is None or (service is not None and release is not None):
        refuse(
            "document.subject",
            f"{kind} is about {kind.get_about_display().lower()}; name exactly that.",
            field=kind.about,
            status=422,
        )
    if kind.retired_at:
        refuse("document_kind.retired", f"{kind} is retired.", field="kind")
    if not actor.may("changes.author", subject):
        refuse("permission.missing", f"You need the permission changes.author on {subject}.", status=403)
    document = Document.objects.create(
        kind=kind, title=(title or f"{kind} of {subject}")[:200], service=service, release=release
    )
    if not (text or file or url):
        text = kind.template or f"# {kind}"
    _version(actor, document, 1, text, file, url, digest, "")
    return document


@action("document.revise", on=Document, requires="changes.author", label="New version")
def revise_document(
    actor: Actor,
    document: Document,
    *,
    note: Annotated[str, Field("What changed", long=True)],
    text: Text = "",
    file: File = None,
    url: Url = "",
    digest: Digest = "",
) -> DocumentVersion:
    """Propose a new version; the one in force counts until somebody else approves it."""
    waiting = document.versions.filter(state=State.DRAFT).first()
    if waiting:
        refuse(
            "document.waiting",
            f"{waiting} waits for approval.",
            remedy="Approve or reject it first.",
            blocked_by=Ref.of(waiting),
        )
    last = document.versions.order_by("-number").values_list("number", flat=True).first() or 0
    return _version(actor, document, last + 1, text, file, url, digest, note)


@action(
    "document_version.approve",
    on=DocumentVersion,
    requires="changes.vote",
    machine=VERSION_STATES,
    step_up=True,
    confirm="It takes the place of the version in force.",
)
def approve_version(
    actor: Actor,
    version: DocumentVersion,
    *,
    decision: Annotated[str, Field("Why it is in order", long=True)],
    expires_on: Annotated[date | None, Field("Expires", help="Empty: by the kind of document.")] = None,
) -> DocumentVersion:
    """Put the version into force; the one before is superseded."""
    today = now().date()
    if expires_on is not None and expires_on <= today:
        refuse("document.expired", "It would have expired already.", field="expires_on", status=422)
    months = version.document.kind.months_valid
    if expires_on is None and months:
        expires_on = today + timedelta(days=round(months * 365.25 / 12))
    for earlier in version.document.versions.filter(state=State.APPROVED).exclude(pk=version.pk):
        earlier.state = State.SUPERSEDED
        earlier.superseded_at = now()
        earlier.save()
    version.expires_on = expires_on
    _decided(actor, version, decision)
    return version


@action("document_version.reject", on=DocumentVersion, requires="changes.vote", machine=VERSION_STATES)
def reject_version(
    actor: Actor, version: DocumentVersion, *, decision: Annotated[str, Field("Why not", long=True)]
) -> DocumentVersion:
    """Send the version back; its author proposes another one."""
    _decided(actor, version, decision)
    return version


def _decided(actor: Actor, version: DocumentVersion, decision: str) -> None:
    version.decision = decision
    version.decided_by_id = actor.user_id
    version.decided_at = now()


def _version(
    actor: Actor,
    document: Document,
    number: int,
    text: str,
    file: Upload | None,
    url: str,
    digest: str,
    note: str,
) -> DocumentVersion:
    given = [name for name, value in (("text", text), ("file", file), ("url", url)) if value]
    if len(given) != 1:
        refuse(
            "document.content",
            "A version is a text, a file or an address: one of the three.",
            field=given[1] if len(given) > 1 else "text",
            status=422,
        )
    if actor.user_id is None:
        refuse("document.author", "A document is written by a person or a service account.", status=403)
    text = whole(text)
    if len(text) > LONGEST_TEXT:
        refuse("document.long", f"At most {LONGEST_TEXT} characters.", field="text", status=422)
    stored = files.keep(file.content, name=file.name, media_type=checked(file)) if file else None
    if url:
        if not url.startswith(("https://", "http://")):
            refuse("document.url", "Give an address that begins with https://.", field="url", status=422)
        if not re.fullmatch(DIGEST, digest):
            refuse(
                "document.digest",
                "An address is taken only with the digest of what lies there.",
                remedy="sha256:, then 64 hexadecimal digits, as sha256sum prints them.",
                field="digest",
                status=422,
            )
    else:
        digest = stored.digest if stored else files.digest_of(text.encode())
    return DocumentVersion.objects.create(
        document=document,
        number=number,
        text=text,
        file=stored,
        url=url,
        digest=digest,
        note=note,
        author_id=actor.user_id,
    )


def _tiers(tiers: list[int]) -> list[int]:
    if any(not 1 <= tier <= 4 for tier in tiers):
        refuse("document_kind.tiers", "Tiers are 1 to 4.", field="tiers", status=422)
    return sorted(set(tiers))


def _not_the_author(actor: Actor, version: DocumentVersion, params: object) -> Refusal | None:
    if actor.kind != "person" or actor.user_id is None:
        return Refusal("document.person", "A document is decided by a person.", status=403)
    if version.author_id in (actor.user_id, actor.on_behalf_of):
        return Refusal(
            "document.own",
            "You wrote this version, so somebody else decides.",
            remedy="Whoever votes on changes can decide.",
            blocked_by=Ref.of(version),
            status=403,
        )
    return None


for _verb in ("approve", "reject"):
    register_guard(f"document_version.{_verb}", _not_the_author)
