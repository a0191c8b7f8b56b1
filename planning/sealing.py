"""Sealing ballots: encrypted with a key of the installation and the round, the same length always, without a time."""

from __future__ import annotations

import base64
import hashlib
import uuid

from cryptography.fernet import Fernet
from django.conf import settings

from planning.rules import ballots


def _cipher(round_id: uuid.UUID) -> Fernet:
    seed = hashlib.sha256(f"ballot:{round_id}:{settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(seed))


def seal(round_id: uuid.UUID, fingers: int, comment: str) -> bytes:
    """The ballot, unreadable. A Fernet token carries the moment it was made; ours all carry the same."""
    return _cipher(round_id).encrypt_at_time(ballots.packed(fingers, comment), current_time=0)


def unseal(round_id: uuid.UUID, content: bytes) -> tuple[int, str]:
    """The fingers and the comment of a sealed ballot."""
    return ballots.unpacked(_cipher(round_id).decrypt(bytes(content)))
