"""Operators read what the installation holds; nobody changes anything there, and organizations see that they looked."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client
from django.urls import Resolver404, resolve

from releasetrain.access import operators
from releasetrain.accounts.models import Grant, User
from releasetrain.audit.models import LedgerEntry
from releasetrain.tenancy.models import Organization

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.operators_urls")]
MODELS = sorted(operators.site._registry, key=lambda m: m._meta.label)


@pytest.fixture
def operator(db):
    User.objects.create_superuser("root@operator.example", "correct horse battery staple")
    client = Client()
    client.force_login(User.objects.get(email="root@operator.example"))
    return client


@pytest.mark.urls("releasetrain.urls")
def test_it_is_off_unless_the_operator_names_a_path():
    assert settings.OPERATORS_ADMIN_PATH == ""
    for path in ("/operators/", "/admin/"):
        with pytest.raises(Resolver404):
            resolve(path)


def test_only_superusers_come_in(web, operator):
    assert operator.get("/operators/").status_code == 200
    assert web("owner").get("/operators/").status_code == 404
    away = Client().get("/operators/")
    assert away["Location"].startswith("/accounts/login/")
    assert operator.get("/operators/login/")["Location"].startswith("/accounts/login/")


def test_every_registered_model_is_read_only(operator, northwind):
    """No form, no button, no POST changes anything: of the organization's rows and of the installation's."""
    assert {Organization, Grant, LedgerEntry, User} <= set(MODELS)
    request = operator.get("/operators/").wsgi_request
    for number, model in enumerate(MODELS):
        site_of = operators.site._registry[model]
        assert not site_of.has_add_permission(request)
        assert not site_of.has_change_permission(request)
        assert not site_of.has_delete_permission(request)
        assert site_of.get_actions(request) == {}
        if number % 40 == 0:
            base = f"/operators/{model._meta.app_label}/{model._meta.model_name}/"
            assert operator.post(f"{base}add/", {}).status_code == 403, base


def test_lists_of_an_organization_show_its_rows_only_and_are_on_record(
    operator, cast, within, northwind, contoso
):
    before = operator.get("/operators/accounts/grant/").content.decode()
    assert "0 grants" in before
    operator.get("/operators/?look=1&organization=northwind")
    listed = operator.get("/operators/accounts/grant/")
    assert listed.status_code == 200
    assert "looking into Northwind Bank" in listed.content.decode()
    with within(cast, "owner"):
        mine = Grant.objects.order_by("-pk").first()
        assert LedgerEntry.objects.filter(verb="operator.read", actor_name="root").exists()
    page = operator.get(f"/operators/accounts/grant/{mine.pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    changed = operator.post(f"/operators/accounts/grant/{mine.pk}/change/", {"role": "owner"})
    assert changed.status_code == 403
    assert operator.post(f"/operators/accounts/grant/{mine.pk}/delete/", {"post": "yes"}).status_code == 403
    person = operator.get(f"/operators/accounts/user/{mine.user_id}/change/").content.decode()
    assert "scrypt" not in person
