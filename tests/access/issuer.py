"""A CI system's identity provider: a process of its own that serves discovery and keys, and signs tokens."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
import warnings
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "http://localhost:8000/o/northwind"


class Issuer:
    """Keys can be added and taken away; the process can be stopped and started again on its port."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.keys: dict[str, Any] = {}
        self.published: dict[str, Any] = {}
        (folder / ".well-known").mkdir(parents=True)
        self.port = 0
        self.start()
        self.url = f"http://127.0.0.1:{self.port}"
        self.add_key("one")
        (folder / ".well-known/openid-configuration").write_text(
            json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})
        )

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-u",
                "-m",
                "http.server",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "-d",
                str(self.folder),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        said = self.process.stdout.readline()
        self.port = int(re.search(r"port (\d+)", said)[1])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(5)
        self.process.stdout.close()

    def add_key(
        self, name: str, kind: str = "RSA", bits: int = 2048, *, publish: bool = True, **more: Any
    ) -> None:
        if kind == "RSA":
            key: Any = rsa.generate_private_key(public_exponent=65537, key_size=bits)
            published = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        else:
            key = ec.generate_private_key(ec.SECP256R1())
            published = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
        self.keys[name] = key
        if publish:
            self.published[name] = {**published, "kid": name, "use": "sig", **more}
        self.write()

    def drop_key(self, name: str) -> None:
        del self.published[name]
        self.write()

    def write(self) -> None:
        (self.folder / "keys").write_text(json.dumps({"keys": list(self.published.values())}))

    def claims(self, **other: Any) -> dict[str, Any]:
        """What GitHub says of a push to main; None takes a claim away."""
        moment = int(time.time())
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "repo:acme/ledger:ref:refs/heads/main",
            "iat": moment,
            "nbf": moment - 5,
            "exp": moment + 300,
            "jti": str(uuid.uuid4()),
            "repository": "acme/ledger",
            "repository_id": "4711",
            "repository_owner": "acme",
            "ref": "refs/heads/main",
            "event_name": "push",
            "environment": "production",
            "job_workflow_ref": "acme/ledger/.github/workflows/deploy.yml@refs/heads/main",
        }
        return {name: value for name, value in (said | other).items() if value is not None}

    def token(
        self, key: str = "one", algorithm: str = "RS256", headers: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        head = {"kid": key, **(headers or {})}
        with warnings.catch_warnings():
            # Short keys are what some of the tests are about.
            warnings.simplefilter("ignore", jwt.warnings.InsecureKeyLengthWarning)
            return jwt.encode(
                self.claims(**claims), self.keys[key], algorithm, headers={k: v for k, v in head.items() if v}
            )
