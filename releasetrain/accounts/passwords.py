"""Which passwords are refused besides the common ones: those that are soon guessed, and those that a breach has made public."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from zxcvbn_rs_py import zxcvbn

_LONGEST_JUDGED = 100
_LEAST_SCORE = 3


class GuessablePassword:
    """Refuses what zxcvbn finds within 10⁸ guesses: words and names from breaches, dates, keyboard walks, and their usual disguises."""

    def validate(self, password: str, user: Any = None) -> None:
        known = [str(getattr(user, name, "") or "") for name in ("email", "name")]
        parts = [
            part
            for text in known
            for part in (text, *text.replace("@", " ").replace(".", " ").split())
            if part
        ]
        found = zxcvbn(password[:_LONGEST_JUDGED], ["release", "train", "releasetrain", *parts])
        if int(found.score) < _LEAST_SCORE:
            raise ValidationError(
                gettext(
                    "This password is soon guessed. Take several unrelated words, or let a password manager make one."
                ),
                code="password_guessable",
            )

    def get_help_text(self) -> str:
        return gettext("Your password can't be one that is soon guessed.")


class BreachedPassword:
    """Refuses passwords in a local copy of the Pwned Passwords ranges: files named by the first five digits of the SHA-1, a suffix a line.

    Nothing of a password leaves the machine. Without such a folder it refuses nothing; the other validators still do.
    """

    def __init__(self, folder: str = ""):
        self.folder = Path(folder) if folder else None

    def validate(self, password: str, user: Any = None) -> None:
        if self.folder is None:
            return
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        for path in (self.folder / digest[:5], self.folder / f"{digest[:5]}.txt"):
            if not path.is_file():
                continue
            with path.open() as lines:
                if any(line[:35].upper() == digest[5:] for line in lines):
                    raise ValidationError(
                        gettext(
                            "This password stands in a published breach. Take one that you use nowhere else."
                        ),
                        code="password_breached",
                    )
            return

    def get_help_text(self) -> str:
        return gettext("Your password can't be one that a breach has made public.") if self.folder else ""
