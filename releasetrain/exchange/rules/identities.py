"""Which roles a person's groups give, and what that changes; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}\Z")


def roles_of(groups: Iterable[str], mapping: Iterable[Mapping[str, str]]) -> set[str]:
    """The roles that these groups give; names of groups count whatever their case."""
    held = {group.casefold() for group in groups}
    return {each["role"] for each in mapping if each["group"].casefold() in held}


@dataclass(frozen=True)
class Difference:
    """What has to happen so that somebody holds the wanted roles and no other that groups once gave."""

    give: frozenset[str]
    take: frozenset[str]


def difference(wanted: set[str], given: set[str], held: set[str]) -> Difference:
    """`given` roles came from groups and are taken back; what is `held` besides was given by hand and stays."""
    return Difference(frozenset(wanted - held), frozenset(given - wanted))


def domain_of(text: str) -> str:
    """The domain of an address, or of a text that is one; empty when it is none. In lower case, as DNS writes it."""
    domain = text.strip().rpartition("@")[2].rstrip(".").lower()
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        return ""
    return domain if len(domain) <= 253 and _DOMAIN.match(domain) else ""
