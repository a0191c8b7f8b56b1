"""How a source of series signs in at its Prometheus server: with a secret that is read from Vault for this one request.

The value is never stored, logged or said: the source refers to a stage's secret by its place. It is read only where whoever keeps the
organization's Vault permitted that, and is sent over https, or to an address of a network that the operator named.
"""

from __future__ import annotations

import base64
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import hvac
from django.conf import settings
from hvac.exceptions import VaultError

from trains.models import SecretReference, SeriesSource

from .models import VaultServer
from .rules import addresses
from .sealing import unseal
from .vaulting import ValueAdapter


class NoAccess(RuntimeError):
    """Why the secret cannot be used, as a sentence without the secret."""


def headers_of(source: SeriesSource, server: VaultServer | None) -> dict[str, str]:
    """What the request carries to sign in; empty where the source has no secret."""
    reference = source.secret
    if reference is None:
        return {}
    if reference.retired_at is not None:
        raise NoAccess("The secret that it refers to is retired.")
    person = source.secret_by
    if person is None or not person.is_active or str(person.email).lower() not in reference.users:
        raise NoAccess(
            f"{person or 'Whoever set it up'} may not use the secret {reference.name} any more: name them among its users"
            " again, or have somebody who is named edit the source."
        )
    if not _kept_from_others(source.address):
        raise NoAccess("A secret is sent over https:// only.")
    if server is None:
        raise NoAccess("No Vault is connected that could give the secret.")
    if not server.gives_values:
        raise NoAccess("Vault is not permitted to give values: only when secrets were rotated is read.")
    value = _value(reference, server)
    if source.login:
        pair = base64.b64encode(f"{source.login}:{value}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {"Authorization": f"Bearer {value}"}


def _kept_from_others(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme == "https":
        return True
    try:
        host = ip_address(parts.hostname or "")
    except ValueError:
        return False
    return any(host in network for network in addresses.networks(settings.WEBHOOK_ALLOWED_NETWORKS))


def _value(reference: SecretReference, server: VaultServer) -> str:
    client: Any = hvac.Client(
        url=server.url,
        token=unseal(server.sealed_token),
        namespace=server.namespace or None,
        adapter=ValueAdapter,
    )
    try:
        body = client.secrets.kv.v2.read_secret_version(
            path=reference.path, mount_point=reference.mount, raise_on_deleted_version=True
        )
        value = body["data"]["data"][reference.key]
    except VaultError as error:
        raise NoAccess(str(error).splitlines()[0][:200]) from None
    except (KeyError, TypeError):
        raise NoAccess("Vault has no such key at this path.") from None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
        raise NoAccess("What Vault holds there cannot be sent in a header.")
    return value
