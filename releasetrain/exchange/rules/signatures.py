"""What proves that a message comes from its sender: each sender's own way, over the raw body, compared in constant time.

All secrets are tried, also after one has fitted: how long it takes says nothing of which.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence

from standardwebhooks import Webhook, WebhookVerificationError

# Header names in lower case.
Headers = Mapping[str, str]
Scheme = Callable[[Headers, bytes, Sequence[str]], bool]


def github(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """X-Hub-Signature-256: sha256=<hex of HMAC-SHA256>."""
    return _hmac_hex(headers.get("x-hub-signature-256", ""), "sha256=", body, secrets)


def gitlab(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """X-Gitlab-Token, or a signing token by Standard Webhooks."""
    given = headers.get("x-gitlab-token", "")
    return _same(given, secrets) if given else standard(headers, body, secrets)


def pagerduty(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """X-PagerDuty-Signature: v1=<hex>, several while keys rotate."""
    given = [part.strip() for part in headers.get("x-pagerduty-signature", "").split(",")]
    return True in [_hmac_hex(part, "v1=", body, secrets) for part in given]


def launchdarkly(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """X-LD-Signature: hex of HMAC-SHA256."""
    return _hmac_hex(headers.get("x-ld-signature", ""), "", body, secrets)


def standard(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """Standard Webhooks: signed id, time (five minutes of tolerance) and body."""
    if "webhook-signature" not in headers:
        return False
    return True in [_standard(headers, body, secret) for secret in secrets]


def bearer(headers: Headers, body: bytes, secrets: Sequence[str]) -> bool:
    """The secret itself, as bearer token or as password of basic authentication; or Standard Webhooks."""
    if "webhook-signature" in headers:
        return standard(headers, body, secrets)
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _same(value.strip(), secrets)
    if scheme.lower() == "basic":
        try:
            password = base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
        return _same(password, secrets)
    # Senders that put one header of their own choice put the bare secret into it.
    return not value and _same(scheme, secrets)


def _standard(headers: Headers, body: bytes, secret: str) -> bool:
    try:
        key: str | bytes = secret if secret.startswith("whsec_") else secret.encode()
        Webhook(key).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, RuntimeError, ValueError):
        return False
    return True


def _hmac_hex(given: str, prefix: str, body: bytes, secrets: Sequence[str]) -> bool:
    if not given.startswith(prefix) or not given.isascii():
        return False
    value = given[len(prefix) :].lower()
    found = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets if secret]
    return True in [hmac.compare_digest(value, each) for each in found]


def _same(given: str, secrets: Sequence[str]) -> bool:
    value = given.encode()
    return bool(given) and True in [hmac.compare_digest(value, each.encode()) for each in secrets if each]
