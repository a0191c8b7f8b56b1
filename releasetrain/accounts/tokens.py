"""API tokens: `rtk_<id>_<secret><crc32>`, recognisable to secret scanners, stored as a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from datetime import timedelta

from releasetrain.kernel.clock import now

from .models import ApiToken

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PATTERN = re.compile(r"rtk_([0-9A-Za-z]{12})_([0-9A-Za-z]{32})([0-9a-f]{8})")


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def checksum(token_id: str, secret: str) -> str:
    return f"{zlib.crc32(f'rtk_{token_id}_{secret}'.encode()):08x}"


def secret_hash(secret: str) -> bytes:
    """A fast hash is right here: the secret is 190 bits of randomness, not a password."""
    return hashlib.sha256(secret.encode()).digest()


def generate() -> tuple[str, str, str]:
    """(id, secret, whole token). The whole token is shown once and never stored."""
    token_id, secret = _random(12), _random(32)
    return token_id, secret, f"rtk_{token_id}_{secret}{checksum(token_id, secret)}"


def find(text: str) -> ApiToken | None:
    """The living token for this text, or None; one narrow query by primary key."""
    match = PATTERN.fullmatch(text)
    if not match or not hmac.compare_digest(checksum(match[1], match[2]), match[3]):
        return None
    token = ApiToken.objects.select_related("user", "organization").filter(pk=match[1]).first()
    moment = now()
    if token is None or not hmac.compare_digest(bytes(token.secret_hash), secret_hash(match[2])):
        return None
    if token.revoked_at or token.expires_at <= moment or not token.user.is_active:
        return None
    # Last use is kept to the minute, so that a busy pipeline does not turn every read into a write.
    if token.last_used_at is None or token.last_used_at < moment - timedelta(minutes=1):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=moment)
    return token
