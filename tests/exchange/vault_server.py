"""A process that speaks Vault's API for the KV engine, version 2: metadata by token, as Vault documents it.

    python vault_server.py STATE.json

STATE holds the token, the secrets' metadata by mount/path, and is where each request is noted. Prints its port.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

STATE = Path(sys.argv[1])


class Vault(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        state = json.loads(STATE.read_text())
        with STATE.with_suffix(".log").open("a") as log:
            log.write(f"{self.command} {self.path}\n")
        if self.headers.get("X-Vault-Request") != "true":
            return self.answer(412, {"errors": ["required request header missing"]})
        if self.headers.get("X-Vault-Token") != state["token"]:
            return self.answer(403, {"errors": ["permission denied"]})
        if state.get("redirect"):
            self.send_response(302)
            self.send_header("Location", state["redirect"])
            self.end_headers()
            return None
        if state.get("raw") is not None:
            return self.body(200, state["raw"].encode())
        _, version, mount, kind, *rest = self.path.split("/")
        if version != "v1" or kind not in ("metadata", "data"):
            return self.answer(404, {"errors": ["no handler for route"]})
        found = state["secrets"].get("/".join([mount, *rest]))
        if kind == "data" or found is None:
            return self.answer(404 if found is None else 200, {"errors": []})
        return self.answer(200, {"request_id": "1", "lease_id": "", "renewable": False, "data": found})

    def answer(self, status: int, said: dict[str, object]) -> None:
        self.body(status, json.dumps(said).encode())

    def body(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Vault)
    print(server.server_port, flush=True)
    server.serve_forever()
