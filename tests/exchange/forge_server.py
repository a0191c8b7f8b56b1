"""A forge on this machine: GitHub's and GitLab's endpoints for statuses, strict about what they are sent.

The bodies' shapes are those of the published OpenAPI descriptions of both APIs; states behave as documented: a check run is
found by name and commit, and GitLab refuses a state that the commit has already.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from jsonschema import Draft202012Validator

TOKEN = "ghs_0123456789abcdef"
_TEXT = {"type": "string"}
SHAPES: dict[str, dict[str, Any]] = {
    "github status": {
        "required": ["state"],
        "properties": {
            "state": {"enum": ["error", "failure", "pending", "success"]},
            "target_url": {**_TEXT, "pattern": "^https?://"},
            "description": {**_TEXT, "maxLength": 140},
            "context": {**_TEXT, "maxLength": 255},
        },
        "additionalProperties": False,
    },
    "github check": {
        "required": ["name", "head_sha"],
        "properties": {
            "name": _TEXT,
            "head_sha": {**_TEXT, "pattern": "^[0-9a-f]{40}$"},
            "details_url": _TEXT,
            "external_id": _TEXT,
            "status": {"enum": ["queued", "in_progress", "completed"]},
            "conclusion": {
                "enum": [
                    "action_required",
                    "cancelled",
                    "failure",
                    "neutral",
                    "success",
                    "skipped",
                    "timed_out",
                ]
            },
            "output": {
                "required": ["title", "summary"],
                "properties": {"title": _TEXT, "summary": {**_TEXT, "maxLength": 65535}},
            },
        },
        "additionalProperties": False,
        "if": {"properties": {"status": {"const": "completed"}}},
        "then": {"required": ["conclusion"]},
        "else": {"not": {"required": ["conclusion"]}},
    },
    "gitlab status": {
        "required": ["state"],
        "properties": {
            "state": {"enum": ["pending", "running", "success", "failed", "canceled", "skipped"]},
            "name": {**_TEXT, "maxLength": 255},
            "target_url": {**_TEXT, "maxLength": 255},
            "description": {**_TEXT, "maxLength": 255},
        },
        "additionalProperties": False,
    },
    "gitlab check": {
        "required": ["sha", "external_status_check_id", "status"],
        "properties": {
            "sha": _TEXT,
            "external_status_check_id": {"type": "integer"},
            "status": {"enum": ["pending", "passed", "failed"]},
        },
        "additionalProperties": False,
    },
}


class Forge:
    """Keeps what commits show; `down` answers every post with that status instead."""

    def __init__(self) -> None:
        self.shown: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.posts: list[tuple[str, str, dict[str, Any]]] = []
        self.runs: list[dict[str, Any]] = []
        self.merge_requests: list[dict[str, Any]] = []
        self.checks: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.down = 0
        self.app_key = ""
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                body = json.loads(raw) if raw else {}
                status, said = forge.answer(self.command, self.path, dict(self.headers.items()), body)
                text = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self) -> None:
                self._do()

            def do_POST(self) -> None:
                self._do()

            def do_PATCH(self) -> None:
                self._do()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any]
    ) -> tuple[int, Any]:
        parts = urlsplit(path)
        if found := re.fullmatch(r"/app/installations/(\d+)/access_tokens", parts.path):
            return self._app_token(headers, found[1])
        given = headers.get("PRIVATE-TOKEN") or headers.get("Authorization", "").removeprefix("Bearer ")
        if given != TOKEN:
            return 401, {"message": "Bad credentials"}
        if self.down and method != "GET":
            return self.down, {"message": "away"}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for pattern, verb, handle in (
            (r"/repos/([^/]+/[^/]+)/statuses/(\w{40})", "POST", self._github_status),
            (r"/repos/([^/]+/[^/]+)/commits/(\w{40})/check-runs", "GET", self._runs_at),
            (r"/repos/([^/]+/[^/]+)/check-runs", "POST", self._new_run),
            (r"/repos/([^/]+/[^/]+)/check-runs/(\d+)", "PATCH", self._changed_run),
            (r"/projects/([^/]+)/statuses/(\w{40})", "POST", self._gitlab_status),
            (r"/projects/([^/]+)/repository/commits/(\w{40})/merge_requests", "GET", self._requests_at),
            (r"/projects/([^/]+)/merge_requests/(\d+)/status_checks", "GET", self._checks_of),
            (r"/projects/([^/]+)/merge_requests/(\d+)/status_check_responses", "POST", self._gitlab_check),
        ):
            found = re.fullmatch(pattern, parts.path)
            if found and verb == method:
                answer: tuple[int, Any] = handle([unquote(g) for g in found.groups()], query, body)
                return answer
        return 404, {"message": f"{method} {parts.path}"}

    def _checked(self, shape: str, body: dict[str, Any]) -> bool:
        faults = [error.message for error in Draft202012Validator(SHAPES[shape]).iter_errors(body)]
        self.faults += faults
        return not faults

    def _github_status(self, named: list[str], _: Any, body: dict[str, Any]) -> tuple[int, Any]:
        if not self._checked("github status", body):
            return 422, {"message": "Validation Failed"}
        self.posts.append((named[0], named[1], body))
        self.shown[(named[0], named[1], body["context"])] = body
        return 201, {"id": len(self.posts), **body}

    def _runs_at(self, named: list[str], query: dict[str, str], _: Any) -> tuple[int, Any]:
        rows = [r for r in self.runs if r["head_sha"] == named[1] and r["name"] == query["check_name"]]
        return 200, {"total_count": len(rows), "check_runs": rows}

    def _new_run(self, named: list[str], _: Any, body: dict[str, Any]) -> tuple[int, Any]:
        if not self._checked("github check", body):
            return 422, {"message": "Validation Failed"}
        self.runs.insert(0, {"id": len(self.runs) + 1, **body})
        return 201, self.runs[0]

    def _changed_run(self, named: list[str], _: Any, body: dict[str, Any]) -> tuple[int, Any]:
        run = next(r for r in self.runs if r["id"] == int(named[1]))
        if not self._checked("github check", {**body, "head_sha": run["head_sha"]}):
            return 422, {"message": "Validation Failed"}
        run.update(body)
        return 200, run

    def _gitlab_status(self, named: list[str], _: Any, body: dict[str, Any]) -> tuple[int, Any]:
        if not self._checked("gitlab status", body):
            return 400, {"message": "invalid"}
        place = (named[0], named[1], body["name"])
        before = self.shown.get(place, {}).get("state")
        if body["state"] == before == "pending":
            return 400, {"message": "Cannot transition status via :enqueue from :pending"}
        self.posts.append((named[0], named[1], body))
        self.shown[place] = body
        return 201, body

    def _requests_at(self, named: list[str], *_: Any) -> tuple[int, Any]:
        return 200, self.merge_requests

    def _checks_of(self, named: list[str], *_: Any) -> tuple[int, Any]:
        return 200, self.checks

    def _gitlab_check(self, named: list[str], _: Any, body: dict[str, Any]) -> tuple[int, Any]:
        if not self._checked("gitlab check", body):
            return 400, {"message": "invalid"}
        request = next((r for r in self.merge_requests if r["iid"] == int(named[1])), None)
        if request is None or request["sha"] != body["sha"]:
            return 409, {"message": "SHA does not match HEAD of source branch"}
        self.posts.append((named[0], named[1], body))
        return 201, {"id": 1}

    def _app_token(self, headers: dict[str, str], installation: str) -> tuple[int, Any]:
        import jwt

        try:
            said = jwt.decode(
                headers.get("Authorization", "").removeprefix("Bearer "), self.app_key, algorithms=["RS256"]
            )
        except jwt.PyJWTError:
            return 401, {"message": "A JSON web token could not be decoded"}
        if said["exp"] - said["iat"] > 660 or (said["iss"], installation) != ("Iv1abc", "4711"):
            return 401, {"message": "refused"}
        return 201, {"token": TOKEN, "expires_at": "2030-01-01T00:00:00Z"}
