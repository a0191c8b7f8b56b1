"""A pipeline: a token, REST, and the release-gate command as a pipeline would download and call it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.governance.gateway import cyclonedx, junit, lcov, sarif

PASS, FAIL, PENDING, ERROR = 0, 1, 2, 3


@dataclass
class Answer:
    """What the server said."""

    status: int
    body: Any


@dataclass
class Pipeline:
    """Acts for one organization with the text of one token."""

    base: str
    org: str
    token: str
    folder: Path

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        request = urllib.request.Request(
            f"{self.base}/api/v1/orgs/{self.org}/{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.loads(error.read()))

    def post(self, path: str, /, **body: Any) -> Any:
        """What came of a call that has to succeed."""
        answer = self.send("POST", path, body)
        assert answer.status < 300, f"{path}: {answer}"
        return answer.body

    def upload(self, path: str, fields: dict[str, str], content: bytes) -> Any:
        """Send a file with its fields, as curl's -F does."""
        edge = "----releasetrain"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        head = (
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{fields["source"]}"\r\n\r\n'
        )
        request = urllib.request.Request(
            f"{self.base}/api/v1/orgs/{self.org}/{path}",
            data=b"".join([*parts, head.encode(), content, f"\r\n--{edge}--\r\n".encode()]),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": f"multipart/form-data; boundary={edge}",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def get(self, path: str) -> Any:
        """What an address answers that has to be there."""
        answer = self.send("GET", path)
        assert answer.status == 200, f"{path}: {answer}"
        return answer.body

    def download_command(self) -> None:
        with urllib.request.urlopen(f"{self.base}/release-gate", timeout=60) as answer:
            self.command.write_bytes(answer.read())

    @property
    def command(self) -> Path:
        return self.folder / "release-gate"

    def reports(self, *, good: bool) -> list[Path]:
        """Unit tests, coverage, static analysis and composition of one build."""
        name = "good" if good else "bad"
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        contents = {
            "junit.xml": junit(12) if good else junit(9, failed=2),
            "lcov.info": lcov(91, 100) if good else lcov(55, 100),
            "bandit.sarif": sarif() if good else sarif(("B105", "error")),
            "bom.json": cyclonedx() if good else cyclonedx({"id": "CVE-2026-1", "severity": "critical"}),
        }
        for file, content in contents.items():
            (folder / file).write_bytes(content)
        return [folder / file for file in contents]

    def gate(
        self, *arguments: str | Path, wait: int = 60, token: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run release-gate as a pipeline step."""
        return subprocess.run(
            [sys.executable, self.command, "--environment", "production", "--wait", str(wait), *arguments],
            env={
                "RELEASETRAIN_URL": self.base,
                "RELEASETRAIN_ORG": self.org,
                "RELEASETRAIN_TOKEN": token or self.token,
            },
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
