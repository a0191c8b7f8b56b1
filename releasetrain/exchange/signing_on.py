"""OpenID Connect against an organization's provider: discovery, the way there with PKCE, state and nonce, and the way back.

Every address that the provider names is called through `outgoing`, so that no discovery document leads inside.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
from django.core.cache import cache

from releasetrain.exchange import outgoing, sealing
from releasetrain.exchange.models import IdentityProvider
from releasetrain.exchange.rules.id_tokens import BadToken, groups_of, verified, verified_address
from releasetrain.kernel.clock import now

log = logging.getLogger(__name__)

_MOST = 200_000
_KEPT = 600
# Somebody who has the sign-in page open may take so long.
PATIENCE = 600
FRESH = 60


class SignOnFailed(Exception):
    """Nobody is signed in. `code` is for the log and the page; what was wrong inside a token is said to operators only."""

    def __init__(self, code: str, sentence: str):
        super().__init__(code)
        self.code, self.sentence = code, sentence


@dataclass(frozen=True)
class Person:
    """Who came back, as the provider says."""

    issuer: str
    subject: str
    email: str
    name: str
    groups: list[str]


def discovered(issuer: str) -> dict[str, Any]:
    """The provider's discovery document, kept for some minutes; raises `SignOnFailed`."""
    found = _kept(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise SignOnFailed(
            "provider.issuer", f"The provider calls itself {str(found.get('issuer'))[:200]}, not {issuer}."
        )
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(found.get(name), str) or urlsplit(found[name]).scheme not in ("https", "http"):
            raise SignOnFailed("provider.incomplete", f"The provider's discovery document names no {name}.")
    return found


def begin(
    provider: IdentityProvider, redirect_uri: str, hint: str = "", *, again: bool = False
) -> tuple[str, dict[str, Any]]:
    """The address to send the person to, and what this session has to remember until they are back."""
    found = discovered(provider.issuer)
    pending = {
        "state": secrets.token_urlsafe(32),
        "nonce": secrets.token_urlsafe(32),
        "verifier": secrets.token_urlsafe(48),
        "redirect_uri": redirect_uri,
        "began": time.time(),
        "again": again,
    }
    challenge = base64.urlsafe_b64encode(hashlib.sha256(str(pending["verifier"]).encode()).digest())
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": _scopes(found),
        "state": pending["state"],
        "nonce": pending["nonce"],
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    if hint:
        query["login_hint"] = hint
    if again:
        query |= {"prompt": "login", "max_age": "0"}
    joined = "&" if "?" in found["authorization_endpoint"] else "?"
    return f"{found['authorization_endpoint']}{joined}{urlencode(query)}", pending


def finish(provider: IdentityProvider, pending: dict[str, Any], query: dict[str, str]) -> Person:
    """Exchange the code of an answer for a person; raises `SignOnFailed`. The caller has forgotten `pending` already."""
    if not secrets.compare_digest(str(pending.get("state", "")).encode(), query.get("state", "").encode()):
        raise SignOnFailed("sign_on.state", "This answer belongs to no sign-in of this browser.")
    if time.time() - float(pending["began"]) > PATIENCE:
        raise SignOnFailed("sign_on.late", "The sign-in took too long.")
    if query.get("error"):
        raise SignOnFailed("sign_on.declined", "Your organization's provider did not sign you in.")
    if query.get("iss", provider.issuer) != provider.issuer:
        raise SignOnFailed("sign_on.issuer", "The answer came from another provider.")
    if not query.get("code"):
        raise SignOnFailed("sign_on.code", "The provider's answer carries no code.")
    found = discovered(provider.issuer)
    answer = _exchanged(provider, found, pending, query["code"])
    try:
        claims = _claims(provider, found, pending, answer)
        if provider.group_claim not in claims or "email" not in claims:
            claims = {**_user_info(found, answer, claims["sub"]), **claims}
        email = verified_address(claims, provider.vouches)
    except BadToken as bad:
        log.warning("single sign-on refused at %s: %s", provider.pk, bad.code)
        raise SignOnFailed(bad.code, _said(bad.code)) from bad
    name = claims.get("name") if isinstance(claims.get("name"), str) else ""
    return Person(
        provider.issuer,
        claims["sub"],
        email,
        str(name)[:120].replace("\0", ""),
        groups_of(claims, provider.group_claim),
    )


def _said(code: str) -> str:
    if code == "email:unverified":
        return "Your organization's provider does not say that your e-mail address is verified."
    if code == "email:missing":
        return "Your organization's provider does not tell your e-mail address."
    return "The provider's answer does not prove who you are."


def _scopes(found: dict[str, Any]) -> str:
    offered = found.get("scopes_supported")
    wanted = ["openid", "email", "profile"]
    return " ".join([*wanted, "groups"] if isinstance(offered, list) and "groups" in offered else wanted)


def _exchanged(
    provider: IdentityProvider, found: dict[str, Any], pending: dict[str, Any], code: str
) -> dict[str, Any]:
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": pending["redirect_uri"],
        "code_verifier": pending["verifier"],
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    secret = sealing.unseal(provider.sealed_secret)
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if secret and "client_secret_basic" in methods:
        pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        fields["client_id"] = provider.client_id
        if secret:
            fields["client_secret"] = secret
    said = outgoing.call("POST", found["token_endpoint"], urlencode(fields).encode(), headers, _MOST)
    answer = _object(said.text)
    if not said.accepted or not isinstance(answer.get("id_token"), str):
        log.warning("single sign-on: token endpoint of %s said %s %s", provider.pk, said.status, said.error)
        raise SignOnFailed("sign_on.exchange", "Your organization's provider did not confirm the sign-in.")
    return answer


def _claims(
    provider: IdentityProvider, found: dict[str, Any], pending: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any]:
    access = answer.get("access_token")
    for renewed in (False, True):
        try:
            return verified(
                answer["id_token"],
                _kept(found["jwks_uri"], anew=renewed),
                issuer=provider.issuer,
                client_id=provider.client_id,
                nonce=pending["nonce"],
                at=now().timestamp(),
                access_token=access if isinstance(access, str) else "",
                fresh=FRESH if pending.get("again") else None,
            )
        except BadToken as bad:
            # The provider may have taken a new key into use since we last looked; once is enough to see it.
            if renewed or not bad.code.startswith("signature:") or not _may_renew(found["jwks_uri"]):
                raise
    raise AssertionError("unreachable")


def _may_renew(address: str) -> bool:
    """Keys are fetched anew at most every half minute, whatever tokens are sent."""
    return bool(cache.add(f"oidc-renewed:{_digest(address)}", 1, 30))


def _user_info(found: dict[str, Any], answer: dict[str, Any], subject: str) -> dict[str, Any]:
    """What the provider tells besides the token; nothing that is about somebody else."""
    address, access = found.get("userinfo_endpoint"), answer.get("access_token")
    if not isinstance(address, str) or not isinstance(access, str):
        return {}
    said = outgoing.call(
        "GET", address, None, {"Authorization": f"Bearer {access}", "Accept": "application/json"}, _MOST
    )
    told = _object(said.text) if said.accepted else {}
    if told and told.get("sub") != subject:
        raise BadToken("userinfo:sub")
    return told


def _kept(address: str, *, anew: bool = False) -> dict[str, Any]:
    name = f"oidc:{_digest(address)}"
    found = None if anew else cache.get(name)
    if found is None:
        said = outgoing.get(address, _MOST)
        found = _object(said.text)
        if not said.accepted or not found:
            why = said.error or (
                f"it answers {said.status}" if not said.accepted else "its answer is no JSON object"
            )
            raise SignOnFailed("provider.unreachable", f"{urlsplit(address).hostname} cannot be asked: {why}")
        cache.set(name, found, _KEPT)
    return dict(found)


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


def _object(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
