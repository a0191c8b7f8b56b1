"""Parameters of a check kind: what they mean, their limits, and how a published value is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class BadParameter(ValueError):
    """A value does not fit its parameter."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: `kind` is int, float, bool, str or list (of texts)."""

    kind: type
    label: str
    default: Any = None
    help: str = ""
    min: float | None = None
    max: float | None = None
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False

    def clean(self, value: Any) -> Any:
        """The value in its type and within its limits; raises BadParameter. Nothing is a value of optional ones only."""
        if self.optional and (value is None or value == ""):
            return None
        if self.kind is bool:
            return _flag(value)
        if self.kind is list:
            return _words(value)
        if self.kind in (int, float):
            return self._number(value)
        text = str(value).strip()
        if self.choices and text not in dict(self.choices):
            raise BadParameter(f"{self.label}: one of {', '.join(dict(self.choices))}.")
        if len(text) > 200:
            raise BadParameter(f"{self.label}: at most 200 characters.")
        return text

    def _number(self, value: Any) -> int | float:
        if isinstance(value, bool):
            raise BadParameter(f"{self.label}: give a number.")
        try:
            number = float(value)
            if self.kind is int and number != int(number):
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise BadParameter(
                f"{self.label}: give {'a whole number' if self.kind is int else 'a number'}."
            ) from None
        if (
            not (self.min if self.min is not None else float("-inf"))
            <= number
            <= (self.max if self.max is not None else 2**53)
        ):
            raise BadParameter(
                f"{self.label}: between {self.min or 0:g} and {self.max if self.max is not None else 2**53:g}."
            )
        return int(number) if self.kind is int else number


def count(label: str, default: int = 0, help: str = "", most: int = 1_000_000) -> Parameter:
    """A whole number from zero."""
    return Parameter(int, label, default, help, min=0, max=most)


def limit(label: str, default: int | None) -> Parameter:
    """A whole number that is not exceeded; nothing means that any number will do."""
    return Parameter(int, label, default, "Empty: any number.", min=0, max=1_000_000, optional=True)


def percentage(label: str, default: float, help: str = "") -> Parameter:
    return Parameter(float, label, default, help, min=0, max=100, unit="%")


def flag(label: str, default: bool = True, help: str = "") -> Parameter:
    return Parameter(bool, label, default, help)


def texts(label: str, default: tuple[str, ...] = (), help: str = "") -> Parameter:
    """A list of words, one a line in forms."""
    return Parameter(list, label, list(default), help)


def one_of(label: str, default: str, choices: tuple[tuple[str, str], ...], help: str = "") -> Parameter:
    return Parameter(str, label, default, help, choices=choices)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "on", "1", "yes"):
        return True
    if str(value).lower() in ("false", "off", "0", "no", ""):
        return False
    raise BadParameter("give yes or no.")


def _words(value: Any) -> list[str]:
    parts = value if isinstance(value, list | tuple) else str(value).replace(",", "\n").splitlines()
    words = [str(part).strip() for part in parts if str(part).strip()]
    if len(words) > 200 or any(len(word) > 200 for word in words):
        raise BadParameter("at most 200 entries of 200 characters.")
    return words
