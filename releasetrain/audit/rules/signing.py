"""Ed25519 keys as values: public keys with fingerprint and PEM, and the signer that signs for the ledger."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


class KeyUnusable(ValueError):
    """The text is no Ed25519 key."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key by its 32 bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 32:
            raise KeyUnusable("An Ed25519 public key has 32 bytes.")

    @classmethod
    def from_pem(cls, pem: str | bytes) -> "PublicKey":
        """Read a SubjectPublicKeyInfo PEM."""
        try:
            key = load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
        except ValueError as error:
            raise KeyUnusable("The text is no PEM public key.") from error
        if not isinstance(key, Ed25519PublicKey):
            raise KeyUnusable("The public key is no Ed25519 key.")
        return cls(key.public_bytes_raw())

    @property
    def der(self) -> bytes:
        """SubjectPublicKeyInfo, the form ``openssl pkey -pubin -outform DER`` writes."""
        return self._key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def pem(self) -> str:
        """The key as PEM, for openssl and for people."""
        return self._key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def keyid(self) -> str:
        """SHA-256 of the DER form: what people compare and what DSSE carries as hint."""
        return hashlib.sha256(self.der).hexdigest()

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's over the message."""
        try:
            self._key().verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def _key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)


class Signer(Protocol):
    """Whoever can sign: a key file here, a key service elsewhere."""

    @property
    def public(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class LocalSigner:
    """A signer that holds its private key in memory."""

    private: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, seed: bytes) -> "LocalSigner":
        """The signer of a 32-byte RFC 8032 secret."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: str | bytes, password: bytes | None = None) -> "LocalSigner":
        """Read a PKCS #8 PEM."""
        try:
            key = load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, password)
        except (ValueError, TypeError) as error:
            raise KeyUnusable("The text is no PEM private key, or its password is wrong.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnusable("The private key is no Ed25519 key.")
        return cls(key)

    @property
    def public(self) -> PublicKey:
        return PublicKey(self.private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)
