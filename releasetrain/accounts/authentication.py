"""How the API learns who asks. The middleware opens the scope; these only tell the framework the result."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication

from . import tokens


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer rtk_…`."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        token = bearer_token(request._request)
        return (token.user, token) if token else None

    def authenticate_header(self, request: Any) -> str:
        return 'Bearer realm="release train"'


class BrowserSession(SessionAuthentication):
    """The browser's session, with its CSRF check."""

    def enforce_csrf(self, request: Any) -> None:
        """Check the plain request: the framework's own would be parsed before its view says how."""
        super().enforce_csrf(request._request)


def bearer_token(request: Any) -> Any:
    """The living token of this request, looked up once."""
    if not hasattr(request, "_bearer_token"):
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        request._bearer_token = tokens.find(text.strip()) if scheme.lower() == "bearer" else None
    return request._bearer_token


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of a service account or person: rtk_…",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BrowserSession
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "session"}
