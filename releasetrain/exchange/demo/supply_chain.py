"""The supply chain of the demo: a licence policy, a signing builder, scans of images, a feed, and what runtimes see."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance.actions import advisories, results, supply_chain
from releasetrain.audit.rules.dsse import pae
from releasetrain.kernel.fields import Upload
from trains.actions import observations
from trains.models import Environment, Service
from trains.queries.deployments import current_versions, version_running

BUILDER = "https://ci.northwind.example/runner"
_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"northwind demo builder").digest())
_PAYLOAD = "application/vnd.in-toto+json"


def prepare(demo: Any) -> None:
    """What stands before the first build: the policy, the builder's key, and a published vulnerability."""
    supply_chain.set_licence_policy(
        demo.manager,
        name="Northwind licences",
        denied=["AGPL-3.0", "SSPL-1.0"],
        excepted=[],
    )
    pem = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    supply_chain.register_builder_key(
        demo.manager, name="northwind-ci", public_key=pem, builder="https://ci.northwind.example/"
    )
    advisories.post_advisories(demo.pipeline, file=Upload("osv.jsonl", _feed()), source="OSV")


def post_scans(demo: Any, service: str, version: str, digest: str, commit: str) -> None:
    """What the pipeline posts about a build beside its tests: secrets, the image, provenance, and the run itself."""
    run = f"https://ci.northwind.example/{service}/{version}"
    for name, content, kind in (
        ("gitleaks.json", b"[]", "secrets"),
        ("grype.json", _image(service), "container"),
        ("provenance.json", _provenance(service, version, digest, commit), "provenance"),
    ):
        results.post_result(
            demo.pipeline,
            digest=digest,
            file=Upload(name, content),
            kind=kind,
            source="northwind-ci",
            run_url=run,
        )
    observations.record_pipeline_run(
        demo.pipeline,
        service=demo.services[service],
        source="northwind-ci",
        external_id=f"{service}-{version}",
        definition=f"https://git.northwind.example/{service}/.ci/deliver.yml",
        definition_digest="sha256:" + hashlib.sha256(b"deliver.yml 7").hexdigest(),
        commit=commit,
        builder=BUILDER,
        digest=digest,
        version=version,
        outcome="succeeded",
        url=run,
    )


def observe(demo: Any) -> None:
    """What the clusters see: everything that was deployed, but one old version and one that nobody deployed."""
    running = current_versions(services=[s.pk for s in demo.services.values()])
    services = {s.pk: s for s in Service.objects.filter(pk__in=list(running))}
    production = Environment.objects.get(pk=demo.environments["production"].pk)
    seen = []
    for at, pk in enumerate(sorted(running, key=lambda pk: services[pk].name)):
        deployment = running[pk].get(production.pk)
        if deployment is None:
            continue
        version = version_running(deployment)
        if at == 1:
            version = "4.9.1-hotfix"
        if version:
            seen.append({"service": services[pk].name, "version": version, "instances": 3})
    if seen:
        observations.record_observations(
            demo.pipeline,
            environment=production,
            running=seen,
            source="cluster-eu-1",
        )


def _feed() -> bytes:
    entries = [
        {
            "id": "GHSA-9hjg-9r4m-mvj7",
            "aliases": ["CVE-2024-47081"],
            "summary": "Credentials of a .netrc file may be sent to another host",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:H/I:N/A:N"}],
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": "requests"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.32.6"}]}],
                }
            ],
        }
    ]
    return "\n".join(json.dumps(entry) for entry in entries).encode()


def _image(service: str) -> bytes:
    """Grype about the image of a service: two old packages of its base."""
    matches = [
        {
            "vulnerability": {
                "id": name,
                "severity": severity,
                "cvss": [{"vector": vector}],
                "fix": {"versions": [fixed], "state": "fixed"},
            },
            "artifact": {
                "name": package,
                "version": version,
                "type": "deb",
                "purl": f"pkg:deb/debian/{package}@{version}?arch=amd64",
                "locations": [{"path": "/var/lib/dpkg/status"}],
            },
        }
        for name, severity, vector, package, version, fixed in (
            (
                "CVE-2025-4802",
                "Medium",
                "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:H/I:H/A:N",
                "libc6",
                "2.36-9",
                "2.36-9+deb12u11",
            ),
            (
                "CVE-2025-6965",
                "Low",
                "CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:U/C:L/I:L/A:L",
                "libsqlite3-0",
                "3.40.1-2",
                "3.40.1-2+deb12u2",
            ),
        )
    ]
    target = {"type": "image", "target": {"userInput": f"registry.northwind.example/{service}"}}
    return json.dumps({"matches": matches, "source": target, "descriptor": {"name": "grype"}}).encode()


def _provenance(service: str, version: str, digest: str, commit: str) -> bytes:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": service, "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://ci.northwind.example/deliver@v7",
                "externalParameters": {
                    "workflow": {
                        "repository": f"https://git.northwind.example/{service}",
                        "path": ".ci/deliver.yml",
                    }
                },
                "resolvedDependencies": [
                    {"uri": f"git+https://git.northwind.example/{service}", "digest": {"gitCommit": commit}}
                ],
            },
            "runDetails": {"builder": {"id": BUILDER}, "metadata": {"invocationId": f"{service}-{version}"}},
        },
    }
    payload = json.dumps(statement, sort_keys=True).encode()
    signature = _KEY.sign(pae(_PAYLOAD, payload))
    return json.dumps(
        {
            "payloadType": _PAYLOAD,
            "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": "northwind-ci", "sig": base64.b64encode(signature).decode()}],
        }
    ).encode()
