"""Asking Vault when secrets were rotated: hvac's client over the guarded way out, and nothing but metadata."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import hvac
from hvac.adapters import Adapter
from hvac.exceptions import VaultError

from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import plain
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope
from trains.actions.secret_references import note_rotations
from trains.models import SecretReference

from .models import VaultServer
from .outgoing import call
from .sealing import unseal

LARGEST = 1_000_000
# One organization's Vault holds up no other's: what is left is asked in the next round.
PATIENCE = timedelta(seconds=120)


class MetadataOnly(VaultError):
    """Something else than metadata was to be read."""


class GuardedAdapter(Adapter):
    """hvac's requests, sent where the product may call, and only to read metadata of the KV engine."""

    reads = "metadata"

    def get_login_token(self, response: Any) -> str:
        raise MetadataOnly("Nobody signs in here.")

    def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        raise_exception: bool = True,
        **_: Any,
    ) -> Any:
        address = self.urljoin(self.base_uri, quote(url, safe="/"))
        parts = url.strip("/").split("/")
        if method.lower() != "get" or parts[0] != "v1" or self.reads not in parts[2:]:
            raise MetadataOnly(f"Only {self.reads} is read.")
        asked = {"Accept": "application/json", "X-Vault-Request": "true", **(headers or {})}
        if self.token:
            asked["X-Vault-Token"] = self.token
        if self.namespace:
            asked["X-Vault-Namespace"] = self.namespace
        found = call("GET", address, None, asked, LARGEST)
        if found.error:
            raise VaultError(found.error)
        if found.status == 404:
            raise VaultError("Vault has nothing at this path.")
        if found.status == 403:
            raise VaultError(f"The token may not read the {self.reads} of this path.")
        if found.status != 200:
            raise VaultError(f"Vault answers with status {found.status}.")
        try:
            return json.loads(found.text)
        except ValueError:
            raise VaultError("Vault answers with no JSON.") from None


class ValueAdapter(GuardedAdapter):
    """The same for the value of one secret, for a request that it opens; nothing is kept of the answer."""

    reads = "data"


def ask(organization_id: uuid.UUID) -> int:
    """Ask the organization's Vault about every secret that stages refer to; returns how many were asked about."""
    actor = Actor.system(organization_id, "asking Vault")
    with tenant_scope(organization_id, actor):
        server = VaultServer.objects.filter(enabled=True).first()
        rows = list(SecretReference.objects.filter(retired_at__isnull=True).order_by("read_at", "pk"))
    if server is None or not rows:
        return 0
    client = hvac.Client(
        url=server.url,
        token=unseal(server.sealed_token),
        namespace=server.namespace or None,
        adapter=GuardedAdapter,
    )
    known: dict[tuple[str, str], dict[str, Any]] = {}
    answers, until = [], now() + PATIENCE
    for row in rows:
        place = (row.mount, row.path)
        if place not in known:
            if now() > until:
                break
            known[place] = _asked(client, row)
        answers.append(
            {**known[place], "reference": str(row.pk), "place": row.place, "read_at": plain(now())}
        )
    with tenant_scope(organization_id, actor):
        note_rotations(actor, answers=answers)
        server = VaultServer.objects.select_for_update().get(pk=server.pk)
        faults = {each["fault"] for each in answers}
        server.asked_at = now()
        # A fault of one path is shown there; one of all is the server's.
        server.last_error = faults.pop() if len(faults) == 1 else ""
        server.save()
    return len(answers)


def _asked(client: Any, row: SecretReference) -> dict[str, Any]:
    """When the present version of a secret was made, or why Vault does not say."""
    said: dict[str, Any] = {"rotated_at": "", "version": None, "fault": ""}
    try:
        body = client.secrets.kv.v2.read_secret_metadata(path=row.path, mount_point=row.mount)
        number = int(body["data"]["current_version"])
        version = body["data"]["versions"][str(number)]
        if version.get("deletion_time") or version.get("destroyed"):
            said["fault"] = "The present version is deleted."
        made = datetime.fromisoformat(version["created_time"].replace("Z", "+00:00"))
        if made.tzinfo is None or made > now() + timedelta(minutes=5):
            raise ValueError("no moment of the past")
        said |= {"rotated_at": plain(made), "version": number}
    except VaultError as error:
        said["fault"] = str(error).splitlines()[0][:300]
    except (KeyError, TypeError, ValueError, AttributeError):
        said["fault"] = "Vault's answer cannot be understood."
    return said
