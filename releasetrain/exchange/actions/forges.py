"""Verbs of verdicts told to forges: connections, their credentials, and posting once more."""

from __future__ import annotations

from typing import Annotated, Any

from django.conf import settings

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.exchange import sealing, tasks
from releasetrain.exchange.models import ForgeConnection, ForgeStatus
from releasetrain.exchange.rules import addresses, forges
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.tasks import enqueue
from trains.models import Service

explain_constraint("forge_connection_name_once", "There is a connection with this name already.")
State = ForgeStatus.State
_MOST = 2_000

Secret = Annotated[
    str,
    Field(
        "Credential",
        help="A token that may write commit statuses, or the private key of a GitHub App (PEM). It is not shown again.",
        long=True,
        max_length=8_000,
    ),
]
App = Annotated[
    str,
    Field(
        "App",
        help="Id of the GitHub App that the private key belongs to. Check runs need one.",
        max_length=40,
    ),
]
Installation = Annotated[
    str, Field("Installation", help="Number of the App's installation at your organization.", max_length=20)
]
Repositories = Annotated[
    dict | None,
    Field(
        "Repositories",
        help='Our service: its repository there, e.g. {"payments-api": "acme/payments"}. '
        "A service whose address is at this forge needs no entry.",
    ),
]
ListedOnly = Annotated[
    bool, Field("Only listed services", help="Post nothing about services without an entry.")
]


def _checked_url(form: str, url: str) -> str:
    found = (url.strip() or forges.ADDRESSES[form]).rstrip("/")
    wrong = addresses.fault(found, addresses.networks(settings.WEBHOOK_ALLOWED_NETWORKS))
    if not wrong and ("?" in found or "#" in found):
        wrong = "Give the address without a question mark and without a number sign."
    if wrong:
        refuse(
            "forge.url",
            wrong,
            remedy="Networks of your own are permitted by the operator: WEBHOOK_ALLOWED_NETWORKS.",
            field="url",
            status=422,
        )
    return found


def _checked_credential(form: str, secret: str, app: str, installation: str) -> tuple[str, str, str]:
    secret, app, installation = secret.strip(), app.strip(), installation.strip()
    is_key = secret.startswith("-----BEGIN")
    if not secret:
        refuse("forge.credential", "Give a token or a private key.", field="credential", status=422)
    if bool(app) != bool(installation) or (app and not forges.is_github(form)):
        refuse(
            "forge.app",
            "A GitHub App is named by its id and the number of its installation.",
            remedy="Give both, or neither and a token.",
            field="installation" if app else "app",
            status=422,
        )
    if app and (not installation.isdecimal() or not app.isalnum()):
        refuse("forge.app", "An installation is a number, an App an id.", field="installation", status=422)
    if is_key != bool(app):
        refuse(
            "forge.credential",
            "A private key goes with an App, a token goes without one.",
            remedy="Give the App's id and installation with its private key in PEM form.",
            field="credential",
            status=422,
        )
    if not is_key and (
        len(secret) > 500 or not secret.isascii() or not secret.isprintable() or " " in secret
    ):
        refuse("forge.credential", "This is no token.", field="credential", status=422)
    return secret, app, installation


def _checked_repositories(form: str, given: dict[str, Any] | None) -> dict[str, str]:
    found = {str(ours).strip(): str(theirs).strip().strip("/") for ours, theirs in (given or {}).items()}
    if len(found) > _MOST:
        refuse("forge.repositories", f"Name at most {_MOST} services.", field="repositories", status=422)
    strange = sorted(set(found) - set(Service.objects.filter(name__in=found).values_list("name", flat=True)))
    if strange:
        refuse(
            "forge.service",
            f"We have no service {strange[0][:80]}.",
            remedy="Give the service's name here first, then its repository at the forge.",
            field="repositories",
            status=422,
        )
    for repository in found.values():
        wrong = forges.repository_fault(form, repository)
        if wrong:
            refuse("forge.repository", wrong, field="repositories", status=422)
    return found


def _checked_context(context: str) -> str:
    found = context.strip()
    if not found or not found.isprintable():
        refuse(
            "forge.context", "Give a word by which the forge lists the status.", field="context", status=422
        )
    return found


@action(
    "forge_connection.create",
    creates=ForgeConnection,
    requires="tokens.manage",
    quiet=("credential",),
    label="Connect a forge",
)
def connect_forge(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", help="E.g. GitHub of payments.", max_length=80)],
    form: Annotated[str, Field("Posts", choices=forges.FORMS)],
    credential: Secret,
    url: Annotated[
        str,
        Field(
            "Address of its API",
            help="Empty: github.com or gitlab.com. Of your own: https://…/api/v3 or https://…/api/v4.",
            max_length=300,
        ),
    ] = "",
    app: App = "",
    installation: Installation = "",
    context: Annotated[
        str,
        Field("Context", help="The status is listed as context/environment/gate.", max_length=60),
    ] = "release-train",
    repositories: Repositories = None,
    listed_only: ListedOnly = False,
) -> ForgeConnection:
    """Show the verdicts of binding gates at commits on GitHub or GitLab."""
    if ForgeConnection.objects.filter(name=name.strip()).exists():
        refuse("forge.exists", f"There is a connection {name} already.", field="name")
    secret, app, installation = _checked_credential(form, credential, app, installation)
    connection: ForgeConnection = ForgeConnection.objects.create(
        name=name.strip(),
        form=form,
        url=_checked_url(form, url),
        sealed_credential=sealing.seal(secret),
        app=app,
        installation=installation,
        context=_checked_context(context),
        repositories=_checked_repositories(form, repositories),
        listed_only=listed_only,
    )
    return connection


@action("forge_connection.edit", on=ForgeConnection, requires="tokens.manage", label="Repositories")
def edit_forge(
    actor: Actor,
    connection: ForgeConnection,
    *,
    repositories: Repositories = None,
    listed_only: ListedOnly | None = None,
) -> ForgeConnection:
    """Say which repositories our services have there. The address stays: another forge is another connection."""
    if repositories is not None:
        connection.repositories = _checked_repositories(connection.form, repositories)
    if listed_only is not None:
        connection.listed_only = listed_only
    connection.save()
    return connection


@action(
    "forge_connection.replace_credential",
    on=ForgeConnection,
    requires="tokens.manage",
    quiet=("credential",),
    label="New credential",
)
def replace_credential(
    actor: Actor,
    connection: ForgeConnection,
    *,
    credential: Secret,
    app: App = "",
    installation: Installation = "",
) -> ForgeConnection:
    """Post with another token or key from now on, and at once what has failed."""
    secret, app, installation = _checked_credential(connection.form, credential, app, installation)
    connection.sealed_credential = sealing.seal(secret)
    connection.app, connection.installation = app, installation
    connection.failing_since = None
    connection.save()
    _again(actor, connection.statuses.exclude(state=State.DELIVERED))
    return connection


@action(
    "forge_connection.disable",
    on=ForgeConnection,
    requires="tokens.manage",
    danger=True,
    confirm="Nothing is posted from now on, and passes that are shown there stay although they run out.",
)
def disable_forge(
    actor: Actor, connection: ForgeConnection, *, reason: Annotated[str, Field("Reason", max_length=200)]
) -> ForgeConnection:
    """Post nothing more."""
    if connection.disabled_at:
        refuse("forge.disabled", f"{connection} is disabled already.")
    connection.disabled_at, connection.disabled_reason = now(), reason
    connection.save()
    return connection


@action("forge_connection.enable", on=ForgeConnection, requires="tokens.manage")
def enable_forge(actor: Actor, connection: ForgeConnection) -> ForgeConnection:
    """Post again; what waits is posted as it stands by now."""
    if not connection.disabled_at:
        refuse("forge.enabled", f"{connection} is not disabled.")
    connection.disabled_at, connection.disabled_reason, connection.failing_since = None, "", None
    connection.save()
    enqueue(tasks.post_statuses_of, actor.organization_id)
    return connection


@action("forge_status.repost", on=ForgeStatus, requires="gates.ask", label="Post again")
def repost(actor: Actor, status: ForgeStatus) -> ForgeStatus:
    """Post the state once more, as it stands by now."""
    if status.connection.disabled_at:
        refuse("forge.disabled", f"{status.connection} is disabled.", remedy="Enable it first.")
    if status.lease:
        refuse("forge.under_way", "It is being posted right now.", remedy="See the log in a moment.")
    _again(actor, ForgeStatus.objects.filter(pk=status.pk))
    status.refresh_from_db()
    return status


def _again(actor: Actor, rows: Any) -> None:
    if rows.filter(lease__isnull=True).update(state=State.WAITING, due_at=now(), attempts=0):
        enqueue(tasks.post_statuses_of, actor.organization_id)
