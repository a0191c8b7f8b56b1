"""Parameters of a check kind: what they mean, their limits, and how a published value is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST = 200
LARGEST = 2**53


class BadParameter(ValueError):
    """A value does not fit its parameter."""


class BadParameters(BadParameter):
    """Several values do not fit theirs: parameter → what is wrong with it."""

    def __init__(self, faults: dict[str, str]):
        self.faults = faults
        super().__init__(" ".join(faults.values()))


@dataclass(frozen=True)
class Parameter:
    """One parameter: `kind` is int, float, bool, str or list (of texts).

    vet  what a version is asked before it is published, beyond type and limits; raises BadParameter
    """

    kind: type
    label: str
    default: Any = None
    help: str = ""
    min: float | None = None
    max: float | None = None
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    long: bool = False
    longest: int = 200
    vet: Callable[[Any], Any] | None = None

    @property
    def schema(self) -> dict[str, Any]:
        """The parameter as JSON Schema (2020-12): what `clean` takes as it stands, without reading text as numbers."""
        return {"title": self.label, **({"description": self.help} if self.help else {}), **self._type()}

    def _type(self) -> dict[str, Any]:
        if self.kind is bool:
            kind: dict[str, Any] = {"type": "boolean"}
        elif self.kind is list:
            kind = {
                "type": "array",
                "items": {"type": "string", "maxLength": MOST},
                "maxItems": MOST,
            }
        elif self.kind in (int, float):
            kind = {
                "type": "integer" if self.kind is int else "number",
                "minimum": self.min if self.min is not None else -LARGEST,
                "maximum": self.max if self.max is not None else LARGEST,
            }
        elif self.choices:
            kind = {"type": "string", "enum": [value for value, _ in self.choices]}
        else:
            kind = {"type": "string", "maxLength": self.longest}
        if self.optional:
            kind = {"anyOf": [kind, {"type": "null"}]}
        return {**kind, "default": self.default, **({"x-unit": self.unit} if self.unit else {})}

    @property
    def limits(self) -> str:
        """The limits in words, for whoever fills in a form."""
        if self.kind not in (int, float) or (self.min is None and self.max is None):
            return ""
        if self.min is not None and self.max is not None:
            return f"{self.min:,.10g} to {self.max:,.10g}".replace(",", "\u202f")
        return f"at least {self.min:g}" if self.min is not None else f"at most {self.max:g}"

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
        if len(text) > self.longest:
            raise BadParameter(f"{self.label}: at most {self.longest} characters.")
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


def counted(number: int, one: str, more: str = "") -> str:
    """A number with its noun: 1 test, 5 tests."""
    return f"{number} {one if number == 1 else more or one + 's'}"


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
    if len(words) > MOST or any(len(word) > MOST for word in words):
        raise BadParameter(f"at most {MOST} entries of {MOST} characters.")
    return words
