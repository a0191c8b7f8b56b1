"""Logs are JSON with the request's id, and whatever is planted in them, no secret comes out."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from releasetrain.kernel import logs

PLANTED = {
    "our token": "rtk_0123456789ab_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef12345678",
    "webhook secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "GitHub token": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "GitLab token": "glpat-abcdefghij0123456789",
    "Vault token": "hvs.CAESIJlWh1abcdefghijk",
    "identity token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvOmFjbWUifQ.c2lnbmF0dXJl",
    "password of the database": "correct-horse-battery",
    "secret key": "a-secret-key-of-this-installation",
}
SENTENCES = [
    "asked with {}",
    "Authorization: Bearer {}",
    "{{'Authorization': 'Bearer {}', 'Accept': '*/*'}}",
    '{{"password": "{}", "name": "x"}}',
    "login password={}&next=/",
    "connecting to postgresql://releasetrain_app:{}@db/releasetrain",
    "X-Api-Key: {}",
    "Cookie: session={}; theme=dark",
]


def formatted(formatter: logging.Formatter, message: str, *arguments: Any, **extra: Any) -> str:
    record = logging.getLogger("test").makeRecord(
        "test", logging.ERROR, __file__, 1, message, arguments, extra.pop("exc_info", None), extra=extra
    )
    return formatter.format(record)


@pytest.mark.parametrize("kind", [logs.JSONFormatter, logs.LineFormatter])
@pytest.mark.parametrize("what", PLANTED)
def test_no_planted_secret_comes_out(kind: Any, what: str) -> None:
    known = logs.secrets_in(
        "postgresql://app:correct-horse-battery@db/x", "a-secret-key-of-this-installation"
    )
    formatter, secret = kind(known=known), PLANTED[what]
    for sentence in SENTENCES:
        text = sentence.format(secret)
        try:
            raise ValueError(text)
        except ValueError as error:
            trace = (type(error), error, error.__traceback__)
        for said in (
            formatted(formatter, text.replace("%", "%%")),
            formatted(formatter, "%s", text),
            formatted(formatter, "told", detail=text),
            formatted(formatter, "failed", exc_info=trace),
        ):
            assert secret not in said, sentence
    assert logs.HIDDEN in formatted(formatter, f"Bearer {secret}")


def test_what_a_log_is_read_for_stays() -> None:
    said = json.loads(
        formatted(
            logs.JSONFormatter(), "POST %s %d", "api/v1/orgs/<slug:org>/gates/evaluate", 202, milliseconds=4.2
        )
    )
    assert said["message"] == "POST api/v1/orgs/<slug:org>/gates/evaluate 202"
    assert (said["level"], said["logger"], said["milliseconds"]) == ("error", "test", 4.2)
    for kept in (
        "CHG-142 was approved",
        "https://releases.example/o/northwind/?next=/x",
        "secretary: none",
        "tokens: 3",
    ):
        assert logs.without_secrets(kept) == kept


@pytest.mark.django_db
def test_lines_of_a_request_carry_its_id_and_never_its_address(api: Any, caplog: Any, redis_url: str) -> None:
    with caplog.at_level(logging.INFO, "releasetrain.requests"):
        api("rte").get(
            "/api/v1/orgs/northwind/releases?q=wholly-private", headers={"X-Request-ID": "build-4711"}
        )
    (record,) = [each for each in caplog.records if each.name == "releasetrain.requests"]
    assert (record.status, record.route.endswith("releases")) == (200, True)
    assert "wholly-private" not in json.dumps(vars(record), default=str).replace(
        str(vars(record).get("request")), ""
    )
    token = logs.request_id.set("build-4711")
    try:
        assert json.loads(formatted(logs.JSONFormatter(), "x"))["request_id"] == "build-4711"
    finally:
        logs.request_id.reset(token)
