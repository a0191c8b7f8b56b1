"""How the parameters of an action are presented and bounded; read by forms, API and docs alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """Label and limits of one parameter, given as ``Annotated[type, Field(...)]``.

    choices  pairs (value, label), or a function of no arguments that returns them
    long     a text of several lines
    rows     function (actor, subject) -> queryset that limits the choice of an object
    """

    label: str = ""
    help: str = ""
    max_length: int | None = None
    min: float | None = None
    max: float | None = None
    choices: Any = None
    long: bool = False
    rows: Callable[..., Any] | None = None
    initial: Callable[..., Any] | None = None


class _Keep:
    """The type of `KEEP`."""

    def __repr__(self) -> str:
        return "KEEP"


# The default of a parameter that may be left out (what is there stays) or given empty (it is cleared).
KEEP: Any = _Keep()


@dataclass(frozen=True)
class Upload:
    """An uploaded file, already read and within its limit."""

    name: str
    content: bytes
    content_type: str = "application/octet-stream"
