"""The cast: two organizations, an actor per role, scopes, and clients that act as a role."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.testbed.cast import PASSWORD, email


class Cast(dict[str, Any]):
    """Actors of one organization by role; `cast.user(role)` is the account behind one."""

    def __init__(self, organization: Any):
        super().__init__()
        self.organization = organization

    def user(self, role: str) -> Any:
        from releasetrain.accounts.models import User

        return User.objects.get(email=email(role, self.organization.slug))

    def __missing__(self, role: str) -> Any:
        from releasetrain.kernel.actor import Actor

        user = self.user(role)
        self[role] = Actor(
            self.organization.pk, user.pk, str(user), kind=user.kind, route="test", request_id="test"
        )
        return self[role]


def _organization(slug: str) -> Any:
    from releasetrain.tenancy.models import Organization

    return Organization.objects.get(slug=slug)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> None:
    """The rolled-back database, or the committed one where the test asks for it."""
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")


@pytest.fixture
def northwind(database: None) -> Any:
    return _organization("northwind")


@pytest.fixture
def contoso(database: None) -> Any:
    return _organization("contoso-health")


@pytest.fixture
def cast(northwind: Any) -> Cast:
    return Cast(northwind)


@pytest.fixture
def other_cast(contoso: Any) -> Cast:
    return Cast(contoso)


@pytest.fixture
def within() -> Callable[..., Any]:
    """`with within(cast, "rte") as actor:` — the tenant scope with that role acting."""
    from contextlib import contextmanager

    from releasetrain.tenancy.scope import tenant_scope

    @contextmanager
    def scope(cast: Cast, role: str) -> Iterator[Any]:
        with tenant_scope(cast.organization.pk, cast[role]):
            yield cast[role]

    return scope


@pytest.fixture
def in_northwind(cast: Cast) -> Iterator[Any]:
    """Inside Northwind's tenant scope, the system acting."""
    from releasetrain.kernel.actor import Actor
    from releasetrain.tenancy.scope import tenant_scope

    with tenant_scope(
        cast.organization.pk, Actor.system(cast.organization.pk, "test", route="test")
    ) as scope:
        yield scope


def just_signed_in(client: Any, user: Any) -> None:
    """Note in the session, as a real sign-in does, that the person has just proved who they are."""
    from allauth.account.internal.flows import login

    session = client.session
    session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session.save()


def signed_in_an_hour_ago(client: Any) -> Any:
    """The same client with a session whose sign-in lies an hour back."""
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 3600
    session.save()
    return client


@pytest.fixture
def web(database: None) -> Callable[..., Any]:
    """`web("rte")` — a browser-like client signed in as the role, of Northwind unless said otherwise."""
    from django.test import Client

    from releasetrain.accounts.models import User

    def client(role: str, slug: str = "northwind") -> Client:
        signed_in, user = Client(), User.objects.get(email=email(role, slug))
        signed_in.force_login(user)
        just_signed_in(signed_in, user)
        return signed_in

    return client


@pytest.fixture
def token(database: None) -> Callable[..., str]:
    """`token("service_account")` — the text of a fresh API token of that role."""
    from datetime import timedelta

    from releasetrain.accounts import tokens
    from releasetrain.accounts.models import ApiToken, User
    from releasetrain.kernel.clock import now

    def issue(role: str, slug: str = "northwind") -> str:
        user = User.objects.get(email=email(role, slug))
        token_id, secret, text = tokens.generate()
        ApiToken.objects.create(
            id=token_id,
            organization=_organization(slug),
            user=user,
            label="test",
            secret_hash=tokens.secret_hash(secret),
            expires_at=now() + timedelta(days=1),
        )
        return text

    return issue


@pytest.fixture
def api(token: Callable[..., str]) -> Callable[..., Any]:
    """`api("service_account").get("/api/v1/orgs/northwind/releases")` — a REST client with a token of that role."""
    from rest_framework.test import APIClient

    def client(role: str, slug: str = "northwind") -> Any:
        rest = APIClient()
        rest.credentials(HTTP_AUTHORIZATION=f"Bearer {token(role, slug)}")
        rest.default_format = "json"
        return rest

    return client


__all__ = ["PASSWORD"]
