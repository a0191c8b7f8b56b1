"""Notifications: into inboxes, to a mail server, and from an act to the letter that tells of it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller
from django.test import override_settings

from releasetrain.embedded.addresses import free_port

from .figures import AT_LEAST, Figure, Observation, Result, median, percentile
from .installation import Installation

TITLE = "Notifications"
NOTICES, ACTS = 250, 12
# An act tells its followers by mail within so many seconds.
WITHIN = 10.0
PATIENCE = 120.0
_NUMBER = re.compile(r"Benchmark (\d+)")


class Sink:
    """A mail server that takes everything and notes when a letter came, by the number in its text."""

    def __init__(self) -> None:
        self.count = 0
        self.came: dict[int, float] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - called by this name
        self.count += 1
        letter: Any = message_from_bytes(envelope.content, policy=policy.default)
        text = f"{letter['subject']} {letter.get_body(('plain',)).get_content()}"
        for number in _NUMBER.findall(text):
            self.came.setdefault(int(number), time.monotonic())
        return "250 kept"


def measure(installation: Installation) -> list[Result]:
    sink = Sink()
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    server = Controller(sink, hostname="127.0.0.1", port=free_port())
    server.start()
    host, port = "127.0.0.1", server.port
    try:
        people, told = _tell()
        with override_settings(
            EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST=host, EMAIL_PORT=port
        ):
            sent, sending = _send()
        with installation.worker(EMAIL_HOST=host, EMAIL_PORT=str(port)), installation.scheduler():
            waits = _from_act_to_letter(sink)
    finally:
        server.stop()
    notices = people * NOTICES
    return [
        Figure(
            "From an act to the letter that tells a follower of it, p95",
            f"{percentile(waits, 0.95):.1f} s",
            f"{WITHIN:.0f} s",
            percentile(waits, 0.95) / WITHIN,
            1.0,
            note=f"{ACTS} acts, one after the other, each with a follower; one worker and the scheduler; until the mail server has the letter.",
        ),
        Observation("… median", f"{median(waits):.1f} s"),
        Figure(
            f"Notices to {people} people each into their inboxes, one process",
            f"{notices / told:,.0f} a second",
            f"1,000 a second ({notices:,} in {told:.1f} s)",
            notices / told / 1_000,
            1.0,
            AT_LEAST,
            "Wishes, quiet hours and what was told before are read for each notice; each is a transaction.",
        ),
        Observation(
            "Letters about what waits for one person, one process",
            f"{sent / sending:,.0f} a second, {notices / sending:,.0f} notices a second",
            "Claimed under a lease, written, handed to the mail server over a connection of its own, noted.",
        ),
    ]


@contextmanager
def _inside(person: Any = None) -> Iterator[Any]:
    from releasetrain.kernel.actor import Actor
    from releasetrain.tenancy.models import Organization
    from releasetrain.tenancy.scope import tenant_scope

    organization = Organization.objects.get(slug="northwind")
    actor = (
        Actor(organization.pk, person.pk, str(person), request_id="bench")
        if person
        else Actor.system(organization.pk, "bench")
    )
    with tenant_scope(organization.pk, actor):
        yield actor


def _tell() -> tuple[int, float]:
    """Tell everybody of the organization many things; returns how many people and how long it took."""
    from releasetrain.accounts.models import Membership
    from releasetrain.interface.notices import remind

    with _inside():
        people = list(
            Membership.objects.filter(user__email__endswith="@northwind.example").values_list(
                "user_id", flat=True
            )
        )
    began = time.monotonic()
    for number in range(NOTICES):
        with _inside():
            # Urgent ones pass quiet hours, whenever this runs.
            told = remind(people, f"bench {number}", f"Reminder {number}", "It is due.", urgent=True)
            if told != len(people):
                raise RuntimeError(f"{told} of {len(people)} people were told.")
    return len(people), time.monotonic() - began


def _send() -> tuple[int, float]:
    from releasetrain.exchange.mailing import send_due
    from releasetrain.tenancy.models import Organization

    organization = Organization.objects.get(slug="northwind")
    began = time.monotonic()
    return send_due(organization.pk), time.monotonic() - began


def _from_act_to_letter(sink: Sink) -> list[float]:
    """Seconds from the commit of each act to its letter."""
    act = _followed_act()
    waits = []
    for number in range(ACTS):
        act(number)
        began = time.monotonic()
        while number not in sink.came:
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"No letter told of act {number} within {PATIENCE:.0f} s.")
            time.sleep(0.01)
        waits.append(sink.came[number] - began)
        # Acts come at any moment between two turns of the scheduler, not just after one.
        time.sleep(number * 1.7 % 5)
    return waits


def _followed_act() -> Callable[[int], None]:
    """An act of one person that another, who has no quiet hours, is told of at once."""
    from releasetrain.accounts.models import User
    from releasetrain.exchange.actions.notifications import choose_settings, follow
    from trains.actions.milestones import create_milestone
    from trains.models import ProgramIncrement, Train

    author = User.objects.get(email="amara.obi@northwind.example")
    follower = User.objects.get(email="priya.shah@northwind.example")
    with _inside(follower) as actor:
        choose_settings(actor)
        follow(actor, verbs=["milestone.create"])
    with _inside():
        train = Train.objects.get(key="PAY")
        increment = ProgramIncrement.objects.filter(train=train).order_by("starts").first()

    def act(number: int) -> None:
        with _inside(author) as actor:
            create_milestone(
                actor, train=train, pi=increment, name=f"Benchmark {number}", on=date(2026, 5, 4)
            )

    return act
