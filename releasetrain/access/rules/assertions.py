"""ID tokens of pipelines: what makes one genuine, current and meant for us. PyJWT does the cryptography."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidIssuedAtError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

# What GitHub, GitLab and other providers sign with. Never "none", never a shared secret.
ALGORITHMS = ("RS256", "ES256", "PS256")
_KINDS = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}
LEAST_RSA_BITS = 2048
LONGEST = 16_384
SKEW = 30
# An ID token lives minutes, or as long as its job; one for days is no ID token of a pipeline.
LONGEST_LIFE = 24 * 3600
_REQUIRED = ["iss", "aud", "sub", "exp", "iat", "jti"]


class BadAssertion(Exception):
    """A token that proves nothing, and why."""

    def __init__(self, code: str, sentence: str, remedy: str = ""):
        super().__init__(sentence)
        self.code, self.sentence, self.remedy = code, sentence, remedy


@dataclass(frozen=True)
class Unproved:
    """What stands in a token before anything is believed: only what is needed to look for its key."""

    text: str
    algorithm: str
    key_id: str
    issuer: str


def read(text: str) -> Unproved:
    """Take a token apart without believing it."""
    if len(text) > LONGEST or text.count(".") != 2:
        raise BadAssertion(
            "workload.malformed", "This is no ID token.", "Send the token of the job as it is."
        )
    try:
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(text, options={"verify_signature": False, "verify_exp": False})
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise BadAssertion(
            "workload.malformed", "This is no ID token.", "Send the token of the job as it is."
        ) from error
    algorithm, key_id, issuer = header.get("alg"), header.get("kid"), claims.get("iss")
    if algorithm not in ALGORITHMS:
        raise BadAssertion("workload.algorithm", f"Tokens are signed with one of {', '.join(ALGORITHMS)}.")
    if header.get("crit") or str(header.get("typ", "JWT")).upper() != "JWT":
        raise BadAssertion("workload.malformed", "This kind of token is not understood.")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= 200:
        raise BadAssertion("workload.key", "The token names no key (kid).")
    if not isinstance(issuer, str) or not issuer:
        raise BadAssertion("workload.issuer", "The token names no issuer (iss).")
    return Unproved(text, str(algorithm), key_id, issuer)


def usable(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a published key may check a signature of this kind."""
    return (
        key.get("kty") == _KINDS.get(algorithm)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (key.get("kty") != "EC" or key.get("crv") == "P-256")
    )


def proved(
    unproved: Unproved, key: Mapping[str, Any], audiences: list[str], moment: datetime
) -> dict[str, Any]:
    """The claims of a genuine, current token for one of these audiences."""
    if not usable(key, unproved.algorithm):
        raise BadAssertion("workload.key", "The token's key does not sign tokens of this kind.")
    try:
        public = jwt.PyJWK(dict(key), algorithm=unproved.algorithm)
        if getattr(public.key, "key_size", LEAST_RSA_BITS) < LEAST_RSA_BITS and key.get("kty") == "RSA":
            raise BadAssertion("workload.key", f"The issuer's key is shorter than {LEAST_RSA_BITS} bits.")
        claims: dict[str, Any] = jwt.decode(
            unproved.text,
            public,
            algorithms=[unproved.algorithm],
            audience=audiences,
            issuer=unproved.issuer,
            leeway=SKEW,
            options={"require": _REQUIRED},
        )
    except PyJWTError as error:
        raise _explained(error) from error
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) != 1:
        raise BadAssertion("workload.audience", "The token is meant for others as well (aud names several).")
    if not 0 < claims["exp"] - claims["iat"] <= LONGEST_LIFE:
        raise BadAssertion("workload.lifetime", "The token lives longer than a day, or no time at all.")
    if claims["iat"] < moment.timestamp() - LONGEST_LIFE:
        raise BadAssertion("workload.expired", "The token was issued more than a day ago.")
    if not claims["jti"] or len(str(claims["sub"])) > 1000 or not str(claims["sub"]).strip():
        raise BadAssertion(
            "workload.claims", "The token names no subject, or has no id of its own (sub, jti)."
        )
    return claims


def digest(issuer: str, claims: Mapping[str, Any]) -> bytes:
    """What is spent when the token is exchanged: its id is unique for its issuer."""
    return hashlib.sha256(f"{issuer}\n{claims['jti']}".encode()).digest()


_ASK_AGAIN = "Ask the CI system for a new token in this job."


def _explained(error: PyJWTError) -> BadAssertion:
    for kind, code, sentence, remedy in (
        (ExpiredSignatureError, "workload.expired", "The token has expired.", _ASK_AGAIN),
        (
            ImmatureSignatureError,
            "workload.early",
            "The token is not valid yet (nbf, iat).",
            "Check the clocks.",
        ),
        (InvalidIssuedAtError, "workload.claims", "The token does not say when it was issued (iat).", ""),
        (
            InvalidAudienceError,
            "workload.audience",
            "The token is not meant for this organization (aud).",
            "Ask for the audience that the page Workload identity names.",
        ),
        (
            InvalidAlgorithmError,
            "workload.algorithm",
            "The token is signed in another way than its key says.",
            "",
        ),
        (InvalidSignatureError, "workload.signature", "The signature is not the issuer's.", ""),
        (MissingRequiredClaimError, "workload.claims", f"The token lacks a claim: {_missing(error)}.", ""),
    ):
        if isinstance(error, kind):
            return BadAssertion(code, sentence, remedy)
    return BadAssertion("workload.malformed", "The token cannot be understood.", _ASK_AGAIN)


def _missing(error: PyJWTError) -> str:
    claim = getattr(error, "claim", "")
    return claim if claim in _REQUIRED else "one of " + ", ".join(_REQUIRED)
