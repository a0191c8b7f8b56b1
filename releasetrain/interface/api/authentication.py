"""What the framework is told about who asks: the middleware found out already."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication


class EnteredActor(BaseAuthentication):
    """The person whom OrganizationMiddleware let in, with the token if there was one."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        inner = request._request
        return (inner.user, getattr(inner, "auth", None)) if hasattr(inner, "actor") else None

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="release train"'


class EnteredActorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Both ways in, for the schema."""

    target_class = EnteredActor
    name = ["token", "session"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Either of the two is enough."""
        return [{"token": []}, {"session": []}]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of a person or service account: `rtk_…`",
            },
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "session",
                "description": "The browser's session, with X-CSRFToken.",
            },
        ]
