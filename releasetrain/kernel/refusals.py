"""Refusals: why something was not done, and what would make it pass. A value first, an exception second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn


@dataclass(frozen=True)
class Ref:
    """A link to an object, for messages: its kind (model name), id and label."""

    kind: str
    id: str
    label: str

    @classmethod
    def of(cls, obj: Any) -> Ref:
        return cls(kind=obj._meta.model_name, id=str(obj.pk), label=str(obj))


@dataclass(frozen=True)
class Refusal:
    """One reason why an act is refused.

    code      stable identifier, e.g. ``release.frozen``
    sentence  says why, to a person
    remedy    says what would make it pass
    blocked_by the object that stands in the way
    field     the input at fault, for refusals of bad input (status 422)
    status    the HTTP status that means this: 403, 404, 409, 412, 422, 423, 429
    """

    code: str
    sentence: str
    remedy: str = ""
    blocked_by: Ref | None = None
    field: str | None = None
    status: int = 409


class Refused(Exception):
    """An act was refused; nothing was changed."""

    def __init__(self, *refusals: Refusal):
        self.refusals: list[Refusal] = list(refusals)
        super().__init__(" ".join(r.sentence for r in refusals))

    @property
    def status(self) -> int:
        return self.refusals[0].status if self.refusals else 409

    @property
    def code(self) -> str:
        return self.refusals[0].code if self.refusals else "refused"


@dataclass(frozen=True)
class Decision:
    """The answer to "may this actor do this now?": allowed, or the refusals."""

    verb: str
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def allowed(self) -> bool:
        return not self.refusals

    @property
    def why(self) -> str:
        return " ".join(" ".join(filter(None, (r.sentence, r.remedy))) for r in self.refusals)


def refuse(
    code: str,
    sentence: str,
    *,
    remedy: str = "",
    blocked_by: Ref | None = None,
    field: str | None = None,
    status: int | None = None,
) -> NoReturn:
    """Refuse: raise `Refused`. With `field` the status defaults to 422, else to 409."""
    raise Refused(Refusal(code, sentence, remedy, blocked_by, field, status or (422 if field else 409)))
