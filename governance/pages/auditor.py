"""The auditors' desk, invitations of external auditors, and the page of an access."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from governance.actions import auditing as verbs
from governance.actions.auditors import admit_auditor, invite_auditor
from governance.actions.evidence import request_package
from governance.models import AuditorAccess, AuditPopulation, AuditSample, PackageDownload, PackageSchedule
from governance.queries.auditing import access_of, readable_accesses, row_counts, views_of
from governance.queries.evidence import readable
from governance.rules import periods
from releasetrain.accounts import adapter
from releasetrain.audit import keys, sealing
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.interface.resources import resource_of
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, Refused, refuse
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import tenant_scope

SALT = "governance.auditor_invitation"
SHOWN = 6
SHOWN_VIEWS = 15


@require_safe
def desk(request: Any) -> HttpResponse:
    """Everything an auditor works with: periods, populations, samples, packages, the ledger's seal, the verifier."""
    actor: Actor = request.actor
    if not actor.may_somewhere("evidence.read"):
        refuse(
            "permission.missing",
            "You need the permission evidence.read for the auditors' desk.",
            remedy="An organization owner can grant you a role that carries it, e.g. Auditor.",
            status=403,
        )
    checkpoint = sealing.latest_checkpoint()
    root = links.page_root()
    context = {
        "title": "Auditors' desk",
        "section": "auditor",
        "access": access_of(actor),
        "periods": _periods(request),
        "populations": list(AuditPopulation.objects.select_related("train")[:SHOWN]),
        "samples": [
            {"sample": sample, "counts": row_counts(sample)}
            for sample in AuditSample.objects.select_related("population")[:SHOWN]
        ],
        "packages": list(readable(actor).select_related("file")[:SHOWN]),
        "schedules": list(PackageSchedule.objects.all()[:SHOWN]),
        "accesses": list(readable_accesses(actor).select_related("user")[:SHOWN]),
        "checkpoint": checkpoint,
        "checkpoint_root": bytes(checkpoint.root).hex() if checkpoint else "",
        "keyid": keys.signer().public.keyid,
        "verifier_url": f"{root}evidence/verify.py",
        "key_url": f"{root}evidence/public-keys.pem",
        "open": verbs.open_population.decide(actor),
        "open_url": links.verb_url(verbs.open_population),
        "ask": request_package.decide(actor),
        "ask_url": links.verb_url(request_package),
        "invite": invite_auditor.decide(actor),
        "invite_url": links.verb_url(invite_auditor),
        "lists": {
            "populations": links.list_url(resource_of(AuditPopulation)),
            "samples": links.list_url(resource_of(AuditSample)),
            "accesses": links.list_url(resource_of(AuditorAccess)),
            "schedules": links.list_url(resource_of(PackageSchedule)),
        },
    }
    return page(request, "governance/auditing/desk.html", context)


def _periods(request: Any) -> list[dict[str, Any]]:
    """The last quarters that are over, with what is there about each."""
    zone = ZoneInfo(request.organization.time_zone)
    found = []
    for starts, ends in periods.last_over("quarter", now(), zone, 4):
        given = urlencode(
            {"starts": starts.isoformat(timespec="minutes"), "ends": ends.isoformat(timespec="minutes")}
        )
        found.append(
            {
                "label": f"{starts.year} Q{(starts.month + 2) // 3}",
                "starts": starts,
                "ends": ends,
                "populations": AuditPopulation.objects.filter(starts__gte=starts, ends__lte=ends).count(),
                "packages": readable(request.actor)
                .filter(subject_kind="period", starts=starts, ends=ends)
                .count(),
                "population_url": f"{links.verb_url(verbs.open_population)}?kind=deployments&{given}",
                "package_url": f"{links.verb_url(request_package)}?{given}",
            }
        )
    return found


def access_context(request: Any, access: AuditorAccess) -> dict[str, Any]:
    """The invitation's link for who may invite, and what was looked at."""
    views = views_of(access)
    invited = access.state == AuditorAccess.State.INVITED
    may = request.actor.may("members.manage")
    return {
        "held": access,
        "invitation": request.build_absolute_uri(reverse("auditor_invitation", args=[invitation(access)]))
        if invited and may
        else "",
        "views": [_view(entry) for entry in views[:SHOWN_VIEWS]],
        "view_count": views.count(),
        "downloads": list(_downloads(access)),
        "access": access_of(request.actor),
    }


def _view(entry: Any) -> dict[str, Any]:
    return {"at": entry.at, "route": entry.route, "seen": Ref(**json.loads(entry.body)["payload"]["seen"])}


def _downloads(access: AuditorAccess) -> Any:
    if access.user_id is None or access.accepted_at is None:
        return PackageDownload.objects.none()
    taken = PackageDownload.objects.filter(
        user=access.user_id, at__gte=access.accepted_at, at__lte=access.ends_at
    )
    return taken.select_related("package", "file").order_by("-at")[:SHOWN_VIEWS]


# --- invitations -------------------------------------------------------------------------------------------------


def invitation(access: AuditorAccess) -> str:
    """The token of an invitation; over when the access would be."""
    return signing.dumps([str(access.organization_id), str(access.pk)], salt=SALT)


@require_http_methods(["GET", "HEAD", "POST"])
def invited(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: signed in under the invited address, after signing up where that is needed."""
    organization, access = _invitation(token)
    if organization is None or access is None:
        return render(request, "governance/auditing/invitation.html", {"problem": _OVER}, status=404)
    user: Any = request.user
    context: dict[str, Any] = {"access": access, "inviting": organization, "email": access.email}
    if not user.is_authenticated:
        adapter.invite(request, access.email)
        here = urlencode({"next": request.get_full_path()})
        context |= {
            "login_url": f"{reverse('account_login')}?{here}",
            "signup_url": f"{reverse('account_signup')}?{here}",
        }
    elif user.email.lower() != access.email:
        context["problem"] = (
            f"You are signed in as {user.email}. The invitation is for {access.email}: sign in under that address."
        )
    elif request.method == "POST":
        actor = Actor.system(organization.pk, f"{user.email} accepted the invitation", route="page")
        actor.on_behalf_of = user.pk
        try:
            with tenant_scope(organization.pk, actor):
                admit_auditor(actor, AuditorAccess.objects.get(pk=access.pk))
        except Refused as refused:
            context["problem"] = " ".join(r.sentence for r in refused.refusals)
        else:
            return redirect_to(reverse("auditor_desk", args=[organization.slug]))
    else:
        context["may_accept"] = True
    return render(
        request, "governance/auditing/invitation.html", context, status=409 if "problem" in context else 200
    )


_OVER = "This invitation is not valid any more. Ask whoever sent it for a new one."


def _invitation(token: str) -> tuple[Organization | None, AuditorAccess | None]:
    """The invitation that the token names while it can be accepted; what is over and what never was look alike."""
    try:
        organization_id, access_id = (uuid.UUID(part) for part in signing.loads(token, salt=SALT))
    except (signing.BadSignature, ValueError, TypeError):
        return None, None
    organization = Organization.objects.filter(pk=organization_id, suspended_at__isnull=True).first()
    if organization is None:
        return None, None
    with tenant_scope(organization.pk, Actor.system(organization.pk, "reads an invitation")):
        access = (
            AuditorAccess.objects.select_related("train")
            .filter(pk=access_id, state=AuditorAccess.State.INVITED, ends_at__gt=now())
            .first()
        )
    return organization, access
