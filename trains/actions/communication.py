"""Verbs of what is said about a release: briefs, notes, walkthroughs, the public log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import (
    ContentBrief,
    DataMigration,
    PublicLog,
    Release,
    ReleaseNote,
    Train,
    Walkthrough,
    WalkthroughAttendee,
    WalkthroughQuestion,
)
from trains.ports import words_for
from trains.queries.configuration_items import affected_items
from trains.queries.releases import release_content
from trains.rules import briefs
from trains.rules.packaging import HOTFIX, PROBLEM_FIX
from trains.states_releases import RELEASE_NOTE_STATES, WALKTHROUGH_STATES

Reason = Annotated[str, Field("Reason", long=True)]

explain_constraint("release_notes_once", "The release has its notes; edit them instead.")
explain_constraint("public_log_once", "The train has its public log; open or close that one.")
explain_constraint("public_log_slug_once", "Another log has this word in its address.")
explain_constraint("walkthrough_attendee_once", "This person is asked already.")


# -- content briefs


def _items(release: Release) -> list[briefs.Item]:
    rows = list(release.items.filter(removed_at__isnull=True))
    words = words_for(rows)
    return [briefs.Item(row.title, row.classification, words.get(row.pk, "")) for row in rows]


def _cut_over(release: Release) -> tuple[datetime | None, datetime | None]:
    """When the data migrations of the release switch over: then something is not available."""
    rows = DataMigration.objects.filter(release=release, cutover_starts__isnull=False)
    windows = list(
        rows.exclude(state=DataMigration.State.CANCELLED).values_list("cutover_starts", "cutover_ends")
    )
    if not windows:
        return None, None
    return min(w[0] for w in windows), max(w[1] for w in windows)


def _next_brief(actor: Actor, release: Release, **said: Any) -> ContentBrief:
    Release.objects.select_for_update(of=("self",)).get(pk=release.pk)
    last = release.briefs.order_by("-number").values_list("number", flat=True).first() or 0
    return ContentBrief.objects.create(
        release=release,
        number=last + 1,
        author=actor.name,
        written_at=now(),
        content_digest=digest(release_content(release)),
        **said,
    )


def _downtime(starts: datetime | None, ends: datetime | None) -> None:
    if (starts is None) != (ends is None):
        refuse(
            "brief.downtime",
            "Give the beginning and the end.",
            field="downtime_ends" if starts else "downtime_starts",
        )
    if starts and ends and ends <= starts:
        refuse("brief.downtime", "The end comes before the beginning.", field="downtime_ends")


@action(
    "content_brief.generate",
    creates=ContentBrief,
    requires="releases.manage",
    within="release",
    label="Write from the scope",
)
def generate_brief(
    actor: Actor,
    *,
    release: Release,
    downtime: Annotated[
        str, Field("Downtime", help="What is not available, and how to go on meanwhile.", long=True)
    ] = "",
    downtime_starts: Annotated[
        datetime | None, Field("Not available from", help="Empty: when its data migrations switch over.")
    ] = None,
    downtime_ends: Annotated[datetime | None, Field("Not available until")] = None,
) -> ContentBrief:
    """Draft the content brief of a release from its scope, in business terms."""
    _downtime(downtime_starts, downtime_ends)
    if downtime_starts is None:
        downtime_starts, downtime_ends = _cut_over(release)
    return _next_brief(
        actor,
        release,
        title=f"{release.train.name} {release.version}{': ' + release.name if release.name else ''}"[:200],
        functionality=briefs.functionality(_items(release)),
        impact=release.impact,
        downtime=downtime or ("" if downtime_starts else "None expected."),
        downtime_starts=downtime_starts,
        downtime_ends=downtime_ends,
        generated=True,
    )


@action("content_brief.edit", on=ContentBrief, requires="releases.manage", lock=False)
def edit_brief(
    actor: Actor,
    brief: ContentBrief,
    *,
    title: Annotated[str | None, Field("Title", max_length=200)] = None,
    functionality: Annotated[
        str | None, Field("What is new", help="Chapters with a heading, points with a dash.", long=True)
    ] = None,
    impact: Annotated[str | None, Field("Impact", long=True)] = None,
    downtime: Annotated[str | None, Field("Downtime", long=True)] = None,
    downtime_starts: Annotated[datetime | None, Field("Not available from")] = None,
    downtime_ends: Annotated[datetime | None, Field("Not available until")] = None,
) -> ContentBrief:
    """Write the next version; what is left empty stays. Earlier versions stay as they were."""
    latest = brief.release.briefs.order_by("-number").first()
    if latest is not None and latest.pk != brief.pk:
        refuse(
            "brief.superseded",
            f"Version {latest.number} came after this one.",
            remedy="Edit the latest version.",
            blocked_by=Ref.of(latest),
        )
    names = ("title", "functionality", "impact", "downtime", "downtime_starts", "downtime_ends")
    given = (title, functionality, impact, downtime, downtime_starts, downtime_ends)
    said = {n: getattr(brief, n) if v is None else v for n, v in zip(names, given, strict=True)}
    if all(said[n] == getattr(brief, n) for n in names):
        refuse("brief.same", "Nothing was changed.", field="functionality", status=409)
    _downtime(said["downtime_starts"], said["downtime_ends"])
    return _next_brief(actor, brief.release, **said)


# -- release notes


@action(
    "release_note.generate",
    creates=ReleaseNote,
    requires="releases.manage",
    within="release",
    label="Write from the scope",
)
def generate_notes(actor: Actor, *, release: Release) -> ReleaseNote:
    """Draft the notes of a release: its resolved problems and the configuration items it touches."""
    known = release.notes.first()
    if known:
        refuse(
            "release_note.known", f"{release} has its notes.", remedy="Edit them.", blocked_by=Ref.of(known)
        )
    items = list(release.items.filter(removed_at__isnull=True))
    fixes = [i for i in items if i.classification in (PROBLEM_FIX, HOTFIX)]
    return ReleaseNote.objects.create(
        release=release,
        summary=release.impact,
        resolved="\n".join(str(i) for i in fixes),
        public_resolved="\n".join(i.title for i in fixes),
        affected="\n".join(affected_items(release)),
    )


@action("release_note.edit", on=ReleaseNote, requires="releases.manage", machine=RELEASE_NOTE_STATES)
def edit_notes(
    actor: Actor,
    note: ReleaseNote,
    *,
    summary: Annotated[str | None, Field("Summary", long=True)] = None,
    resolved: Annotated[
        str | None, Field("Resolved problems", help="One a line, with their keys.", long=True)
    ] = None,
    affected: Annotated[
        str | None, Field("Affected configuration items", help="One a line.", long=True)
    ] = None,
    public_resolved: Annotated[
        str | None,
        Field("Resolved issues for the public", help="One a line, for everybody to read.", long=True),
    ] = None,
    limitations: Annotated[
        str | None, Field("Known limitations", help="One a line, for everybody to read.", long=True)
    ] = None,
) -> ReleaseNote:
    """Change the notes; what is left empty stays."""
    given = {
        "summary": summary,
        "resolved": resolved,
        "affected": affected,
        "public_resolved": public_resolved,
        "limitations": limitations,
    }
    for field, value in given.items():
        if value is not None:
            setattr(note, field, value)
    if note.state == ReleaseNote.State.PUBLISHED:
        note.published_at = now()
    note.save()
    return note


@action(
    "release_note.publish",
    on=ReleaseNote,
    requires="releases.manage",
    machine=RELEASE_NOTE_STATES,
    confirm="If the train has an open public log, everybody can read its issues and limitations once it is released.",
)
def publish_notes(actor: Actor, note: ReleaseNote) -> ReleaseNote:
    """Publish the notes; the public log shows them once the release is out."""
    note.published_at = now()
    return note


@action(
    "release_note.withdraw",
    on=ReleaseNote,
    requires="releases.manage",
    machine=RELEASE_NOTE_STATES,
    danger=True,
)
def withdraw_notes(actor: Actor, note: ReleaseNote, *, reason: Reason) -> ReleaseNote:
    """Take the notes back; the public log shows the release no longer."""
    return note


# -- the public log


@action("public_log.create", creates=PublicLog, requires="releases.manage", within="train")
def create_public_log(
    actor: Actor,
    *,
    train: Train,
    product: Annotated[str, Field("Product", help="What the public calls it.", max_length=120)],
    slug: Annotated[str, Field("Word in the address", help="Letters, digits and hyphens.", max_length=60)],
) -> PublicLog:
    """Prepare the public release log of a train; nothing is public before it is opened."""
    log = PublicLog(train=train, product=product.strip(), slug=slug.strip().lower())
    log.clean_fields(exclude=["organization"])
    log.save()
    return log


@action(
    "public_log.open",
    on=PublicLog,
    requires="releases.manage",
    confirm="Everybody on the internet can read versions, resolved issues and known limitations of released releases.",
)
def open_public_log(actor: Actor, log: PublicLog) -> PublicLog:
    """Publish the log to everybody."""
    if log.is_open:
        refuse("public_log.open", f"The log of {log.product} is open.")
    log.opened_at, log.closed_at = now(), None
    log.save()
    return log


@action("public_log.close", on=PublicLog, requires="releases.manage", danger=True)
def close_public_log(actor: Actor, log: PublicLog, *, reason: Reason) -> PublicLog:
    """Take the log off the internet."""
    if not log.is_open:
        refuse("public_log.closed", f"The log of {log.product} is not open.")
    log.closed_at = now()
    log.save()
    return log


# -- walkthroughs


@action("walkthrough.plan", creates=Walkthrough, requires="releases.manage", within="release")
def plan_walkthrough(
    actor: Actor,
    *,
    release: Release,
    audience: Annotated[Walkthrough.Audience, Field("With")],
    starts_at: Annotated[datetime, Field("Begins")],
    minutes: Annotated[int, Field("Minutes", min=5, max=1000)] = 60,
    place: Annotated[str, Field("Place or call", max_length=300)] = "",
    facilitator: Annotated[User | None, Field("Facilitator")] = None,
    attendees: Annotated[list[User] | None, Field("Attendees")] = None,
) -> Walkthrough:
    """Plan a walkthrough with support, training or others before the release."""
    if release.target_at and starts_at >= release.target_at:
        refuse(
            "walkthrough.late",
            f"{release} goes out before that.",
            remedy="Choose a time before the release's target.",
            field="starts_at",
        )
    made = Walkthrough.objects.create(
        release=release,
        audience=audience,
        starts_at=starts_at,
        minutes=minutes,
        place=place,
        facilitator=facilitator,
    )
    for person in {p.pk: p for p in attendees or []}.values():
        WalkthroughAttendee.objects.create(walkthrough=made, person=person)
    return made


@action("walkthrough.move", on=Walkthrough, requires="releases.manage", machine=WALKTHROUGH_STATES)
def move_walkthrough(
    actor: Actor,
    walkthrough: Walkthrough,
    *,
    starts_at: Annotated[datetime, Field("Begins")],
    place: Annotated[str | None, Field("Place or call", max_length=300)] = None,
) -> Walkthrough:
    """Move a walkthrough to another time or place."""
    walkthrough.starts_at = starts_at
    if place is not None:
        walkthrough.place = place
    walkthrough.save()
    return walkthrough


@action("walkthrough.invite", on=Walkthrough, requires="releases.manage", machine=WALKTHROUGH_STATES)
def invite(
    actor: Actor,
    walkthrough: Walkthrough,
    *,
    person: Annotated[User | None, Field("Person")] = None,
    name: Annotated[str, Field("Or somebody without an account", max_length=120)] = "",
) -> WalkthroughAttendee:
    """Ask somebody to come."""
    if person is None and not name.strip():
        refuse("walkthrough.nobody", "Name a person, or write who it is.", field="person")
    return WalkthroughAttendee.objects.create(walkthrough=walkthrough, person=person, name=name.strip())


@action("walkthrough_attendee.mark", on=WalkthroughAttendee, requires="releases.manage")
def mark_attendance(
    actor: Actor, attendee: WalkthroughAttendee, *, attended: Annotated[bool, Field("Was there")] = False
) -> WalkthroughAttendee:
    """Record whether somebody came."""
    if attendee.walkthrough.starts_at > now():
        refuse("walkthrough.early", "It has not begun yet.", blocked_by=Ref.of(attendee.walkthrough))
    attendee.attended = attended
    attendee.save()
    return attendee


@action(
    "walkthrough.ask",
    on=Walkthrough,
    requires="organization.view",
    machine=WALKTHROUGH_STATES,
    label="Ask a question",
)
def ask_question(
    actor: Actor, walkthrough: Walkthrough, *, question: Annotated[str, Field("Question", long=True)]
) -> WalkthroughQuestion:
    """Raise a question; it stays open until somebody answers."""
    if not question.strip():
        refuse("walkthrough.question", "Write the question.", field="question")
    return WalkthroughQuestion.objects.create(
        walkthrough=walkthrough, question=question.strip(), asked_by=actor.name
    )


@action("walkthrough_question.answer", on=WalkthroughQuestion, requires="releases.manage")
def answer_question(
    actor: Actor, question: WalkthroughQuestion, *, answer: Annotated[str, Field("Answer", long=True)]
) -> WalkthroughQuestion:
    """Answer a question."""
    if not answer.strip():
        refuse("walkthrough.answer", "Write the answer.", field="answer")
    question.answer, question.answered_by, question.answered_at = answer.strip(), actor.name, now()
    question.save()
    return question


@action("walkthrough.conclude", on=Walkthrough, requires="releases.manage", machine=WALKTHROUGH_STATES)
def conclude_walkthrough(
    actor: Actor,
    walkthrough: Walkthrough,
    *,
    readiness: Annotated[Walkthrough.Readiness, Field("Readiness of the audience")],
    conclusion: Annotated[str, Field("Conclusion", long=True)] = "",
) -> Walkthrough:
    """Record that it was held, and whether its audience is ready for the release."""
    if walkthrough.starts_at > now():
        refuse("walkthrough.early", "It has not begun yet.", remedy="Conclude it when it was held.")
    if not walkthrough.attendees.filter(attended=True).exists():
        refuse(
            "walkthrough.nobody_came", "Nobody is recorded as present.", remedy="Mark who was there first."
        )
    still_open = walkthrough.questions.filter(answered_at__isnull=True).count()
    if readiness == Walkthrough.Readiness.READY and still_open:
        refuse(
            "walkthrough.questions",
            f"{still_open} question{'s are' if still_open > 1 else ' is'} not answered.",
            remedy="Answer them, or conclude with conditions.",
            field="readiness",
            status=409,
        )
    if readiness != Walkthrough.Readiness.READY and not conclusion.strip():
        refuse("walkthrough.conclusion", "Say what is missing.", field="conclusion")
    walkthrough.readiness, walkthrough.conclusion = readiness, conclusion
    return walkthrough


@action(
    "walkthrough.cancel", on=Walkthrough, requires="releases.manage", machine=WALKTHROUGH_STATES, danger=True
)
def cancel_walkthrough(actor: Actor, walkthrough: Walkthrough, *, reason: Reason) -> Walkthrough:
    """Call a walkthrough off."""
    return walkthrough
