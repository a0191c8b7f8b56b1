"""Pages of records as HTML files that open offline, written as the records come."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, TextIO

from django.template.loader import render_to_string

from governance.evidence.collect import Entry, shown_as
from governance.evidence.packing import path_of_page

from .words import at_path, heading, moment, said

PER_PAGE = 200
TRAIL = "ledger"
_BODY = "@@body@@"


class Pages:
    """Writes a record at a time; each kind has its own run of pages."""

    def __init__(self, folder: Path, about: str) -> None:
        self._folder = folder
        self._about = about
        self._runs: dict[str, _Run] = {}
        (folder / "pages").mkdir(parents=True, exist_ok=True)

    def add(self, entry: Entry) -> str:
        """Write a record; returns the address at which it can be read, seen from the root of the package."""
        kind, ident, label, data = entry
        run = self._runs.get(kind) or self._run(kind, shown_as(kind).title)
        path = run.place()
        run.write(_article(ident, label, data))
        return f"{path}#r-{ident}"

    def add_ledger(self, index: int, document: dict[str, Any], names: dict[str, str]) -> None:
        """Write a ledger entry."""
        run = self._run(TRAIL, "Audit trail")
        run.place()
        run.write(_entry(index, document, names))

    def close(self) -> None:
        """End every page; nothing can be added any more."""
        for run in self._runs.values():
            run.close()

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every page with its path in the package."""
        for run in self._runs.values():
            yield from run.files()

    def _run(self, kind: str, title: str) -> _Run:
        if kind not in self._runs:
            self._runs[kind] = _Run(self._folder, kind, title, self._about)
        return self._runs[kind]


class _Run:
    """The pages of one kind."""

    def __init__(self, folder: Path, kind: str, title: str, about: str) -> None:
        self._folder, self._kind = folder, kind
        context = {"title": title, "about": about, "root": "../", "body": _BODY}
        self._head, self._tail = render_to_string("governance/evidence/package_page.html", context).split(
            _BODY
        )
        self._number = 0
        self._on_page = PER_PAGE
        self._file: TextIO | None = None
        self._paths: list[str] = []

    def place(self) -> str:
        """The page that the next record goes to."""
        if self._on_page >= PER_PAGE:
            self._turn()
        self._on_page += 1
        return self._paths[-1]

    def write(self, html: str) -> None:
        assert self._file is not None
        self._file.write(html)

    def close(self) -> None:
        self._end("")

    def files(self) -> Iterator[tuple[str, Path]]:
        for path in self._paths:
            yield path, self._folder / path

    def _turn(self) -> None:
        self._number += 1
        path = path_of_page(self._kind, self._number)
        self._end(Path(path).name)
        self._file = (self._folder / path).open("w", encoding="utf-8", newline="\n")
        self._paths.append(path)
        self._on_page = 0
        self._file.write(self._head)

    def _end(self, following: str) -> None:
        if self._file is not None:
            if following:
                self._file.write(f'<p class="next"><a href="{escape(following)}">Next page</a></p>')
            self._file.write(self._tail)
            self._file.close()
            self._file = None


def _article(ident: str, label: str, data: dict[str, Any]) -> str:
    facts = {
        name: value for name, value in data.items() if name != "history" and value not in (None, "", [], {})
    }
    inside = _facts(facts) + _history(data.get("history"))
    return f'<article id="r-{escape(ident)}"><h2>{escape(label)}</h2>{inside}</article>\n'


def _facts(facts: dict[str, Any]) -> str:
    rows = "".join(
        f"<dt>{escape(heading(name))}</dt><dd>{_value(value, name)}</dd>" for name, value in facts.items()
    )
    return f"<dl>{rows}</dl>"


def _value(value: Any, name: str) -> str:
    if isinstance(value, dict) and not {"label", "name"} & value.keys():
        return _facts(value) if value else "–"
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "<ol>" + "".join(f"<li>{_value(item, name)}</li>" for item in value) + "</ol>"
    if isinstance(value, dict) and len(value) > 3:
        return _facts(value)
    return escape(said(value, name)) or "–"


def _history(history: Any) -> str:
    if not history:
        return ""
    rows = "".join(
        f"<tr><td>{escape(moment(row['at']))}</td><td>{escape(said(row['by']) or 'system')}</td>"
        f"<td>{escape(row['did'])}</td><td>{_changes(row['changes'])}</td><td>{escape(row['reason'])}</td></tr>"
        for row in history
    )
    heads = "".join(f'<th scope="col">{text}</th>' for text in ("When", "Who", "What", "From → to", "Why"))
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f"<details><summary>History ({len(history)})</summary>{table}</details>"


def _changes(changes: dict[str, list[Any]]) -> str:
    return "<br>".join(
        f"{escape(heading(name))}: {escape(said(old, name)) or '–'} → {escape(said(new, name)) or '–'}"
        for name, (old, new) in changes.items()
    )


def _entry(index: int, document: dict[str, Any], names: dict[str, str]) -> str:
    payload = {k: v for k, v in document["payload"].items() if v not in ({}, [], None, "")}
    facts = {
        "at": document["at"],
        "who": who(document, names),
        "subject": at_path(document, "subject.label"),
        "reason": document["reason"],
        "route": document["actor"]["route"],
        "request": document["request"],
        **payload,
    }
    shown = {name: value for name, value in facts.items() if value}
    return f'<article id="e-{index}"><h2>{index} <code>{escape(document["verb"])}</code></h2>{_facts(shown)}</article>\n'


def who(document: dict[str, Any], names: dict[str, str]) -> str:
    """Who acted, by the name that goes with the id in the entry."""
    actor = document["actor"]
    return names.get(actor["id"] or "", "") or actor["name"] or actor["kind"]
