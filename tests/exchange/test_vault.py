"""Secrets by reference: where they lie, who may use them, when Vault says they were rotated; values are refused and kept nowhere."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange import vaulting
from releasetrain.exchange.actions.vault import connect_vault, pause_vault, replace_token
from releasetrain.exchange.models import VaultServer
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.trains.conftest import World
from trains.actions import secret_references as secrets
from trains.actions.pipelines import create_pipeline
from trains.models import SecretReference
from trains.queries.secret_references import overdue
from trains.rules.secret_values import secret_in, why_secret

ORG = "/api/v1/orgs/northwind"
TOKEN = "s.read-metadata-only"
SECRETS = [
    "ghp_" + "a1B2" * 9,
    "glpat-" + "x9_Kq2LmNopQrs",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "hvs." + "CAESIJ1k2l3m4n5o6p7q",
    "xoxb-" + "1234567890-abcdef",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
    "postgres://app:hunter2hunter2@db/ledger",
    "password=hunter2hunter2",
    "wJalrXUtnFEMI" + "K7MDENGbPxRfiCYEXAMPLEKEY",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
]


# -- what looks like a secret


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_seen_wherever_it_stands_and_never_repeated(secret: str) -> None:
    for text in (secret, f"use {secret} for it", f"line\n{secret}"):
        why = why_secret(text)
        assert why and secret[:12] not in why
    assert secret_in({"a": [{"b": secret}]}) is not None


@pytest.mark.parametrize(
    "plain",
    [
        "payments/ledger/database",
        "DATABASE_PASSWORD",
        "password",
        "secret",
        "Reads postings from the ledger's replica.",
        "team-a/environment-production/service-account-credentials",
        "0192d3b4-5e6f-7a8b-9c0d-1e2f3a4b5c6d",
        "sha256:abc",
        "curl -H $RELEASETRAIN_TOKEN https://x.example",
        "deploy --token=$TOKEN",
        "make test",
    ],
)
def test_names_of_places_are_no_secrets(plain: str) -> None:
    assert why_secret(plain) == ""


@given(st.sampled_from(["value", "Secret", "password", "TOKEN", "api_key"]), st.text(min_size=1))
def test_a_field_named_after_secrets_must_be_empty(name: str, text: str) -> None:
    assert secret_in({name: text}) is not None
    assert secret_in({name: ""}) is None


# -- references


@pytest.fixture
def world(cast: Any, in_northwind: Any) -> World:
    found = World(cast)
    found.pipeline = create_pipeline(cast["rte"], service=found.ledger, stages=["Build", "Deploy"])
    found.stage = found.pipeline.stages.get(name="Deploy")
    return found


def email(world: World, role: str) -> str:
    from django.contrib.auth import get_user_model

    return str(get_user_model().objects.get(pk=world.as_[role].user_id).email)


def refer(world: World, **said: Any) -> Any:
    given_ = {
        "stage": world.stage,
        "name": "DATABASE_PASSWORD",
        "path": "payments/ledger",
        "key": "password",
        "users": [email(world, "service_account"), email(world, "release_manager")],
        **said,
    }
    return secrets.create_reference(world.as_["rte"], **given_)


def test_only_those_who_are_named_learn_where_a_stages_secret_lies(world: World, api: Any) -> None:
    refer(world)
    refer(world, name="SIGNING_KEY", path="payments/signing", users=[email(world, "rte")])
    address = f"{ORG}/stage-secrets?service=ledger&stage=Deploy"
    (found,) = api("service_account").get(address).json()["secrets"]
    assert (found["name"], found["path"], found["key"]) == (
        "DATABASE_PASSWORD",
        "payments/ledger",
        "password",
    )
    assert api("team_member").get(address).json()["secrets"] == []
    assert (
        api("service_account").get(f"{ORG}/stage-secrets?service=ledger&stage=Build").json()["secrets"] == []
    )
    assert api("rte").get(f"{ORG}/stage-secrets?service=ledger").status_code == 422
    assert api("rte").get(f"{ORG}/stage-secrets?service=x&stage=Deploy").status_code == 422


def test_a_reference_is_changed_and_retired(world: World) -> None:
    row = refer(world)
    with pytest.raises(Refused):
        refer(world)
    secrets.edit_reference(world.as_["rte"], row, path="payments/ledger-v2", rotate_days=30)
    row.refresh_from_db()
    assert (row.place, row.rotate_days) == ("secret/payments/ledger-v2#password", 30)
    secrets.retire_reference(world.as_["rte"], row, reason="The stage is gone.")
    assert refer(world).pk != row.pk


def everything_kept(caplog: Any) -> str:
    """Whatever the product keeps or says: ledger, rows, history, logs."""
    kept = [str(e.__dict__) for e in LedgerEntry.objects.all()]
    for model in (SecretReference, VaultServer):
        kept += [str(row.__dict__) for row in [*model.objects.all(), *model.history.all()]]
    return "\n".join([*kept, caplog.text])


@pytest.mark.parametrize("secret", SECRETS[:1] + SECRETS[5:10])
def test_a_value_sent_by_mistake_is_refused_with_a_sentence_and_kept_nowhere(
    world: World, api: Any, web: Any, caplog: Any, secret: str
) -> None:
    caplog.set_level(logging.DEBUG)
    body = {
        "stage": str(world.stage.pk),
        "name": "DATABASE_PASSWORD",
        "path": "payments/ledger",
        "key": "password",
        "users": [email(world, "rte")],
    }
    for field in ("value", "secret", "password", "token", "path", "key", "name", "purpose", "users", "mount"):
        sent = {**body, field: [secret] if field == "users" else secret}
        answer = api("rte").post(f"{ORG}/secret-references", sent)
        said = answer.content.decode()
        assert answer.status_code == 422, (field, said)
        assert secret not in said and json.dumps(secret)[1:-1] not in said, field
        assert "neither stored nor logged" in said or "Nothing was stored" in said, (field, said)
    page = web("rte").post("/o/northwind/secret-references/new", {**body, "purpose": secret})
    assert page.status_code != 302 and not SecretReference.objects.exists()
    kept = everything_kept(caplog)
    assert secret not in kept and "hunter2" not in kept


def test_bad_places_and_strangers_are_refused(world: World) -> None:
    for said in (
        {"path": "../secret"},
        {"path": "a//b"},
        {"path": ""},
        {"key": "a\nb"},
        {"name": "two words"},
        {"users": []},
        {"users": ["nobody@example.com"]},
    ):
        with pytest.raises(Refused) as caught:
            refer(world, **said)
        assert "nobody@example.com" not in str(caught.value.refusals)


# -- Vault


class Local:
    """The process, and what it answers."""

    def __init__(self, folder: Path):
        self.state = folder / "vault.json"
        self.say(secrets={})
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("vault_server.py")), str(self.state)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def say(self, **state: Any) -> None:
        self.state.write_text(json.dumps({"token": TOKEN, "secrets": {}, **state}))

    @property
    def asked(self) -> list[str]:
        log = self.state.with_suffix(".log")
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def vault(tmp_path: Path, settings: Any) -> Iterator[Local]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    local = Local(tmp_path)
    yield local
    local.process.terminate()
    local.process.wait(10)
    local.process.stdout.close()


def metadata(*made: datetime, **more: Any) -> dict[str, Any]:
    """As `GET /v1/<mount>/metadata/<path>` answers, by Vault's documentation."""
    versions = {
        str(n): {
            "created_time": f"{each:%Y-%m-%dT%H:%M:%S}.123456789Z",
            "deletion_time": "",
            "destroyed": False,
            **more,
        }
        for n, each in enumerate(made, 1)
    }
    return {
        "current_version": len(made),
        "oldest_version": 1,
        "max_versions": 0,
        "versions": versions,
        "custom_metadata": None,
    }


def ask(world: World) -> int:
    return vaulting.ask(world.as_.organization.pk)


def test_rotation_age_is_read_from_metadata_and_nothing_else_is_read(world: World, vault: Local) -> None:
    old, lately = now() - timedelta(days=400), now() - timedelta(days=100, seconds=1)
    row, other = refer(world), refer(world, name="API_KEY", path="payments/api", rotate_days=120)
    gone = refer(world, name="GONE", path="payments/gone")
    vault.say(
        secrets={"secret/payments/ledger": metadata(old, lately), "secret/payments/api": metadata(lately)}
    )
    connect_vault(world.as_["owner"], url=vault.url, read_token=TOKEN)
    assert ask(world) == 3
    for each in (row, other, gone):
        each.refresh_from_db()
    assert row.version == 2 and abs(row.rotated_at - lately) < timedelta(seconds=1)
    assert [r.name for r in overdue(now())] == ["DATABASE_PASSWORD"]
    assert row.rotation == "100 days ago, 10 days late" and gone.rotation == "not known"
    assert gone.rotated_at is None and gone.is_overdue(now()) is None and "nothing at this path" in gone.fault
    assert vault.asked and all("/metadata/" in line for line in vault.asked)
    # A moved reference knows nothing of its old place.
    secrets.edit_reference(world.as_["rte"], row, path="payments/api")
    row.refresh_from_db()
    assert row.rotated_at is None and row.version is None


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"token": "another"}, "may not read"),
        ({"raw": "no json"}, "no JSON"),
        ({"raw": "{}"}, "cannot be understood"),
        (
            {
                "raw": '{"data": {"current_version": 1, "versions": {"1": {"created_time": "2999-01-01T00:00:00Z"}}}}'
            },
            "cannot",
        ),
        ({"raw": '{"data": {"current_version": 1, "versions": {"1": {"created_time": "soon"}}}}'}, "cannot"),
        ({"redirect": "http://127.0.0.1:1/v1/secret/data/x"}, "status 302"),
        (
            {
                "secrets": {
                    "secret/payments/ledger": metadata(datetime(2026, 1, 1, tzinfo=UTC), destroyed=True)
                }
            },
            "deleted",
        ),
    ],
)
def test_what_vault_does_not_say_is_a_fault_and_no_age(
    world: World, vault: Local, state: Any, words: str
) -> None:
    row = refer(world)
    vault.say(**state)
    connect_vault(world.as_["owner"], url=vault.url, read_token=TOKEN)
    ask(world)
    row.refresh_from_db()
    assert words in row.fault and words in VaultServer.objects.get().last_error
    assert TOKEN not in row.fault
    assert (row.rotated_at is None) == ("deleted" not in row.fault)


def test_no_private_address_is_called(world: World, vault: Local, settings: Any) -> None:
    refer(world)
    connect_vault(world.as_["owner"], url=vault.url, read_token=TOKEN)
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    ask(world)
    assert vault.asked == []
    with pytest.raises(Refused):
        connect_vault(world.as_["owner"], url="http://169.254.169.254/", read_token=TOKEN)
    assert SecretReference.objects.get().fault


def test_nothing_but_metadata_can_be_asked() -> None:
    adapter = vaulting.GuardedAdapter(base_uri="https://vault.example", token=TOKEN)
    for method, url in (
        ("get", "/v1/secret/data/payments"),
        ("post", "/v1/secret/metadata/payments"),
        ("delete", "/v1/secret/metadata/payments"),
        ("get", "/v1/sys/health"),
        ("get", "/v1/metadata"),
    ):
        with pytest.raises(vaulting.MetadataOnly):
            adapter.request(method, url)


def test_the_token_of_vault_is_sealed_and_shown_nowhere(
    world: World, vault: Local, api: Any, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = api("owner").post(f"{ORG}/vault-servers", {"url": vault.url, "read_token": TOKEN})
    assert answer.status_code == 201 and TOKEN not in answer.content.decode()
    server = VaultServer.objects.get()
    replace_token(world.as_["owner"], server, read_token=TOKEN + "2")
    assert TOKEN not in everything_kept(caplog)
    assert api("rte").get(f"{ORG}/vault-servers/{server.pk}").json().get("sealed_token") is None
    second = api("owner").post(f"{ORG}/vault-servers", {"url": vault.url, "read_token": TOKEN})
    assert second.status_code == 409
    pause_vault(world.as_["owner"], VaultServer.objects.get())
    assert ask(world) == 0
