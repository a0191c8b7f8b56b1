"""The same work done twice: by people in browsers, who fill in forms, and by programs over REST."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .pipeline import Answer, Pipeline

if TYPE_CHECKING:
    from .people import Person

PATIENCE, EVERY = 180, 5


class Rest:
    """Whoever acts does so with a token of their role."""

    def __init__(self, program: Callable[[str], Pipeline]):
        self.program = program

    def calls(self, *, written: str, shown: str) -> str:
        """What a thing is called: as a program writes it, or as a person finds it in a list."""
        return written

    def do(self, role: str, path: str, /, **said: Any) -> str:
        """`problems` makes one, `rollouts/plan` too, `problems/PRB-1/close` changes one; returns the key of what came of it."""
        body = self.program(role).post(path, **said)
        return str(body.get("key") or body["id"])

    def refused(self, role: str, path: str, because: str, /, **said: Any) -> None:
        answer: Answer = self.program(role).send("POST", path, said)
        assert 400 <= answer.status < 500, answer
        assert because in json.dumps(answer.body, ensure_ascii=False), answer.body

    def awaits(
        self, role: str, path: str, state: str, words: str, meanwhile: Callable[[], None] | None = None
    ) -> None:
        """Until the object is in a state; for what a worker does in its own time, or when a scheduler rings."""
        program = self.program(role)
        until(lambda: program.get(path)["state"] == state, lambda: f"{state}: {program.get(path)}", meanwhile)

    def first(self, role: str, plural: str, **filters: str) -> str:
        """The key of the first of a list, as soon as there is one."""
        query = f"{plural}?{urllib.parse.urlencode(filters)}"
        until(lambda: bool(self.program(role).get(query)["items"]), lambda: query)
        found = self.program(role).get(query)["items"][0]
        return str(found.get("key") or found["id"])


class Browsers:
    """Whoever acts has a browser and fills in the forms of the pages."""

    def __init__(self, person: Callable[[str], Person]):
        self.person = person

    def calls(self, *, written: str, shown: str) -> str:
        return shown

    def do(self, role: str, path: str, /, **said: Any) -> str:
        return self.person(role).do(_form(path), **_typed(said)).rstrip("/").rpartition("/")[2]

    def refused(self, role: str, path: str, because: str, /, **said: Any) -> None:
        answer = self.person(role).refused(_form(path), **_typed(said))
        assert because in answer, answer

    def awaits(
        self, role: str, path: str, state: str, words: str, meanwhile: Callable[[], None] | None = None
    ) -> None:
        person = self.person(role)

        def there() -> bool:
            person.open(f"{path}/")
            return bool(person.main.get_by_text(words).filter(visible=True).count())

        until(there, lambda: f"{words}: {person.main.inner_text()}", meanwhile)

    def first(self, role: str, plural: str, **filters: str) -> str:
        person = self.person(role)
        person.open(f"{plural}/?{urllib.parse.urlencode(filters)}")
        links = person.main.locator(f".results a[href*='/{plural}/'], table a[href*='/{plural}/']")

        def there() -> bool:
            person.page.reload()
            return bool(links.count())

        until(there, lambda: f"no {plural} with {filters}: {person.main.inner_text()}")
        return str(links.first.get_attribute("href")).rstrip("/").rpartition("/")[2]


Hands = Rest | Browsers


def _form(path: str) -> str:
    """Where the form of an endpoint is."""
    parts = path.split("/")
    return f"{path}/new" if len(parts) == 1 else "/".join([*parts[:-1], "do", parts[-1]])


def _typed(said: dict[str, Any]) -> dict[str, Any]:
    """What a person types where a program sends a list or an object; several choices stay several."""
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in said.items()}


def until(
    there: Callable[[], bool], what: Callable[[], str], meanwhile: Callable[[], None] | None = None
) -> None:
    """Look again and again, ringing what a scheduler would ring, until it is there."""
    deadline = time.monotonic() + PATIENCE
    ring = time.monotonic()
    while not there():
        assert time.monotonic() < deadline, f"never {what()}"
        if meanwhile and time.monotonic() >= ring:
            meanwhile()
            ring = time.monotonic() + EVERY
        time.sleep(0.5)
