"""Verbs of changed contractual commitments: two acknowledgements, the customer's notice."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import Actor, Field, Ref, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import CommitmentChange, Release
from trains.states_releases import COMMITMENT_STATES

State = CommitmentChange.State
Person = User
Reason = Annotated[str, Field("Reason", long=True)]

explain_constraint("commitment_two_people", "Legal and account management are two people.")


@action("commitment_change.create", creates=CommitmentChange, requires="releases.manage", within="release")
def create_commitment_change(
    actor: Actor,
    *,
    release: Release,
    customer: Annotated[str, Field("Customer", max_length=200)],
    contract: Annotated[str, Field("Contract or service description", max_length=200)],
    change: Annotated[
        str, Field("What changes", help="What was promised, and what will be so instead.", long=True)
    ],
    notice_days: Annotated[int, Field("Notice in days", min=0, max=1000)],
    legal: Annotated[Person, Field("For legal")],
    account: Annotated[Person, Field("For account management")],
) -> CommitmentChange:
    """Record that a release changes what a contract promises."""
    _two_people(actor, legal, account)
    return CommitmentChange.objects.create(
        release=release,
        customer=customer,
        contract=contract,
        change=change,
        notice_days=notice_days,
        legal=legal,
        account=account,
    )


def _two_people(actor: Actor, legal: User, account: User) -> None:
    if legal.pk == account.pk:
        refuse("commitment.same_person", "Legal and account management are two people.", field="account")
    for field, person in (("legal", legal), ("account", account)):
        if person.pk == actor.user_id:
            refuse(
                "commitment.own",
                "Whoever records the change does not acknowledge it.",
                remedy="Name somebody else.",
                field=field,
            )


@action("commitment_change.edit", on=CommitmentChange, requires="releases.manage", machine=COMMITMENT_STATES)
def edit_commitment_change(
    actor: Actor,
    commitment: CommitmentChange,
    *,
    change: Annotated[str | None, Field("What changes", long=True)] = None,
    notice_days: Annotated[int | None, Field("Notice in days", min=0, max=1000)] = None,
    legal: Annotated[Person | None, Field("For legal")] = None,
    account: Annotated[Person | None, Field("For account management")] = None,
) -> CommitmentChange:
    """Change the record; what was acknowledged before has to be acknowledged again."""
    if legal is not None or account is not None:
        _two_people(actor, legal or commitment.legal, account or commitment.account)
    given = {"change": change, "notice_days": notice_days, "legal": legal, "account": account}
    news = {n: v for n, v in given.items() if v is not None and v != getattr(commitment, n)}
    for field, value in news.items():
        setattr(commitment, field, value)
    if news:
        commitment.legal_at = commitment.account_at = None
        commitment.legal_note = commitment.account_note = ""
        commitment.state = State.OPEN
        if "change" in news:
            commitment.notified_on = None
    commitment.save()
    return commitment


@action(
    "commitment_change.acknowledge",
    on=CommitmentChange,
    requires="organization.view",
    machine=COMMITMENT_STATES,
)
def acknowledge_commitment(
    actor: Actor,
    commitment: CommitmentChange,
    *,
    note: Annotated[str, Field("Note", help="What was checked, and on which basis.", long=True)],
) -> CommitmentChange:
    """Acknowledge the change, as the person named for legal or for account management."""
    if not note.strip():
        refuse("commitment.note", "Say what was checked.", field="note")
    if actor.user_id == commitment.legal_id:
        commitment.legal_at, commitment.legal_note = now(), note
    elif actor.user_id == commitment.account_id:
        commitment.account_at, commitment.account_note = now(), note
    else:
        refuse(
            "commitment.not_named",
            f"Only {commitment.legal} and {commitment.account} acknowledge this.",
            remedy="Ask them, or have somebody else named.",
            status=403,
        )
    if commitment.legal_at and commitment.account_at:
        commitment.state = State.ACKNOWLEDGED
    commitment.save()
    return commitment


@action(
    "commitment_change.tell_customer",
    on=CommitmentChange,
    requires="organization.view",
    machine=COMMITMENT_STATES,
)
def tell_customer(
    actor: Actor,
    commitment: CommitmentChange,
    *,
    on: Annotated[date, Field("Customer told on", help="Notice runs from this day.")],
    how: Annotated[str, Field("How", help="E.g. registered letter, portal message.", max_length=200)],
) -> CommitmentChange:
    """Record that the customer was told; only account management does, and only what legal acknowledged."""
    if actor.user_id != commitment.account_id:
        refuse("commitment.not_account", f"{commitment.account} tells the customer.", status=403)
    if commitment.legal_at is None:
        refuse(
            "commitment.legal_first",
            "Legal has not acknowledged the change.",
            remedy=f"Ask {commitment.legal} first.",
            blocked_by=Ref.of(commitment),
        )
    if on > now().date():
        refuse("commitment.future", "Record it once the customer was told.", field="on")
    commitment.notified_on = on
    commitment.save()
    return commitment


@action(
    "commitment_change.withdraw",
    on=CommitmentChange,
    requires="releases.manage",
    machine=COMMITMENT_STATES,
    danger=True,
)
def withdraw_commitment_change(
    actor: Actor, commitment: CommitmentChange, *, reason: Reason
) -> CommitmentChange:
    """The release changes this promise no longer."""
    return commitment
