"""What an ID token must be before anybody is signed in by it: OpenID Connect Core 3.1.3.7, by Authlib and joserfc."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

# Public keys only: neither "none" nor a secret shared with the provider ever proves a person.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY = 60
LONGEST_SUBJECT = 255


class BadToken(Exception):
    """The token proves nobody; `code` says why, in one word for logs and tests."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def verified(
    token: str,
    keys: Mapping[str, Any],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    at: float,
    access_token: str = "",
    fresh: int | None = None,
) -> dict[str, Any]:
    """The claims of a token that this client was given for this very sign-in; raises `BadToken`.

    With `fresh`, the person must have proved themselves to the provider within so many seconds.
    """
    try:
        opened = jwt.decode(token, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS)  # type: ignore[arg-type]
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadToken(f"signature:{getattr(error, 'error', type(error).__name__)}") from error
    claims = CodeIDToken(
        opened.claims,
        opened.header,
        options={
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
        },
        params={
            "nonce": nonce,
            "client_id": client_id,
            "access_token": access_token or None,
            "max_age": fresh,
        },
    )
    try:
        claims.validate(now=int(at), leeway=LEEWAY)
    except (JoseError, ValueError, TypeError) as error:
        raise BadToken(
            f"claim:{getattr(error, 'claim', None) or getattr(error, 'error', 'invalid')}"
        ) from error
    _our_own(claims, client_id, nonce, at, fresh)
    return dict(claims)


def _our_own(claims: Any, client_id: str, nonce: str, at: float, fresh: int | None) -> None:
    """What the library leaves to whoever relies on the token."""
    subject, audience = claims.get("sub"), claims.get("aud")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or "\0" in subject:
        raise BadToken("claim:sub")
    if not nonce or claims.get("nonce") != nonce:
        raise BadToken("claim:nonce")
    if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client_id:
        raise BadToken("claim:azp")
    if not isinstance(claims.get("iat"), int | float) or claims["iat"] > at + LEEWAY:
        raise BadToken("claim:iat")
    if fresh is not None and claims.get("auth_time", 0) < at - fresh - LEEWAY:
        raise BadToken("claim:auth_time")


def verified_address(claims: Mapping[str, Any], vouches: bool) -> str:
    """The person's e-mail address in lower case, where the provider says that it is theirs; raises `BadToken`."""
    address = claims.get("email")
    if not isinstance(address, str) or address.count("@") != 1 or len(address) > 254 or "\0" in address:
        raise BadToken("email:missing")
    said = claims.get("email_verified")
    if said is not True and said != "true" and (said is not None or not vouches):
        raise BadToken("email:unverified")
    return address.strip().lower()


def groups_of(claims: Mapping[str, Any], claim: str) -> list[str]:
    """The names of the groups in the claim, which may lie deeper (`realm_access.roles`)."""
    found: Any = claims.get(claim)
    if found is None and "." in claim:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        found = [found]
    if not isinstance(found, list):
        return []
    return sorted(
        {each for each in found if isinstance(each, str) and each and len(each) <= 200 and "\0" not in each}
    )[:500]
