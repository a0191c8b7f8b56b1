"""An organization whose pipeline posts reports and asks a gate over HTTP, with a token."""

from __future__ import annotations

import functools
import hashlib
import http.client
import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

SLUG = "bench-pipelines"
ROOT = f"/api/v1/orgs/{SLUG}"
CHECKS = [
    {"kind": kind, "name": name, "parameters": parameters, "max_age_hours": 24}
    for kind, name, parameters in (
        ("test-results", "tests", {}),
        ("coverage", "coverage", {"minimum": 80}),
        ("static-analysis", "static-analysis", {}),
        ("composition", "composition", {}),
    )
]


def digest_of(seed: str) -> str:
    return "sha256:" + hashlib.sha256(f"{SLUG} {seed}".encode()).hexdigest()


def question(seed: str) -> dict[str, str]:
    return {"environment": "production", "digest": digest_of(seed)}


@functools.cache
def token() -> str:
    """The pipeline's token; the first call founds the organization with its service and its gate."""
    from governance.actions.gates import create_gate
    from releasetrain.accounts.actions import issue_token
    from releasetrain.accounts.catalogue import Role
    from releasetrain.accounts.models import ServiceAccount
    from releasetrain.exchange.demo.cast import found
    from releasetrain.kernel.clock import now
    from releasetrain.tenancy.scope import tenant_scope
    from trains.actions.environments import create_environment
    from trains.actions.services import create_service
    from trains.actions.trains import create_train
    from trains.models import Environment

    roles = (Role.OWNER, Role.RTE, Role.RELEASE_MANAGER)
    cast = found(SLUG, "Pipelines", "UTC", [("Owner", f"owner@{SLUG}.example", roles)])
    owner = cast.one(Role.OWNER)
    with tenant_scope(cast.organization.pk, owner):
        start = now().date() - timedelta(days=7)
        train = create_train(owner, key="BEN", name="Bench", cadence_start=start)
        create_service(owner, name="ledger", train=train, tier=1)
        production = create_environment(owner, name="production", kind=Environment.Kind.PRODUCTION)
        create_gate(owner, name="Ready for production", environment=production, checks=CHECKS)
        issued: str = issue_token(owner, ServiceAccount.objects.get(), label="bench")["token"]
    return issued


@dataclass
class Pipeline:
    """One keep-alive connection, as a build agent holds it."""

    port: int

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def send(
        self, method: str, path: str, body: bytes = b"", kind: str = "application/json"
    ) -> tuple[int, Any, Any]:
        """Status, headers and JSON of one request."""
        headers = {"Host": "localhost", "Authorization": f"Bearer {token()}", "Content-Type": kind}
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {content[:500]!r}")
        return answer.status, answer.headers, json.loads(content)

    def post_reports(self, seed: str) -> None:
        """All reports that the gate wants about a build."""
        from releasetrain.exchange.demo import reports

        for name, content in (
            ("junit.xml", reports.junit("ledger", 412)),
            ("coverage.xml", reports.cobertura(862)),
            ("codescan.sarif", reports.sarif(0)),
            ("bom.cdx.json", reports.cyclonedx("ledger", seed)),
        ):
            self.post_report(seed, name, content)

    def post_report(self, seed: str, name: str, content: bytes) -> None:
        """One report about a build."""
        fields = {"digest": digest_of(seed), "service": "ledger", "version": seed}
        body, kind = _multipart(fields, name, content)
        self.send("POST", f"{ROOT}/results/post", body, kind)

    def verdict(self, seed: str) -> str:
        """Ask, wait for what is under way, and ask again until a verdict stands."""
        while True:
            asked = json.dumps(question(seed)).encode()
            status, headers, answer = self.send("POST", f"{ROOT}/gates/evaluate", asked)
            if status == 200:
                return str(answer["verdict"])
            self.send("GET", f"{headers['Location']}?wait=30")


def _multipart(fields: dict[str, str], name: str, content: bytes) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    disposition = f"--{boundary}\r\nContent-Disposition: form-data; name="
    parts = [f'{disposition}"{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
    head = f'{disposition}"file"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    parts += [head.encode(), content, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
