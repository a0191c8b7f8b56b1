"""CI reports of the demo's builds: small, valid files of the formats that pipelines post."""

from __future__ import annotations

import json


def junit(suite: str, passed: int, failed: int = 0) -> bytes:
    """JUnit XML."""
    cases = "".join(f'<testcase classname="{suite}" name="case {n}" time="0.01"/>' for n in range(passed))
    cases += "".join(
        f'<testcase classname="{suite}" name="broken {n}" time="0.02"><failure message="expected 200, got 500"/></testcase>'
        for n in range(failed)
    )
    return f'<testsuite name="{suite}" tests="{passed + failed}" failures="{failed}" errors="0" skipped="0" time="4.2">{cases}</testsuite>'.encode()


def cobertura(covered: int, lines: int = 1000) -> bytes:
    """Cobertura coverage: `covered` of `lines` lines."""
    hits = "".join(f'<line number="{n + 1}" hits="{1 if n < covered else 0}"/>' for n in range(lines))
    return (
        f'<coverage line-rate="{covered / lines}" branch-rate="0" lines-covered="{covered}" lines-valid="{lines}" version="1" timestamp="0">'
        f'<packages><package name="app" line-rate="{covered / lines}" branch-rate="0" complexity="0"><classes>'
        f'<class name="app" filename="app.py" line-rate="{covered / lines}" branch-rate="0" complexity="0"><methods/><lines>{hits}</lines></class>'
        "</classes></package></packages></coverage>"
    ).encode()


def sarif(warnings: int = 0) -> bytes:
    """SARIF 2.1.0 with so many warnings."""
    results = [
        {
            "ruleId": "py/weak-hash",
            "level": "warning",
            "message": {"text": "A weak hash is used for an identifier."},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": f"app/ids_{n}.py"},
                        "region": {"startLine": 10 + n},
                    }
                }
            ],
        }
        for n in range(warnings)
    ]
    return json.dumps(
        {
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {"name": "codescan", "version": "3.2", "rules": [{"id": "py/weak-hash"}]}
                    },
                    "invocations": [{"executionSuccessful": True}],
                    "results": results,
                }
            ],
        }
    ).encode()


def cyclonedx(service: str, version: str, vulnerable: bool = False) -> bytes:
    """CycloneDX 1.5 bill of materials."""
    components = [
        ("django", "5.2.8", "BSD-3-Clause"),
        ("psycopg2", "2.9.11", "LGPL-3.0-or-later"),
        ("cryptography", "45.0.7", "Apache-2.0"),
        ("requests", "2.32.5", "Apache-2.0"),
        ("orjson", "3.11.4", "MIT"),
    ]
    document: dict[str, object] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": service, "name": service, "version": version}
        },
        "components": [
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{name}@{number}",
                "name": name,
                "version": number,
                "purl": f"pkg:pypi/{name}@{number}",
                "licenses": [{"license": {"id": licence}}],
            }
            for name, number, licence in components
        ],
    }
    if vulnerable:
        document["vulnerabilities"] = [
            {
                "bom-ref": "v1",
                "id": "CVE-2099-0001",
                "source": {"name": "demo"},
                "ratings": [{"severity": "medium", "score": 5.3, "method": "CVSSv31"}],
                "description": "Sample finding of the demo data.",
                "affects": [{"ref": "pkg:pypi/requests@2.32.5"}],
            }
        ]
    return json.dumps(document).encode()
