"""Writing the ledger: one entry per act, inside the act's own transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from django.db import connection

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import canonical, plain
from releasetrain.kernel.clock import now

# The text of a statement and its parameters.
Statement = tuple[str, list[Any]]

# By a function of the database (audit.guards): every act asks for this, and planning it costs the most.
_INSERT = "SELECT append_entry(%s, %s)"

# Columns are filled by the insert trigger from the body; the placeholders only satisfy NOT NULL before it runs.
_INSERT_MANY = (
    "INSERT INTO audit_ledgerentry (organization_id, body, at, verb, actor_name, route, subject_kind, subject_id,"
    " subject_label, request_id, leaf_hash) SELECT %s, given.body, 'epoch', '', '', '', '', '', '', '', ''"
    " FROM unnest(%s::text[]) WITH ORDINALITY AS given (body, place) ORDER BY given.place"
)


def entry_body(
    actor: Actor,
    verb: str,
    *,
    kind: str,
    subject_id: str,
    label: str,
    payload: dict[str, Any],
    reason: str = "",
) -> str:
    """The canonical JSON (RFC 8785) of one entry, as it is stored, hashed and proved."""
    return canonical(
        {
            "id": str(uuid.uuid4()),
            "organization": str(actor.organization_id),
            "at": plain(now()),
            "verb": verb,
            "actor": {
                "id": str(actor.user_id) if actor.user_id else None,
                # People are named by reference, so that a person can be erased and the ledger still verifies.
                "name": "" if actor.kind == "person" else actor.name[:200],
                "kind": actor.kind,
                "route": actor.route,
                "network": network_of(actor.address),
                "on_behalf_of": str(actor.on_behalf_of) if actor.on_behalf_of else None,
            },
            "subject": {"kind": kind, "id": subject_id, "label": label[:200]},
            "payload": payload,
            "reason": reason or actor.reason,
            "request": actor.request_id,
        }
    ).decode()


def network_of(address: str) -> str:
    """The network an address lies in (/24, or /48 for IPv6), empty when there is none.

    Entries are kept for good, and a whole address may point at a person; the server's log has it under the request's id.
    """
    if not address:
        return ""
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network((known, 24 if known.version == 4 else 48), strict=False))


@dataclass(frozen=True)
class Entry:
    """What one of several entries says."""

    actor: Actor
    verb: str
    subject: Any
    payload: dict[str, Any]
    reason: str = ""


def append_many(entries: Sequence[Entry], riders: Iterable[Statement] = ()) -> None:
    """Append entries in their order, in one round trip, after the riders."""
    if not entries:
        return
    bodies = []
    for each in entries:
        kind, subject_id, label = _named(each.actor, each.subject)
        bodies.append(
            entry_body(
                each.actor,
                each.verb,
                kind=kind,
                subject_id=subject_id,
                label=label,
                payload=each.payload,
                reason=each.reason,
            )
        )
    statements = [*riders, (_INSERT_MANY, [entries[0].actor.organization_id, bodies])]
    with connection.cursor() as cursor:
        cursor.execute(
            "; ".join(text for text, _ in statements), [value for _, values in statements for value in values]
        )


def append(
    actor: Actor,
    verb: str,
    subject: Any,
    payload: dict[str, Any],
    reason: str = "",
    riders: Iterable[Statement] = (),
) -> int:
    """Append one entry about `subject` (a model instance, or None for the organization itself); returns its id.

    `riders` are statements that go to the database in the same round trip, before the entry.
    """
    kind, subject_id, label = _named(actor, subject)
    body = entry_body(
        actor, verb, kind=kind, subject_id=subject_id, label=label, payload=payload, reason=reason
    )
    statements = [*riders, (_INSERT, [actor.organization_id, body])]
    with connection.cursor() as cursor:
        cursor.execute(
            "; ".join(text for text, _ in statements), [value for _, values in statements for value in values]
        )
        entry_id: int = cursor.fetchone()[0]
    return entry_id


def _named(actor: Actor, subject: Any) -> tuple[str, str, str]:
    if subject is None:
        return "organization", str(actor.organization_id), "organization"
    return subject._meta.model_name, str(subject.pk), str(subject)
