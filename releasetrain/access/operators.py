"""Django's admin for operators: off unless a path is set, for superusers only, and read-only throughout.

Rows of an organization are reached only inside its scope: an operator looks into one organization at a time, and
every page that is looked at there stands in that organization's ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.contrib.staticfiles.finders import AppDirectoriesFinder
from django.db import models
from django.http import Http404, HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html

from releasetrain.accounts.addresses import client_address
from releasetrain.audit import ledger
from releasetrain.interface.discovery import own_folders
from releasetrain.kernel.actor import Actor
from releasetrain.tenancy.guards import tenant_models
from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import current_scope, tenant_scope

_CHOSEN = "operators_organization"
_NEVER_SHOWN = ("password", "secret_hash", "assertion", "sealed_secret", "sealed_previous", "lease")


class AdminFiles(AppDirectoriesFinder):
    """The static files of Django's admin, and of no other package."""

    def __init__(self, *_: Any, **__: Any):
        super().__init__(app_names=["django.contrib.admin"])


class OperatorsSite(admin.AdminSite):
    """Reading for whoever runs the installation."""

    site_title = site_header = "Operators"
    index_title = "What this installation holds, to be read"
    index_template = "access/operators_index.html"
    enable_nav_sidebar = False

    def has_permission(self, request: Any) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def login(self, request: Any, extra_context: Any = None) -> Any:
        """The installation's own sign-in, with its throttling and second factor."""
        return redirect_to_login(request.get_full_path(), reverse("account_login"))

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        inner = super().admin_view(view, cacheable)

        def looked(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return self.login(request)
            if not self.has_permission(request):
                raise Http404
            organization = _chosen(request)
            if organization is None:
                return inner(request, *args, **kwargs)
            actor = Actor(
                organization.pk, request.user.pk, str(request.user), kind="operator", route="operators",
                request_id=getattr(request, "request_id", ""), address=client_address(request),
            )  # fmt: skip
            with tenant_scope(organization.pk, actor):
                ledger.append(actor, "operator.read", None, {"path": request.path[:300]})
                response: Any = inner(request, *args, **kwargs)
                # Rendering reads rows as well: inside the scope, not after it.
                if hasattr(response, "render") and not getattr(response, "is_rendered", True):
                    response.render()
            return response

        return update_wrapper(looked, view)

    def each_context(self, request: Any) -> dict[str, Any]:
        chosen = _chosen(request)
        header = (
            f"Operators · looking into {chosen}"
            if chosen
            else "Operators · choose an organization to look into"
        )
        return {**super().each_context(request), "site_header": header}


def _chosen(request: Any) -> Organization | None:
    """The organization that the operator looks into: as the address says, or as chosen before."""
    if "organization" in request.GET and "look" in request.GET:
        request.session[_CHOSEN] = request.GET["organization"][:40]
        request.GET = request.GET.copy()
        for name in ("organization", "look"):
            del request.GET[name]
    slug = request.session.get(_CHOSEN)
    return Organization.objects.filter(slug=slug).first() if slug else None


class ReadOnly(admin.ModelAdmin):
    """Lists and pages without a way to change anything."""

    actions = None
    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request: Any) -> bool:
        return site.has_permission(request)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return site.has_permission(request)

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: Any) -> Any:
        """Of the organization that is looked into; nothing before one is chosen."""
        if self.model in _OF_TENANTS and current_scope() is None:
            return self.model._base_manager.none()
        return self.model._default_manager.order_by("-pk")

    def get_exclude(self, request: Any, obj: Any = None) -> list[str]:
        secret = {*_NEVER_SHOWN, *getattr(self.model, "never_logged", ())}
        return [f.name for f in self.model._meta.concrete_fields if f.name in secret]

    def get_list_display(self, request: Any) -> list[str]:
        shown = [
            f.name
            for f in self.model._meta.concrete_fields
            if not isinstance(f, models.JSONField | models.TextField | models.BinaryField | models.ForeignKey)
            and f.name not in (*_NEVER_SHOWN, "row_version")
        ]
        return shown[:6]


class OrganizationPage(ReadOnly):
    """Organizations, each with the way into it."""

    def get_list_display(self, request: Any) -> list[Any]:
        return ["slug", "name", "created_at", "suspended_at", "look_into"]

    @admin.display(description="Look into")
    def look_into(self, organization: Organization) -> str:
        return format_html(
            '<a href="{}?look=1&amp;organization={}">Read its rows</a>',
            reverse("operators:index"),
            organization.slug,
        )


_OF_TENANTS = frozenset(tenant_models())
site = OperatorsSite(name="operators")
for _model in apps.get_models(include_auto_created=True):
    if _model._meta.app_config.name in own_folders() and not _model._meta.proxy and _model._meta.managed:
        site.register(_model, OrganizationPage if _model is Organization else ReadOnly)
