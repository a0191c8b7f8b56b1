"""What came of the load: every acknowledged act is there once, none passed that should not have, all due work is done."""

from __future__ import annotations

import email
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ONCE = ("evaluation.settle", "change.approved", "change.submit", "change.create", "evidence_package.finish")
TWICE = """
    SELECT verb || ' of ' || subject_label, count(*) FROM audit_ledgerentry
    WHERE verb = ANY(%s) GROUP BY verb, subject_label, subject_id HAVING count(*) > 1
"""
# What is left for workers and schedulers; nothing, once they have had their time.
DUE = {
    "evaluations": "SELECT count(*) FROM governance_evaluation WHERE state IN ('queued', 'running', 'pending')",
    "events": "SELECT count(*) FROM exchange_inboundevent WHERE state = 'received'",
    "mails": "SELECT count(*) FROM exchange_notification WHERE mail = 'waiting' AND mail_due_at < now()",
    "entries to seal": "SELECT count(*) FROM audit_ledgerentry e WHERE NOT EXISTS"
    " (SELECT FROM audit_sealedleaf s WHERE s.organization_id = e.organization_id AND s.entry_id = e.id)",
}


@dataclass
class Counts:
    """Figures for the table, and what is wrong."""

    requests: int = 0
    retried: int = 0
    longest: float = 0.0
    acts: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.doubled or self.passed or self.odd)


def notes_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def count(notes: list[dict[str, Any]], database: Any, mail: Path) -> Counts:
    """Notes of the clients beside what the database holds."""
    counts = Counts()
    for note in notes:
        what = note["what"]
        if what == "request":
            counts.requests += 1
            counts.retried += bool(note["tries"])
            counts.longest = max(counts.longest, note["seconds"])
            counts.problems.update(note["problems"])
        elif what == "lost":
            counts.lost.append(note["error"])
        elif what == "odd":
            counts.odd.append(note["error"])
        elif what != "ended":
            counts.acts[what] += 1
        if what == "verdict" and note["verdict"] != note["expected"]:
            stale = note["verdict"] in ("pass", "passed")
            (counts.passed if stale else counts.odd).append(
                f"{note['key']} {note['version']} said {note['verdict']}"
            )
    with database.cursor() as cursor:
        _beside_the_database(counts, notes, cursor)
    _mails(counts, mail)
    return counts


def _beside_the_database(counts: Counts, notes: list[dict[str, Any]], cursor: Any) -> None:
    def rows(statement: str, *parameters: Any) -> list[Any]:
        cursor.execute(statement, parameters)
        found: list[Any] = cursor.fetchall()
        return found

    expected = Counter(note["digest"] for note in notes if note["what"] == "result")
    found = dict(
        rows(
            "SELECT a.digest, count(r.id) FROM governance_result r JOIN trains_artifact a ON a.id = r.artifact_id"
            " WHERE a.digest = ANY(%s) GROUP BY a.digest",
            list(expected),
        )
    )
    _compare(counts, "results of", expected, found)
    runs = Counter({note["run"]: 1 for note in notes if note["what"] == "deployment"})
    found = dict(
        rows(
            "SELECT external_id, count(*) FROM trains_deployment WHERE source = 'ci' AND external_id = ANY(%s) GROUP BY 1",
            list(runs),
        )
    )
    _compare(counts, "deployments", runs, found)
    votes = Counter(note["change"] for note in notes if note["what"] == "vote")
    found = dict(
        rows(
            "SELECT change_id::text, count(*) FROM governance_vote WHERE change_id::text = ANY(%s) GROUP BY 1",
            list(votes),
        )
    )
    _compare(counts, "votes on", votes, found)
    for key, state, cast in rows(
        "SELECT c.key, c.state, count(v.id) FROM governance_changerequest c LEFT JOIN governance_vote v ON v.change_id = c.id"
        " WHERE c.id::text = ANY(%s) GROUP BY c.id, c.key, c.state",
        list(votes),
    ):
        if state == "approved" and cast < 2:
            counts.passed.append(f"{key} is approved with {cast} votes")
        elif state != "approved" and cast >= 2:
            counts.lost.append(f"{key} has {cast} votes and is {state}")
    events = Counter({note["id"]: 1 for note in notes if note["what"] == "event"})
    found = dict(
        rows(
            "SELECT thread, count(*) FROM exchange_inboundevent WHERE thread = ANY(%s) GROUP BY 1",
            list(events),
        )
    )
    _compare(counts, "events", events, found)
    made = dict(
        rows(
            "SELECT a.version, count(d.id) FROM trains_deployment d JOIN trains_artifact a ON a.id = d.artifact_id"
            " WHERE a.version = ANY(%s) GROUP BY 1",
            list(events),
        )
    )
    _compare(counts, "deployments from event", events, made)
    for what, times in rows(TWICE, list(ONCE)):
        counts.doubled.append(f"{what}: {times} times")
    for what, statement in DUE.items():
        (left,) = rows(statement)[0]
        if left:
            counts.lost.append(f"{left} {what} are still due")
    for what, times in rows(
        "SELECT user_id::text || ' ' || key, count(*) FROM exchange_notification GROUP BY 1 HAVING count(*) > 1"
    ):
        counts.doubled.append(f"notification {what}: {times} times")
    for name, table in (("checkpoints", "audit_checkpoint"), ("sealed entries", "audit_sealedleaf")):
        counts.acts[name] = rows(f"SELECT count(*) FROM {table}")[0][0]


def _compare(counts: Counts, what: str, expected: Counter[str], found: dict[str, int]) -> None:
    for name, times in expected.items():
        there = found.get(name, 0)
        if there != times:
            (counts.lost if there < times else counts.doubled).append(
                f"{what} {name}: {there} instead of {times}"
            )


def _mails(counts: Counts, folder: Path) -> None:
    """Mail is sent by workers at a scheduler's bell: every message once."""
    seen: Counter[str] = Counter()
    for file in folder.glob("*.log") if folder.is_dir() else ():
        for text in file.read_text(errors="replace").split("-" * 79):
            ident = email.message_from_string(text.strip()).get("Message-ID")
            if ident:
                seen[ident] += 1
    counts.acts["mails"] = sum(seen.values())
    counts.doubled += [f"mail {ident}: {times} times" for ident, times in seen.items() if times > 1]
