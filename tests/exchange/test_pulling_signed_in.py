"""Prometheus servers that want to know who asks: a secret by reference, read from Vault for each request, kept nowhere."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.db import connection

from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange.actions.vault import connect_vault, forbid_values, permit_values
from releasetrain.exchange.models import VaultServer
from releasetrain.exchange.pulling import pull
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.exchange.test_vault import TOKEN, email, refer
from tests.exchange.test_vault import world as world  # noqa: PLC0414 - the fixture
from tests.trains.conftest import World
from trains.actions.secret_references import edit_reference, retire_reference
from trains.actions.series_sources import create_source, edit_source
from trains.models import Series, SeriesSource

VALUE = "correct-horse-battery"


class Outside:
    """Vault and Prometheus in one: the one gives the secret, the other asks for it."""

    def __init__(self) -> None:
        outside = self
        self.wanted = f"Bearer {VALUE}"
        self.held: Any = VALUE
        self.asked: list[str] = []

        class Answers(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                outside.asked.append(self.path.partition("?")[0])
                if self.path.startswith("/v1/"):
                    known = self.headers.get("X-Vault-Token") == TOKEN and "/data/" in self.path
                    body = {"data": {"data": {"password": outside.held}, "metadata": {"version": 1}}}
                    return self.say(200 if known else 403, body)
                if self.headers.get("Authorization") != outside.wanted:
                    return self.say(401, {"status": "error", "error": "who are you?"})
                rows = [{"metric": {}, "values": [[now().timestamp() - 60, "7"]]}]
                body = {"status": "success", "data": {"resultType": "matrix", "result": rows}}
                return self.say(200, body)

            def say(self, status: int, body: Any) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self.server = HTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def outside(settings: Any) -> Iterator[Outside]:
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    found = Outside()
    yield found
    found.server.shutdown()
    found.server.server_close()


def source(world: World, outside: Outside, role: str = "owner", **said: Any) -> SeriesSource:
    reference = refer(world, users=[email(world, "owner"), email(world, "rte")])
    given = {"name": "up", "address": outside.url, "expression": "avg(up)", "secret": reference, **said}
    return create_source(world.as_[role], **given)


def connected(world: World, outside: Outside) -> VaultServer:
    return permit_values(
        world.as_["owner"], connect_vault(world.as_["owner"], url=outside.url, read_token=TOKEN)
    )


def error_of(asked: SeriesSource) -> str:
    asked.refresh_from_db()
    return asked.last_error


def test_a_bearer_token_is_read_for_the_request_and_kept_nowhere(
    world: World, outside: Outside, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    connected(world, outside)
    asked = source(world, outside)
    assert pull(world.as_.organization.pk) == 1
    assert error_of(asked) == "" and Series.objects.get(source=asked).last_value == 7
    assert outside.asked == ["/v1/secret/data/payments/ledger", "/api/v1/query_range"]
    kept = caplog.text + "".join(LedgerEntry.objects.values_list("body", flat=True))
    with connection.cursor() as cursor:
        for table in ("trains_seriessource", "trains_historicalseriessource", "trains_secretreference"):
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")
            kept += str(cursor.fetchone()[0])
    assert VALUE not in kept


def test_with_a_user_name_it_is_the_password_of_basic_authentication(world: World, outside: Outside) -> None:
    connected(world, outside)
    outside.wanted = "Basic " + base64.b64encode(f"scraper:{VALUE}".encode()).decode()
    source(world, outside, login="scraper")
    assert pull(world.as_.organization.pk) == 1


def test_a_server_that_does_not_let_us_in_is_said_without_the_secret(world: World, outside: Outside) -> None:
    connected(world, outside)
    outside.wanted = "Bearer another"
    asked = source(world, outside)
    assert pull(world.as_.organization.pk) == 0
    assert error_of(asked) == "The server does not let us in (status 401)."


@pytest.mark.parametrize("held", [f"{VALUE}\r\nX-Evil: 1", "", 7, None])
def test_what_cannot_stand_in_a_header_is_not_sent(world: World, outside: Outside, held: Any) -> None:
    connected(world, outside)
    outside.held = held
    asked = source(world, outside)
    assert pull(world.as_.organization.pk) == 0
    assert error_of(asked) == "What Vault holds there cannot be sent in a header."
    assert "/api/v1/query_range" not in outside.asked


def test_vault_gives_values_only_where_that_is_permitted(world: World, outside: Outside) -> None:
    asked = source(world, outside)
    pull(world.as_.organization.pk)
    assert "No Vault is connected" in error_of(asked)
    server = connected(world, outside)
    forbid_values(world.as_["owner"], server)
    outside.asked.clear()
    pull(world.as_.organization.pk)
    assert "not permitted to give values" in error_of(asked) and outside.asked == []
    permit_values(world.as_["owner"], VaultServer.objects.get())
    retire_reference(world.as_["rte"], asked.secret, reason="Gone.")
    pull(world.as_.organization.pk)
    assert "retired" in error_of(asked) and outside.asked == []


def test_a_secret_goes_over_https_or_to_an_own_network_only(
    world: World, outside: Outside, settings: Any
) -> None:
    connected(world, outside)
    asked = source(world, outside, address="http://prometheus.example")
    pull(world.as_.organization.pk)
    assert error_of(asked) == "A secret is sent over https:// only."
    assert outside.asked == []


def test_a_source_stops_when_whoever_set_it_up_may_no_longer_use_the_secret(
    world: World, outside: Outside
) -> None:
    connected(world, outside)
    asked = source(world, outside)
    pull(world.as_.organization.pk)
    assert error_of(asked) == ""
    edit_reference(world.as_["rte"], asked.secret, users=[email(world, "rte")])
    Series.objects.update(last_at=None)
    outside.asked.clear()
    pull(world.as_.organization.pk)
    assert "may not use the secret DATABASE_PASSWORD any more" in error_of(asked)
    assert "somebody who is named edit the source" in error_of(asked)
    assert outside.asked == [], "neither Vault nor the server was asked"
    with pytest.raises(Refused):
        edit_source(world.as_["owner"], asked, unit="1")
    edit_reference(world.as_["rte"], asked.secret, users=[email(world, "rte"), email(world, "owner")])
    pull(world.as_.organization.pk)
    assert error_of(asked) == ""
    assert outside.asked != []


def test_only_whoever_is_named_for_a_secret_points_it_at_an_address(world: World, outside: Outside) -> None:
    with pytest.raises(Refused) as caught:
        source(world, outside, "executive")
    assert caught.value.refusals[0].status == 403
    reference = refer(world, name="OTHER", users=[email(world, "rte")])
    with pytest.raises(Refused) as caught:
        create_source(world.as_["owner"], name="up", address=outside.url, expression="up", secret=reference)
    assert caught.value.refusals[0].code == "series_source.secret"
    with pytest.raises(Refused) as caught:
        create_source(world.as_["owner"], name="up", address=outside.url, expression="up", login="x")
    assert caught.value.refusals[0].field == "login"
    asked = create_source(world.as_["owner"], name="up", address=outside.url, expression="up")
    asked.secret = reference
    asked.save()
    # Whoever is not named does not send it elsewhere either.
    with pytest.raises(Refused) as caught:
        edit_source(world.as_["owner"], asked, address="https://evil.example")
    assert caught.value.refusals[0].code == "series_source.secret"
    asked.refresh_from_db()
    assert edit_source(world.as_["owner"], asked, secret=None).secret is None
