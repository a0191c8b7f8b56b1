"""Providers to sign in with: Canaille as a process of its own, and a small issuer that serves what no good provider would."""

from __future__ import annotations

import base64
import hmac
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urljoin

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from releasetrain.embedded.addresses import free_port
from releasetrain.embedded.fingerprint import ROOT
from tests.testbed import provider as canaille


class Provider:
    """The running provider: its issuer, and the way of a person through its pages."""

    client_id, client_secret, password = canaille.CLIENT_ID, canaille.CLIENT_SECRET, canaille.PASSWORD

    def __init__(self, port: int, process: subprocess.Popen[str]):
        self.issuer, self._process = f"http://localhost:{port}", process

    def put(self, group: str, *people: str) -> None:
        """Say who is in the group from now on."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{group}: {','.join(people)}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline().strip() == "done"

    def sign_in(self, address: str, person: str, *, until: str) -> str:
        """Go to the provider as a browser would, sign in there, and return the address it sends the person back to."""
        filled = {"login": person, "password": self.password}
        with httpx.Client(follow_redirects=False, timeout=20, trust_env=False) as browser:
            answer = browser.get(address)
            for _ in range(12):
                if answer.is_redirect:
                    target = urljoin(str(answer.url), answer.headers["Location"])
                    if target.startswith(until):
                        return target
                    answer = browser.get(target)
                    continue
                hidden = dict(re.findall(r'name="(csrf_token)"[^>]*value="([^"]+)"', answer.text))
                fields = {n: v for n, v in filled.items() if f'name="{n}"' in answer.text}
                assert fields, answer.text[:3000]
                answer = browser.post(str(answer.url), data={**hidden, **fields})
        raise AssertionError("The provider never sent the person back.")


@contextmanager
def running(*redirects: str) -> Iterator[Provider]:
    """Canaille with its people and groups, until the end of the block."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.testbed.provider", str(port), *redirects],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        deadline = time.monotonic() + 40
        while True:
            try:
                httpx.get(
                    f"http://localhost:{port}/.well-known/openid-configuration", trust_env=False
                ).raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None and time.monotonic() < deadline, "The provider did not start."
                time.sleep(0.1)
        yield Provider(port, process)
    finally:
        process.kill()
        process.communicate()


class Issuer:
    """An issuer whose token endpoint answers whatever the test puts there."""

    client_id = "release-train"

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "first"}, private=True)
        self.other = RSAKey.generate_key(2048, {"kid": "first"}, private=True)
        self.published = [self.key]
        self.id_token = ""
        self.codes: set[str] = set()
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if self.path == "/.well-known/openid-configuration":
                    names = {
                        "authorization_endpoint": "authorize",
                        "token_endpoint": "token",
                        "jwks_uri": "keys",
                    }
                    return self._say(
                        {"issuer": outer.url, **{n: f"{outer.url}/{p}" for n, p in names.items()}}
                    )
                return self._say({"keys": [k.as_dict(private=False) for k in outer.published]})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                code = re.search(r"(?:^|&)code=([^&]+)", body)
                outer.asked.append(body)
                if code is None or code[1] in outer.codes or "code_verifier=" not in body:
                    return self._say({"error": "invalid_grant"}, 400)
                outer.codes.add(code[1])
                return self._say({"id_token": outer.id_token, "access_token": "x", "token_type": "Bearer"})

            def _say(self, said: dict[str, Any], status: int = 200) -> None:
                text = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def claims(self, said_nonce: str, **other: Any) -> dict[str, Any]:
        moment = int(time.time())
        good = {
            "iss": self.url,
            "sub": "ada-1",
            "aud": self.client_id,
            "exp": moment + 300,
            "iat": moment,
            "nonce": said_nonce,
            "email": "ada@northwind.example",
            "email_verified": True,
            "groups": ["cab"],
        }
        return {name: value for name, value in {**good, **other}.items() if value is not None}

    def signed(self, claims: dict[str, Any], key: Any = None, header: dict[str, Any] | None = None) -> str:
        head = {"alg": "RS256", "kid": "first", **(header or {})}
        return jwt.encode(head, claims, key or self.key, algorithms=[head["alg"]])

    def signed_with_the_public_key(self, claims: dict[str, Any]) -> str:
        """HS256 with the public key misused as a secret; by hand, because the library refuses to."""
        head = _part({"alg": "HS256", "kid": "first"}) + "." + _part(claims)
        made = hmac.digest(self.key.as_pem(private=False), head.encode(), "sha256")
        return f"{head}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
