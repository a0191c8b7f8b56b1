"""Verbs of Vault: where it is, the token that reads metadata, and asking it now."""

from __future__ import annotations

from typing import Annotated

from django.conf import settings

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.exchange import sealing, tasks
from releasetrain.exchange.models import VaultServer
from releasetrain.exchange.rules import addresses
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.tasks import enqueue

explain_constraint("vault_server_one_enabled", "Another Vault is asked already; pause it first.")

Token = Annotated[
    str,
    Field(
        "Token",
        help="Of a policy that may read <mount>/metadata/* and nothing else. It is kept encrypted and not shown again.",
        max_length=500,
    ),
]


def _checked(url: str) -> str:
    found = url.strip().rstrip("/")
    wrong = addresses.fault(found, addresses.networks(settings.WEBHOOK_ALLOWED_NETWORKS))
    if not wrong and ("?" in found or "#" in found):
        wrong = "Give the address without a question mark and without a number sign."
    if wrong:
        refuse(
            "vault.url",
            wrong,
            remedy="Networks of your own are permitted by the operator: WEBHOOK_ALLOWED_NETWORKS.",
            field="url",
            status=422,
        )
    return found


def _sealed(token: str) -> str:
    found = token.strip()
    if not found or not found.isascii() or not found.isprintable() or " " in found:
        refuse("vault.token", "This is no token.", field="read_token", status=422)
    return sealing.seal(found)


@action(
    "vault_server.create",
    creates=VaultServer,
    requires="tokens.manage",
    quiet=("read_token",),
    label="Connect Vault",
)
def connect_vault(
    actor: Actor,
    *,
    url: Annotated[str, Field("Address", help="E.g. https://vault.example:8200.", max_length=300)],
    read_token: Token,
    namespace: Annotated[str, Field("Namespace", max_length=120)] = "",
    name: Annotated[str, Field("Name", max_length=80)] = "Vault",
) -> VaultServer:
    """Let Vault be asked every hour when the secrets that stages refer to were rotated. No secret is read."""
    if VaultServer.objects.filter(enabled=True).exists():
        refuse("vault.exists", "A Vault is connected already.", remedy="Pause it first.")
    server: VaultServer = VaultServer.objects.create(
        name=name.strip() or "Vault",
        url=_checked(url),
        namespace=namespace.strip(),
        sealed_token=_sealed(read_token),
    )
    return server


@action(
    "vault_server.replace_token",
    on=VaultServer,
    requires="tokens.manage",
    quiet=("read_token",),
    label="New token",
)
def replace_token(actor: Actor, server: VaultServer, *, read_token: Token) -> VaultServer:
    """Use another token from now on."""
    server.sealed_token = _sealed(read_token)
    server.save()
    return server


@action("vault_server.pause", on=VaultServer, requires="tokens.manage", label="Pause")
def pause_vault(actor: Actor, server: VaultServer) -> VaultServer:
    """Ask it no more."""
    if not server.enabled:
        refuse("vault.paused", "It is paused already.")
    server.enabled = False
    server.save()
    return server


@action("vault_server.resume", on=VaultServer, requires="tokens.manage", label="Resume")
def resume_vault(actor: Actor, server: VaultServer) -> VaultServer:
    """Ask it again."""
    if server.enabled:
        refuse("vault.asked", "It is asked already.")
    server.enabled = True
    server.save()
    return server


@action(
    "vault_server.permit_values",
    on=VaultServer,
    requires="tokens.manage",
    label="Permit values",
    step_up=True,
    confirm="Secrets that sources of series refer to are read from it for each request, as far as its token may.",
)
def permit_values(actor: Actor, server: VaultServer) -> VaultServer:
    """Let sources of series sign in with secrets that they refer to. Give the token a policy for just these paths."""
    if server.gives_values:
        refuse("vault.gives", "It gives values already.")
    server.gives_values = True
    server.save()
    return server


@action("vault_server.forbid_values", on=VaultServer, requires="tokens.manage", label="Forbid values")
def forbid_values(actor: Actor, server: VaultServer) -> VaultServer:
    """From now on only metadata is read; sources that sign in with a secret get no answer."""
    if not server.gives_values:
        refuse("vault.keeps", "It gives no values.")
    server.gives_values = False
    server.save()
    return server


@action("vault_server.ask", on=VaultServer, requires="trains.manage", label="Ask now", lock=False)
def ask_now(actor: Actor, server: VaultServer) -> VaultServer:
    """Ask about every secret now instead of within the hour."""
    if not server.enabled:
        refuse("vault.paused", "It is paused.", remedy="Resume it first.")
    enqueue(tasks.ask_vault_of, actor.organization_id)
    return server
