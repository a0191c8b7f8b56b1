"""Acts are told to other systems: signed, again until they arrive, never to an address that is not public."""

from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange import hooking, outgoing
from releasetrain.exchange.models import WebhookDelivery, WebhookEndpoint
from releasetrain.exchange.rules import addresses
from trains.actions.trains import create_train

pytestmark = pytest.mark.django_db
API = "/api/v1/orgs/northwind"


class Receiver:
    """A real server on this machine: keeps what it is sent, answers what it is told to."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], str]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?x=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def endpoint(receiver, api, cast, within):
    """An endpoint that hears of trains, with its secret."""
    made = api("owner").post(
        f"{API}/webhook-endpoints", {"name": "Chat-ops", "url": receiver.url, "verbs": ["train.*"]}
    )
    assert made.status_code == 200, made.json()
    return made.json()["result"]


def happen(cast, within, key="RAIL"):
    """A train is founded, and the ledger is read."""
    with within(cast, "rte") as actor:
        create_train(actor, key=key, name=f"Train {key}", cadence_start=date(2027, 1, 4))
        for entry in LedgerEntry.objects.filter(hooking.wanted_entries()):
            hooking.queue_deliveries(entry)
            hooking.queue_deliveries(entry)


def send(cast):
    return hooking.send_due(cast.organization.pk)


def due_now(cast, within):
    with within(cast, "owner"):
        WebhookDelivery.objects.filter(state="waiting").update(
            due_at=datetime.now(UTC) - timedelta(seconds=1)
        )


def only(cast, within):
    with within(cast, "owner"):
        return WebhookDelivery.objects.select_related("endpoint").get()


def test_an_act_arrives_once_and_its_signature_is_good(endpoint, receiver, cast, within):
    happen(cast, within)
    assert send(cast) == 1
    assert send(cast) == 0
    ((headers, body),) = receiver.requests
    said = Webhook(endpoint["secret"]).verify(body, headers)
    assert (said["type"], said["data"]["subject"]["label"], said["data"]["organization"]) == (
        "train.create",
        "RAIL",
        "northwind",
    )
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(body.replace("RAIL", "RAUL"), headers)
    delivery = only(cast, within)
    assert (delivery.state, delivery.log[0]["status"]) == ("delivered", 204)
    assert headers["webhook-id"] == f"msg_{delivery.pk.hex}"


def test_both_secrets_sign_while_the_key_rotates(endpoint, receiver, api, cast, within):
    new = (
        api("owner")
        .post(f"{API}/webhook-endpoints/{endpoint['id']}/rotate", {"overlap_hours": 1})
        .json()["result"]
    )
    happen(cast, within)
    send(cast)
    ((headers, body),) = receiver.requests
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (endpoint["secret"], new["secret"]):
        Webhook(secret).verify(body, headers)
    shown = json.dumps(api("owner").get(f"{API}/webhook-endpoints/{endpoint['id']}").json())
    assert "whsec_" not in shown and "sealed" not in shown and receiver.url not in shown


def test_a_refused_message_is_sent_again_under_the_same_id_and_given_up_after_a_day(
    endpoint, receiver, cast, within, api, web
):
    happen(cast, within)
    receiver.answers = [(503, {}), (429, {"Retry-After": "120"}), (500, {})]
    assert send(cast) == 0
    first = only(cast, within)
    assert first.state == "waiting" and first.due_at > datetime.now(UTC) + timedelta(seconds=3)
    due_now(cast, within)
    send(cast)
    assert only(cast, within).due_at > datetime.now(UTC) + timedelta(seconds=110)
    assert only(cast, within).endpoint.failing_since is not None
    while only(cast, within).state == "waiting":
        due_now(cast, within)
        receiver.answers = [(500, {})]
        send(cast)
    last = only(cast, within)
    assert (last.state, last.attempts) == ("failed", len(hooking.BACK_OFF) + 1)
    assert sum(hooking.BACK_OFF, timedelta()) >= timedelta(hours=23, minutes=50)
    assert [a["status"] for a in last.log[:3]] == [503, 429, 500]
    assert len({h["webhook-id"] for h, _ in receiver.requests}) == 1
    page = web("owner").get(f"/o/northwind/webhook-deliveries/{last.pk}/").content.decode()
    assert "Answer 503" in page
    assert api("owner").post(f"{API}/webhook-deliveries/{last.pk}/replay").status_code == 200
    assert send(cast) == 1
    assert only(cast, within).state == "delivered"
    assert only(cast, within).endpoint.failing_since is None


def test_a_worker_that_dies_between_claim_and_send_loses_nothing_and_doubles_nothing(
    endpoint, receiver, cast, within
):
    import uuid

    happen(cast, within)
    dead = uuid.uuid4()
    (call,) = hooking.claim(cast.organization.pk, dead)
    assert send(cast) == 0, "another worker leaves it alone while the lease runs"
    with within(cast, "owner"):
        WebhookDelivery.objects.update(claimed_until=datetime.now(UTC) - timedelta(seconds=1))
    assert send(cast) == 1
    # The dead one wakes up: its note comes too late and changes nothing.
    hooking.settle(cast.organization.pk, call.delivery_id, dead, outgoing.Answer(status=500))
    assert only(cast, within).state == "delivered"
    assert len(receiver.requests) == 1


def test_an_endpoint_that_is_gone_is_called_no_more(endpoint, receiver, cast, within, api):
    receiver.answers = [(410, {})]
    happen(cast, within)
    send(cast)
    delivery = only(cast, within)
    assert delivery.endpoint.disabled_reason == "It answered that it is gone (410)."
    due_now(cast, within)
    assert send(cast) == 0
    assert api("owner").post(f"{API}/webhook-endpoints/{endpoint['id']}/enable", {}).status_code == 200
    due_now(cast, within)
    assert send(cast) == 1


def test_redirects_are_not_followed(endpoint, receiver, cast, within):
    receiver.answers = [(302, {"Location": receiver.url})]
    happen(cast, within)
    assert send(cast) == 0
    assert len(receiver.requests) == 1


def test_chat_gets_a_line(receiver, api, cast, within):
    for form in ("slack", "teams"):
        answer = api("owner").post(
            f"{API}/webhook-endpoints",
            {"name": form, "url": receiver.url, "verbs": ["train.create"], "form": form},
        )
        assert answer.json()["result"]["secret"] is None
    happen(cast, within)
    assert send(cast) == 2
    said = [json.loads(body) for _, body in receiver.requests]
    slack = next(each for each in said if "text" in each)
    teams = next(each for each in said if "attachments" in each)
    assert slack["text"].startswith("RAIL: created\nhttp://localhost:8000/o/northwind/trains/")
    assert teams["attachments"][0]["content"]["body"][0]["text"] == "RAIL: created"


PRIVATE = [
    "http://127.0.0.1/", "https://127.0.0.1/", "https://127.1/", "https://[::1]/", "https://0.0.0.0/", "https://[::]/",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/", "https://[fd00::1]/", "https://[fc00::1]/", "https://100.64.0.1/", "https://192.0.2.1/",
    "https://198.18.0.1/", "https://224.0.0.1/", "https://255.255.255.255/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:169.254.169.254]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://localhost/",
    "https://metadata.google.internal/", "https://printer.local/", "https://user:pass@example.com/", "ftp://example.com/",
    "file:///etc/passwd", "gopher://127.0.0.1:25/", "https:///nohost", "https://[ff02::1]/", "http://example.com/",
    "https://2130706433/", "https://0x7f000001/", "https://[::127.0.0.1]/", "https://exa mple.com/", "//example.com/",
]  # fmt: skip


@pytest.mark.parametrize("url", PRIVATE)
def test_no_address_of_the_inside_is_called(url, settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    answer = outgoing.post(url, b"{}", {})
    assert answer.status == 0 and answer.error, url


def test_such_an_address_is_refused_when_it_is_entered(api):
    for url in ("https://10.0.0.1/x", "http://example.com/", "https://localhost/"):
        refused = api("owner").post(
            f"{API}/webhook-endpoints", {"name": "x", "url": url, "verbs": ["train.*"]}
        )
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/url"), url
    unknown = api("owner").post(
        f"{API}/webhook-endpoints", {"name": "x", "url": "https://example.com/", "verbs": ["no.such"]}
    )
    assert unknown.json()["code"] == "webhook.verb"
    assert (
        api("rte")
        .post(f"{API}/webhook-endpoints", {"name": "x", "url": "https://example.com/", "verbs": ["train.*"]})
        .status_code
        == 403
    )


def test_a_name_is_judged_by_what_it_stands_for_when_the_connection_is_made(receiver, settings, monkeypatch):
    """A name that is harmless when it is checked and private when it is called: what is connected to is what is judged."""
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    monkeypatch.setattr(
        outgoing.socket,
        "getaddrinfo",
        lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", receiver.server.server_port))],
    )
    answer = outgoing.post("https://rebinding.example/", b"{}", {})
    assert "not a public address" in answer.error
    assert receiver.requests == []


def test_networks_of_ones_own_are_named_by_the_operator():
    mine = addresses.networks(["10.1.0.0/16", " fd00::/8"])
    assert addresses.reachable("10.1.2.3", mine)
    assert addresses.reachable("fd00::1", mine)
    assert not addresses.reachable("10.2.0.1", mine)
    assert addresses.reachable("93.184.216.34", ())


def test_nothing_of_before_is_told_to_an_endpoint_that_came_later(receiver, api, cast, within):
    happen_before = api("owner").post(
        f"{API}/webhook-endpoints", {"name": "a", "url": receiver.url, "verbs": ["train.edit"]}
    )
    assert happen_before.status_code == 200
    with within(cast, "rte") as actor:
        create_train(actor, key="OLD", name="Old", cadence_start=date(2027, 1, 4))
        entry = LedgerEntry.objects.get(verb="train.create", subject_label="OLD")
    api("owner").post(f"{API}/webhook-endpoints", {"name": "b", "url": receiver.url, "verbs": ["train.*"]})
    with within(cast, "rte"):
        WebhookEndpoint.objects.update(since=datetime.now(UTC) + timedelta(seconds=1))
        hooking.queue_deliveries(entry)
        assert not WebhookDelivery.objects.exists()
