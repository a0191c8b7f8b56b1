"""The signing key of checkpoints and packages. It lives in a file outside the database (or is mounted there by a vault)."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

from releasetrain.kernel.clock import now

from .rules.checkpoint import NoteKey
from .rules.signing import LocalSigner, PublicKey

KEY_NAME = "releasetrain-ledger"


def key_file() -> Path:
    return Path(settings.RELEASETRAIN_SIGNING_KEY)


def signer() -> LocalSigner:
    """The present signing key; made on first use."""
    path = key_file()
    if not path.exists():
        create_key()
    return LocalSigner.from_pem(path.read_bytes())


def create_key() -> PublicKey:
    """Make a key. A second process that comes at the same moment finds the first one's key."""
    path = key_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(text)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
    public = LocalSigner.from_pem(path.read_bytes()).public
    _publish(public)
    return public


def rotate_key() -> PublicKey:
    """Retire the present key: its public half stays known, so that what it signed verifies for ever."""
    path = key_file()
    if path.exists():
        _publish(LocalSigner.from_pem(path.read_bytes()).public)
        path.rename(path.with_name(f"retired-{now():%Y%m%dT%H%M%S%f}.pem"))
    return create_key()


def _publish(public: PublicKey) -> None:
    target = key_file().parent / f"{public.keyid[:16]}.pub.pem"
    if not target.exists():
        target.write_text(public.pem)


def public_keys() -> list[PublicKey]:
    """Every public key that has signed here, the present one first."""
    present = signer().public
    _publish(present)
    found = [PublicKey.from_pem(p.read_bytes()) for p in sorted(key_file().parent.glob("*.pub.pem"))]
    return [present, *[k for k in found if k.raw != present.raw]]


def note_keys() -> list[NoteKey]:
    return [NoteKey(KEY_NAME, key) for key in public_keys()]
