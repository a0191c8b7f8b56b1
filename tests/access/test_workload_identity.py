"""Pipelines act by their own ID token: genuine ones get a short access, everything else is refused and says why."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import zlib
from datetime import date, timedelta

import jwt
import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from releasetrain.access import issuers, workload
from releasetrain.access.actions.trust import create_trust_rule
from releasetrain.access.models import TrustRule
from releasetrain.access.rules.claims import (
    BadCondition,
    Demand,
    condition_of,
    conditions_of,
    reasons_against,
)
from releasetrain.accounts.actions import create_service_account
from releasetrain.accounts.models import ApiToken, ServiceAccount
from releasetrain.audit.models import LedgerEntry
from releasetrain.kernel.clock import now
from trains.actions.services import create_service
from trains.actions.trains import create_train

from .issuer import AUDIENCE

API = "/api/v1/orgs/northwind"
EXCHANGE = f"{API}/workload-identity/exchange"
CONDITIONS = ["repository=acme/ledger", "ref=refs/heads/main", "ref=refs/tags/v*"]


@pytest.fixture
def rule(db, issuer, cast, within):
    with within(cast, "owner") as actor:
        account = create_service_account(actor, name="ci")
        return create_trust_rule(
            actor, name="Ledger", system=TrustRule.System.GITHUB, service_account=account,
            conditions=CONDITIONS, issuer=issuer.url,
        )  # fmt: skip


def exchange(token: str, address: str = EXCHANGE):
    return Client().post(
        address, headers={"Authorization": f"Bearer {token}"}, content_type="application/json"
    )


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def test_a_pipeline_asks_a_gate_without_a_stored_secret(rule, issuer, cast, within):
    answer = exchange(issuer.token())
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    given = answer.json()
    assert given["service_account"] == "ci"
    assert given["trust_rule"] == "Ledger"
    assert 0 < given["expires_in"] <= 900
    access = given["access_token"]
    assert Client().get(f"{API}/gates", headers=bearer(access)).status_code == 200
    posted = Client().post(
        f"{API}/gates/evaluate", {"environment": "nowhere", "digest": "sha256:" + "a" * 64}, "application/json",
        headers=bearer(access),
    )  # fmt: skip
    assert posted.status_code in (404, 409, 422), "asked, and answered by the gate"
    with within(cast, "owner"):
        token = ApiToken.objects.get(trust_rule=rule.pk)
        assert token.subject == "repo:acme/ledger:ref:refs/heads/main"
        assert token.last_used_at is not None
        assert token.expires_at - token.created_at <= timedelta(minutes=15)
        entry = LedgerEntry.objects.get(verb="trust_rule.exchange")
        assert entry.actor_name == "ci (repo:acme/ledger:ref:refs/heads/main)"
        assert access not in entry.body
        assert access.split("_")[2] not in entry.body


def test_an_act_of_the_access_is_on_record_as_the_workload(rule, issuer, cast, within):
    with within(cast, "rte") as actor:
        train = create_train(actor, key="RAIL", name="Rail", cadence_start=date(2027, 1, 4))
        service = create_service(actor, train=train, name="payments")
    access = exchange(issuer.token()).json()["access_token"]
    made = Client().post(
        f"{API}/incidents/record",
        {"title": "Payments are slow", "severity": 3, "service": str(service.pk)},
        "application/json",
        headers=bearer(access),
    )
    with within(cast, "owner"):
        verbs = {e.verb: e.actor_name for e in LedgerEntry.objects.order_by("-id")[:3]}
    assert made.status_code == 201, made.content
    assert "ci (repo:acme/ledger:ref:refs/heads/main)" in verbs.values()


def test_an_id_token_opens_nothing_but_the_exchange(rule, issuer):
    assert Client().get(f"{API}/gates", headers=bearer(issuer.token())).status_code == 401
    assert (
        exchange(issuer.token(), "/api/v1/orgs/contoso-health/workload-identity/exchange").status_code == 401
    )


def _tampered(issuer):
    head, body, signature = issuer.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["repository"] = "evil/ledger"
    return ".".join(
        (head, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), signature)
    )


def _confused(issuer):
    """HS256 with the public key as the secret."""
    published = json.dumps(issuer.published["one"])
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT","kid":"one"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps(issuer.claims()).encode()).decode().rstrip("=")
    import hashlib
    import hmac

    mac = hmac.new(published.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _short_key(issuer):
    if "short" not in issuer.keys:
        issuer.add_key("short", bits=1024)
    return issuer.token("short")


def _unpublished(issuer):
    if "secret" not in issuer.keys:
        issuer.add_key("secret", publish=False)
    return issuer.token("secret")


def _forged(issuer):
    """Signed by another key under a published key's name, which it brings along."""
    if "secret" not in issuer.keys:
        issuer.add_key("secret", publish=False)
    brought = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(issuer.keys["secret"].public_key()))
    return jwt.encode(issuer.claims(), issuer.keys["secret"], "RS256", headers={"kid": "one", "jwk": brought})


def _other_kind(issuer):
    if "curve" not in issuer.keys:
        issuer.add_key("curve", "EC")
    return jwt.encode(issuer.claims(), issuer.keys["curve"], "ES256", headers={"kid": "one"})


def _for_encryption(issuer):
    if "enc" not in issuer.keys:
        issuer.add_key("enc", use="enc")
    return issuer.token("enc")


T = time.time
BAD = {
    "no token": (lambda i: "x", "workload.malformed"),
    "an API token's look-alike": (lambda i: "a.b.c", "workload.malformed"),
    "too long": (lambda i: i.token(note="x" * 20_000), "workload.malformed"),
    "unsigned": (lambda i: jwt.encode(i.claims(), None, "none", headers={"kid": "one"}), "workload.algorithm"),
    "the public key as a secret": (_confused, "workload.algorithm"),
    "an algorithm nobody agreed on": (lambda i: i.token(algorithm="RS512"), "workload.algorithm"),
    "changed after signing": (_tampered, "workload.signature"),
    "signed by a key it brings along": (_forged, "workload.signature"),
    "signed by a key nobody published": (_unpublished, "workload.key"),
    "signed by a key of another kind": (_other_kind, "workload.key"),
    "signed by a key for encryption": (_for_encryption, "workload.key"),
    "signed by a short key": (_short_key, "workload.key"),
    "without the name of a key": (lambda i: i.token(headers={"kid": None}), "workload.key"),
    "with a critical extension": (lambda i: i.token(headers={"crit": ["b64"], "b64": True}), "workload.malformed"),
    "an access token by its type": (lambda i: i.token(headers={"typ": "at+jwt"}), "workload.malformed"),
    "of an issuer nobody trusts": (lambda i: i.token(iss="https://evil.example"), "workload.issuer"),
    "of an issuer with a slash more": (lambda i: i.token(iss=i.url + "/"), "workload.issuer"),
    "without an issuer": (lambda i: i.token(iss=None), "workload.issuer"),
    "for somebody else": (lambda i: i.token(aud="https://other.example"), "workload.audience"),
    "for others as well": (lambda i: i.token(aud=[AUDIENCE, "https://other.example"]), "workload.audience"),
    "for nobody": (lambda i: i.token(aud=None), "workload.claims"),
    "expired": (lambda i: i.token(exp=int(T()) - 60), "workload.expired"),
    "that never expires": (lambda i: i.token(exp=None), "workload.claims"),
    "for a month": (lambda i: i.token(exp=int(T()) + 30 * 86_400), "workload.lifetime"),
    "not valid yet": (lambda i: i.token(nbf=int(T()) + 300), "workload.early"),
    "issued in the future": (lambda i: i.token(iat=int(T()) + 300, exp=int(T()) + 600), "workload.early"),
    "without a time of issue": (lambda i: i.token(iat=None), "workload.claims"),
    "without an id": (lambda i: i.token(jti=None), "workload.claims"),
    "without a subject": (lambda i: i.token(sub=None), "workload.claims"),
    "of another repository": (lambda i: i.token(repository="acme/other"), "workload.refused"),
    "of a repository that begins alike": (lambda i: i.token(repository="acme/ledger2"), "workload.refused"),
    "of another branch": (lambda i: i.token(ref="refs/heads/mine"), "workload.refused"),
    "of a branch below a tag's pattern": (lambda i: i.token(ref="refs/tags/v1/x"), "workload.refused"),
    "that lacks the claim": (lambda i: i.token(ref=None), "workload.refused"),
    "whose claim is a list": (lambda i: i.token(ref=["refs/heads/main"]), "workload.refused"),
    "of a pull request": (lambda i: i.token(event_name="pull_request"), "workload.refused"),
    "of a pull request's target": (lambda i: i.token(event_name="pull_request_target"), "workload.refused"),
    "of a pull request by its ref": (lambda i: i.token(ref="refs/pull/7/merge"), "workload.refused"),
    "of a pull request by its subject": (lambda i: i.token(sub="repo:acme/ledger:pull_request"), "workload.refused"),
    "of a pull request by its head": (lambda i: i.token(head_ref="fix"), "workload.refused"),
    "of a merge request": (lambda i: i.token(pipeline_source="merge_request_event"), "workload.refused"),
    "of a merge request by its ref": (lambda i: i.token(ref_path="refs/merge-requests/3/head"), "workload.refused"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_is_refused_and_says_why(kind, rule, issuer, cast, within):
    make, code = BAD[kind]
    token = make(issuer)
    answer = exchange(token)
    assert answer.status_code == 401, answer.content
    problem = answer.json()
    assert problem["code"] == code
    assert answer["Content-Type"] == "application/problem+json"
    assert len(token) < 20 or token not in answer.content.decode()
    with within(cast, "owner"):
        assert not ApiToken.objects.filter(trust_rule__isnull=False).exists()


def test_a_token_opens_one_access(rule, issuer):
    token = issuer.token()
    assert exchange(token).status_code == 200
    again = exchange(token)
    assert (again.status_code, again.json()["code"]) == (401, "workload.replay")
    same_id = issuer.token(jti=jwt.decode(token, options={"verify_signature": False})["jti"])
    assert exchange(same_id).json()["code"] == "workload.replay"


@pytest.mark.parametrize("change", [{"ref": "refs/tags/v1.2.0"}, {"exp": -10}, {"nbf": 20}])
def test_what_a_rule_names_and_a_little_skew_are_taken(change, rule, issuer):
    said = {k: int(T()) + v if isinstance(v, int) else v for k, v in change.items()}
    if "exp" in said:
        said["iat"] = said["exp"] - 300
    assert exchange(issuer.token(**said)).status_code == 200


def test_keys_rotate_without_asking_too_often(rule, issuer, monkeypatch):
    asked = []
    real = issuers._ask[0]
    monkeypatch.setitem(issuers.__dict__, "_ask", [lambda url, most: asked.append(url) or real(url, most)])
    assert exchange(issuer.token()).status_code == 200
    assert exchange(issuer.token()).status_code == 200
    assert len(asked) == 2, "discovery and keys, once"
    issuer.add_key("two")
    assert exchange(issuer.token("two")).json()["code"] == "workload.key", "asked within the minute"
    kept = issuers._kept[issuer.url]
    kept.tried -= 61
    assert exchange(issuer.token("two")).status_code == 200
    assert len(asked) == 4
    issuer.drop_key("two")
    kept.at -= 601
    kept.tried -= 601
    assert exchange(issuer.token("two")).json()["code"] == "workload.key", "withdrawn keys stop counting"


def test_keys_count_for_a_while_when_the_issuer_is_away(rule, issuer):
    assert exchange(issuer.token()).status_code == 200
    issuer.stop()
    try:
        kept = issuers._kept[issuer.url]
        kept.at -= 1200
        kept.tried -= 1200
        assert exchange(issuer.token()).status_code == 200, "cached keys, twenty minutes old"
        kept.at -= 2500
        away = exchange(issuer.token())
        assert (away.status_code, away.json()["code"]) == (503, "workload.issuer_unavailable")
        assert away["Retry-After"] == "10"
        issuers.forget()
        assert exchange(issuer.token()).status_code == 503, "never seen and away: refused"
    finally:
        issuer.start()


def test_an_issuer_inside_the_network_is_not_asked(rule, issuer, settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    assert exchange(issuer.token()).json()["code"] == "workload.issuer_unavailable"


def test_pull_requests_only_where_a_rule_says_so(rule, issuer, api):
    changed = api("owner").post(
        f"{API}/trust-rules/{rule.pk}/edit", {"pull_requests": True, "reason": "Reads only"}
    )
    assert changed.status_code == 200, changed.json()
    assert exchange(issuer.token(event_name="pull_request")).status_code == 200


def test_the_rule_that_demands_more_counts_and_a_tie_is_refused(rule, issuer, cast, within):
    with within(cast, "owner") as actor:
        other = create_service_account(actor, name="ci-production")
        made = {"system": TrustRule.System.GITHUB, "service_account": other, "issuer": issuer.url}
        create_trust_rule(
            actor, name="Production", conditions=[*CONDITIONS, "environment=production"], **made
        )
    assert exchange(issuer.token()).json()["service_account"] == "ci-production"
    with within(cast, "owner") as actor:
        create_trust_rule(actor, name="Twin", conditions=[*CONDITIONS, "event_name=push"], **made)
    assert exchange(issuer.token()).json()["code"] == "workload.ambiguous"


@pytest.mark.parametrize("how", ["rule", "account", "organization"])
def test_what_is_revoked_works_no_more_within_a_second(how, rule, issuer, api, northwind, record_property):
    access = exchange(issuer.token()).json()["access_token"]
    assert Client().get(f"{API}/gates", headers=bearer(access)).status_code == 200
    began = time.perf_counter()
    if how == "rule":
        api("owner").post(f"{API}/trust-rules/{rule.pk}/disable", {"reason": "Left"})
    elif how == "account":
        api("owner").post(f"{API}/service-accounts/{rule.service_account_id}/disable", {"reason": "Left"})
    else:
        northwind.suspended_at = now()
        northwind.save()
    refused = Client().get(f"{API}/gates", headers=bearer(access))
    took = time.perf_counter() - began
    assert refused.status_code in (401, 423)
    assert took < 1
    record_property("summary", f"workload access ended by its {how}: refused after {took * 1000:.0f} ms")
    assert exchange(issuer.token()).status_code in (401, 423)


def test_an_access_ends_by_itself(rule, issuer):
    access = exchange(issuer.token()).json()["access_token"]
    with time_machine.travel(now() + timedelta(minutes=15, seconds=1), tick=True):
        assert Client().get(f"{API}/gates", headers=bearer(access)).status_code == 401


def test_accesses_that_are_long_over_are_cleared(rule, issuer, cast, within):
    exchange(issuer.token())
    with time_machine.travel(now() + timedelta(days=29)), within(cast, "owner"):
        assert workload.clear(cast.organization.pk) == 0
    with time_machine.travel(now() + timedelta(days=31)), within(cast, "owner"):
        assert workload.clear(cast.organization.pk) == 1


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "may not be empty"),
        (["ref=refs/heads/main"], "Name whose pipeline"),
        (["repository=*"], "demands nothing"),
        (["repository=*/ledger"], "lets strangers in"),
        (["repository=acme*/ledger"], "lets strangers in"),
        (["repository_owner=*corp"], "lets strangers in"),
        (["repository"], "not of the form"),
        (["repository=acme/ledger", "aud=x"], "checked anyway"),
    ],
)
def test_a_rule_that_would_trust_strangers_is_refused(lines, says, rule, api):
    body = {
        "name": "Wide",
        "system": "github",
        "service_account": str(rule.service_account_id),
        "conditions": lines,
    }
    answer = api("owner").post(f"{API}/trust-rules", body)
    assert answer.status_code == 422, answer.json()
    assert says in answer.content.decode()


@given(st.text(alphabet="ab/*", min_size=1, max_size=8), st.text(alphabet="ab/", max_size=8))
def test_a_star_never_crosses_a_slash(pattern, value):
    try:
        condition = condition_of(f"sub={pattern}")
    except BadCondition:
        return
    if condition.holds(value):
        assert condition.pattern.count("/") == value.count("/")
        assert value.startswith(condition.pattern.split("*")[0])


_SAID = st.one_of(
    st.sampled_from(
        ["acme/ledger", "acme/ledger ", "Acme/ledger", "acme", "i", "a", "push", "pull_request", ""]
    ),
    st.none(),
    st.integers(),
    st.booleans(),
    st.lists(st.just("acme/ledger"), max_size=2),
)


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("repository", "iss", "aud", "event_name", "head_ref"), _SAID)
    )
)
@example({"repository": "acme/ledger", "iss": "i", "aud": "a"})
def test_only_what_says_all_of_it_is_taken(claims):
    demand = Demand("i", "a", tuple(conditions_of(["repository=acme/ledger"], "github")))
    said = {name: claims.get(name) for name in ("repository", "iss", "aud")}
    wanted = said == {"repository": "acme/ledger", "iss": "i", "aud": "a"}
    head = claims.get("head_ref")
    request = (
        claims.get("event_name") == "pull_request"
        or isinstance(head, int)
        or (isinstance(head, str) and head != "")
    )
    assert (not reasons_against(demand, claims)) == (wanted and not request)


def test_a_trial_says_why_for_each_rule(rule, issuer, api, web):
    claims = issuer.claims(ref="refs/heads/mine", event_name="pull_request")
    answer = api("owner").post(f"{API}/workload-identity/try", {"claims": claims}).json()
    assert answer["taken_by"] is None
    (said,) = answer["rules"]
    assert said["reasons"] == [
        "It is of a pull request or merge request.",
        "ref is “refs/heads/mine”, not refs/heads/main or refs/tags/v*.",
    ]
    taken = api("owner").post(f"{API}/workload-identity/try", {"claims": issuer.claims()}).json()
    assert (taken["taken_by"], taken["service_account"]) == ("Ledger", "ci")
    assert api("team_member").post(f"{API}/workload-identity/try", {"claims": claims}).status_code == 403
    assert api("owner").post(f"{API}/workload-identity/try", {"claims": "x"}).status_code == 422
    page = web("owner").post("/o/northwind/workload-identity/", {"claims": json.dumps(claims)})
    assert "ref is “refs/heads/mine”" in page.content.decode()
    pasted = web("owner").post("/o/northwind/workload-identity/", {"claims": issuer.token()})
    assert pasted.status_code == 422
    assert "This is a token" in pasted.content.decode()
    assert web("team_member").get("/o/northwind/workload-identity/").status_code == 403


def test_the_page_costs_the_same_for_many_rules(
    rule, issuer, web, cast, within, django_assert_max_num_queries
):
    exchange(issuer.token())
    with within(cast, "owner") as actor:
        account = ServiceAccount.objects.get(name="ci")
        for number in range(12):
            create_trust_rule(
                actor, name=f"Rule {number}", system=TrustRule.System.GITHUB, service_account=account,
                conditions=[f"repository=acme/r{number}"], issuer=issuer.url,
            )  # fmt: skip
    browser = web("owner")
    browser.get("/o/northwind/workload-identity/")
    with django_assert_max_num_queries(24):
        page = browser.get("/o/northwind/workload-identity/").content.decode()
    assert "repository=acme/r11" in page


def test_attempts_from_one_address_are_limited(rule, issuer, settings):
    settings.API_REQUESTS_PER_MINUTE = 3
    cache.clear()
    answers = [exchange("x").status_code for _ in range(6)]
    assert answers[-1] == 429
    assert 401 in answers


def test_a_token_is_rotated_with_an_overlap(api, cast, within, web, rule):
    account = rule.service_account
    owner = api("owner")
    old = owner.post(f"{API}/service-accounts/{account.pk}/issue_token", {"label": "Deploys"}).json()[
        "result"
    ]
    turned = owner.post(
        f"{API}/service-accounts/{account.pk}/rotate_token", {"token": old["id"], "overlap_hours": 2}
    ).json()["result"]
    for text in (old["token"], turned["token"]):
        assert Client().get(f"{API}/gates", headers=bearer(text)).status_code == 200
    twice = owner.post(f"{API}/service-accounts/{account.pk}/rotate_token", {"token": old["id"]})
    assert (twice.status_code, twice.json()["code"]) == (422, "token.rotated")
    with time_machine.travel(now() + timedelta(hours=2, minutes=1), tick=True):
        assert Client().get(f"{API}/gates", headers=bearer(old["token"])).status_code == 401
        assert Client().get(f"{API}/gates", headers=bearer(turned["token"])).status_code == 200
    page = web("owner").get(f"/o/northwind/service-accounts/{account.pk}/rotate/{turned['id']}/")
    assert page.status_code == 200
    shown = web("owner").post(page.request["PATH_INFO"], {"overlap_hours": 1, "days": 30}).content.decode()
    assert "rtk_" in shown
    assert (
        "Being replaced" in web("owner").get(f"/o/northwind/service-accounts/{account.pk}/").content.decode()
    )


def test_a_leaked_token_is_known_by_its_form_and_checksum(api, rule):
    account = rule.service_account
    text = (
        api("owner")
        .post(f"{API}/service-accounts/{account.pk}/issue_token", {"label": "x"})
        .json()["result"]["token"]
    )
    import re

    match = re.fullmatch(r"rtk_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}([0-9a-f]{8})", text)
    assert match
    assert match[1] == f"{zlib.crc32(text[:-8].encode()):08x}"


def test_the_command_for_pipelines_exchanges_the_token(tmp_path):
    """Against a stand-in that records: the command asks GitHub for a token, exchanges it, and asks with the access."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    heard = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            heard.append((self.path, self.headers["Authorization"]))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = {"verdict": "pass", "artifact": "sha256:" + "a" * 64, "checks": [], "gates": []}
            if self.path.startswith("/id"):
                body = {"value": "e.y.z"}
            elif self.path.endswith("/exchange"):
                body = {"access_token": "rtk_short"}
            said = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def do_GET(self):
            self._answer()

        def do_POST(self):
            self._answer()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"
    environment = {
        **os.environ,
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{root}/id?v=1",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "permit",
    }
    command = [
        sys.executable, "governance/cli/release_gate.py", "--workload-identity", "--url", root, "--org", "acme",
        "--audience", "https://rt/o/acme", "--environment", "production", "--digest", "sha256:" + "a" * 64,
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    server.shutdown()
    server.server_close()
    assert done.returncode == 0, done.stderr
    assert heard == [
        ("/id?v=1&audience=https%3A%2F%2Frt%2Fo%2Facme", "Bearer permit"),
        ("/api/v1/orgs/acme/workload-identity/exchange", "Bearer e.y.z"),
        ("/api/v1/orgs/acme/gates/evaluate", "Bearer rtk_short"),
    ]
