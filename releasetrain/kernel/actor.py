"""The actor: who does something, through which route and on whose behalf."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

# A scope is (kind, object id), e.g. ("train", "0192…"); the organization itself is ("organization", its id).
ScopeKey = tuple[str, str]
Grants = dict[str, set[ScopeKey]]

_sources: list[Callable[[Actor], Grants]] = []


def register_permission_source(source: Callable[[Actor], Grants]) -> None:
    """Plug in who knows the grants of an actor (the accounts package)."""
    _sources[:] = [source]


def scope_path(obj: Any, organization_id: uuid.UUID) -> list[ScopeKey]:
    """The scopes on which a permission counts for `obj`: its own, its owners', its organization's."""
    path: list[ScopeKey] = []
    if obj is not None:
        if hasattr(obj, "scope_path"):
            path.extend(obj.scope_path())
        else:
            path.append((obj._meta.model_name, str(obj.pk)))
            for owner in ("team", "train", "service", "board"):
                owner_id = getattr(obj, f"{owner}_id", None)
                if owner_id:
                    path.append((owner, str(owner_id)))
    path.append(("organization", str(organization_id)))
    return path


@dataclass
class Actor:
    """Whoever acts: a person, a service account or the system itself, always inside one organization."""

    organization_id: uuid.UUID
    user_id: uuid.UUID | None
    name: str
    kind: str = "person"
    route: str = "page"
    request_id: str = ""
    reason: str = ""
    on_behalf_of: uuid.UUID | None = None
    address: str = ""
    # Whether whoever acts has proved within the last minutes who they are; asked of people at the edges only.
    fresh: bool = True
    _grants: Grants | None = field(default=None, repr=False)

    @classmethod
    def system(cls, organization_id: uuid.UUID, reason: str, *, route: str = "task") -> Actor:
        """The platform acting by rule. It needs a reason and is recorded as such."""
        return cls(
            organization_id=organization_id,
            user_id=None,
            name="system",
            kind="system",
            route=route,
            reason=reason,
        )

    @property
    def grants(self) -> Grants:
        if self._grants is None:
            self._grants = _sources[0](self) if _sources and self.user_id else {}
        return self._grants

    @property
    def asked(self) -> bool:
        """Whether what the actor may do has been read already."""
        return self._grants is not None

    def holds(self, grants: Grants) -> None:
        """Take what was read together with something else."""
        self._grants = grants

    def may(self, permission: str, obj: Any = None, *, scopes: Iterable[ScopeKey] | None = None) -> bool:
        """Whether the actor holds the permission on the object, on what owns it, or on the organization."""
        if self.kind == "system":
            return True
        held = self.grants.get(permission)
        if not held:
            return False
        return any(key in held for key in (scopes or scope_path(obj, self.organization_id)))

    def may_somewhere(self, permission: str) -> bool:
        """Whether the actor holds the permission on anything in the organization."""
        return self.kind == "system" or bool(self.grants.get(permission))
