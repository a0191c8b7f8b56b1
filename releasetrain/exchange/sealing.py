"""Secrets that have to be read again, to sign or to verify: kept encrypted with a key made of the installation's own."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def seal(secret: str) -> str:
    """The secret as it may be stored."""
    return _cipher().encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """The secret; empty when there is none, or when the installation's key is another one by now."""
    try:
        return _cipher().decrypt(sealed.encode()).decode() if sealed else ""
    except InvalidToken:
        return ""


@lru_cache(maxsize=1)
def _cipher() -> MultiFernet:
    """Secrets sealed with an earlier SECRET_KEY are readable while it stands among the fallbacks."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet(
        [
            Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"exchange-secret:" + key.encode()).digest()))
            for key in keys
        ]
    )
