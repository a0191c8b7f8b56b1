"""Talking to a forge: one state of one commit, by as many requests as its API wants. Never raises for what lies outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import jwt
import orjson

from releasetrain.exchange import outgoing
from releasetrain.exchange.outgoing import Answer
from releasetrain.exchange.rules import forges
from releasetrain.exchange.rules.forges import Post
from releasetrain.kernel.clock import now

_LISTED = 1_000_000
_AGENT = "Release-Train/1"


@dataclass(frozen=True)
class Credential:
    """What proves us: a token, or a GitHub App's private key that tokens of an hour are asked for with."""

    secret: str
    app: str = ""
    installation: str = ""


class Refusing(Exception):
    """The forge gave no answer that could be used."""

    def __init__(self, answer: Answer):
        super().__init__(answer.error or str(answer.status))
        self.answer = answer


def token_of(form: str, url: str, credential: Credential) -> str:
    """The token to post with; raises `Refusing` where the forge gives none."""
    if not credential.secret:
        raise Refusing(Answer(error="The credential cannot be read any more. Give it again."))
    if not credential.app:
        return credential.secret
    moment = now()
    claims = {
        "iat": int((moment - timedelta(seconds=60)).timestamp()),
        "exp": int((moment + timedelta(minutes=9)).timestamp()),
        "iss": credential.app,
    }
    try:
        proof = jwt.encode(claims, credential.secret, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise Refusing(Answer(error="The App's private key cannot be used. Give it again.")) from error
    where = f"{url}/app/installations/{credential.installation}/access_tokens"
    answer = outgoing.call("POST", where, b"", _headers(form, proof), _LISTED)
    said = _read(answer)
    token = said.get("token") if isinstance(said, dict) else None
    if not answer.accepted or not isinstance(token, str):
        # What was answered may hold a token: only the status goes on the log.
        raise Refusing(
            replace(
                answer,
                text="",
                error=answer.error or "The forge gives this App no token for its installation.",
            )
        )
    return token


def post(wanted: Post, token: str) -> Answer:
    """Bring the commit into this state."""
    headers = _headers(wanted.form, token)
    try:
        if wanted.form == forges.GITHUB_STATUS:
            return _send("POST", *forges.github_status(wanted), headers)
        if wanted.form == forges.GITHUB_CHECK:
            return _check_run(wanted, headers)
        if wanted.form == forges.GITLAB_STATUS:
            answer = _send("POST", *forges.gitlab_status(wanted), headers)
            return (
                replace(answer, status=200) if forges.says_so_already(answer.status, answer.text) else answer
            )
        return _external_check(wanted, headers)
    except Refusing as refusing:
        return refusing.answer


def _check_run(wanted: Post, headers: dict[str, str]) -> Answer:
    """The evaluation's own run is brought up to date; a repeated post makes no second one."""
    where, listed = forges.check_runs(wanted)
    body = forges.github_check(wanted)
    own = forges.own_check_run(_listed(listed, headers), wanted.identity)
    if own is None:
        return _send("POST", where, {**body, "head_sha": wanted.commit}, headers)
    return _send("PATCH", f"{where}/{own}", body, headers)


def _external_check(wanted: Post, headers: dict[str, str]) -> Answer:
    """Every open merge request at the commit is answered; the first that does not take it is the answer."""
    requests = forges.open_at(_listed(forges.merge_requests(wanted), headers), wanted.commit)
    if not requests:
        return Answer(error="No open merge request has this commit as its head.")
    answer = Answer()
    for iid in requests:
        check = forges.check_named(_listed(forges.status_checks(wanted, iid), headers), wanted.context)
        if check is None:
            return Answer(error=f"Merge request {iid} has no external status check named {wanted.context}.")
        answer = _send("POST", *forges.gitlab_check(wanted, iid, check), headers)
        if not answer.accepted:
            return answer
    return answer


def _send(method: str, url: str, body: dict[str, Any], headers: dict[str, str]) -> Answer:
    return outgoing.call(method, url, orjson.dumps(body), headers, outgoing.SHORT, cut=True)


def _listed(url: str, headers: dict[str, str]) -> Any:
    answer = outgoing.call("GET", url, None, headers, _LISTED)
    if not answer.accepted:
        raise Refusing(answer)
    said = _read(answer)
    if said is None:
        raise Refusing(replace(answer, status=0, error="The forge answers with no JSON."))
    return said


def _read(answer: Answer) -> Any:
    try:
        return orjson.loads(answer.text) if answer.accepted else None
    except orjson.JSONDecodeError:
        return None


def _headers(form: str, token: str) -> dict[str, str]:
    common = {"Content-Type": "application/json", "User-Agent": _AGENT}
    if forges.is_github(form):
        return common | {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
    return common | {"Accept": "application/json", "PRIVATE-TOKEN": token}
