"""Verbs of results: a pipeline posts a report about an artifact."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from governance import files
from governance.advisories import known_about
from governance.gates import invalidate
from governance.models import BuilderKey, Component, Result, ResultKind
from governance.queries.results import standing_results
from governance.rules import isolation
from governance.rules.intake.errors import LIMITS, ReportError
from governance.rules.intake.provenance import TrustedKey, read_provenance
from governance.rules.reading import Reading, provenance_reading
from governance.scanning import insert_facts, record_findings
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field, Upload
from releasetrain.kernel.refusals import refuse
from trains.actions.artifacts import register_artifact
from trains.models import Artifact, Service

LARGEST = max(LIMITS.values())
SCANS = {
    ResultKind.STATIC_ANALYSIS,
    ResultKind.COMPOSITION,
    ResultKind.SECRETS,
    ResultKind.CONTAINER,
    ResultKind.DYNAMIC,
}


@action("result.post", creates=Result, requires="results.post", within="service", label="Post a report")
def post_result(
    actor: Actor,
    *,
    digest: Annotated[
        str, Field("Artifact digest", help="sha256: and 64 hexadecimal digits.", max_length=71)
    ],
    file: Annotated[
        Upload,
        Field(
            "Report",
            help="JUnit, xUnit, NUnit, TRX; Cobertura, JaCoCo, LCOV, Clover, OpenCover, Go; SARIF 2.1.0;"
            " CycloneDX 1.4 to 1.6, SPDX 2.2 and 2.3, OpenVEX; Trivy, Grype, Snyk, Semgrep, ZAP, Gitleaks, TruffleHog"
            " and others, or findings as CSV or JSON; k6, JMeter; SLSA provenance.",
            max=LARGEST,
        ),
    ],
    kind: Annotated[
        ResultKind | None,
        Field("Kind", help="Empty: recognised by the content. Of a scan you may say what it is a scan for."),
    ] = None,
    source: Annotated[
        str,
        Field(
            "Source",
            help="Names one of several reports of a kind. A later report of the same source replaces it.",
            max_length=120,
        ),
    ] = "",
    run_url: Annotated[
        str, Field("Pipeline run", help="Address of the run that made it.", max_length=500)
    ] = "",
    service: Annotated[
        Service | None, Field("Service", help="With it an unknown artifact is registered.")
    ] = None,
    version: Annotated[str, Field("Version", max_length=120)] = "",
    commit: Annotated[str, Field("Commit", max_length=64)] = "",
) -> Result:
    """Post a report about an artifact. Posting the standing report again changes nothing."""
    if run_url and not run_url.startswith(("https://", "http://")):
        refuse("result.run_url", "The address of the run begins with https://.", field="run_url")
    standing_already = _standing(actor, digest, file, kind, source, service, version)
    if standing_already is not None:
        return standing_already
    reading = _read(file.content, kind)
    if reading.kind == ResultKind.PROVENANCE:
        reading = _verified(file.content, digest)
    content = reading.redacted if reading.redacted is not None else file.content
    artifact = _artifact(actor, digest, service, version, commit)
    # One at a time per service: findings are shared by all its builds.
    Service.objects.select_for_update(no_key=True).get(pk=artifact.service_id)
    stream = source or (file.name if reading.kind in (ResultKind.TESTS, ResultKind.COVERAGE) else "")
    tool = ", ".join(reading.tools)[:120]
    content_digest = files.digest_of(content)
    for standing in standing_results([artifact], reading.kind)[artifact.pk]:
        if (standing.digest, standing.tool, standing.stream) == (content_digest, tool, stream):
            files.restore(standing.file, content)
            return standing
    result = Result.objects.create(
        artifact=artifact,
        kind=reading.kind,
        format=reading.format[:40],
        tool=tool,
        stream=stream[:150],
        name=file.name[:150],
        summary=reading.summary,
        file=files.keep(content, name=file.name, media_type=_media_type(content)),
        source=source,
        run_url=run_url,
        reported_by=actor.user_id,
        digest=content_digest,
    )
    insert_facts(
        Component(
            result=result, purl=c.purl, name=c.name, version=c.version, licence=c.licence, package=c.package
        )
        for c in reading.components
    )
    if reading.kind in SCANS:
        told = {finding.fingerprint for finding in reading.findings}
        known = [f for f in known_about(reading.components) if f.fingerprint not in told]
        record_findings(result, [*reading.findings, *known])
        invalidate(artifact=artifact, service=artifact.service_id)
    else:
        invalidate(artifact=artifact)
    return result


def _standing(
    actor: Actor,
    digest: str,
    file: Upload,
    kind: ResultKind | None,
    source: str,
    service: Service | None,
    version: str,
) -> Result | None:
    """The result that these very bytes have made and nothing has replaced: then there is nothing to read."""
    known = Artifact.objects.select_related("service").filter(digest=digest).first()
    if (
        known is None
        or (service and known.service_id != service.pk)
        or (version and known.version != version)
    ):
        return None
    content_digest = files.digest_of(file.content)
    same = (
        Result.objects.filter(artifact=known, digest=content_digest).order_by("-reported_at", "-id").first()
    )
    if same is None or (kind and same.kind != kind) or not actor.may("results.post", known):
        return None
    named = same.kind in (ResultKind.TESTS, ResultKind.COVERAGE)
    if same.kind == ResultKind.PROVENANCE or same.stream != (source or (file.name if named else ""))[:150]:
        return None  # who is trusted may have changed since, or it is another stream's report
    if same.pk not in {r.pk for r in standing_results([known], same.kind)[known.pk]}:
        return None
    files.restore(same.file, file.content)
    return same


def _read(content: bytes, kind: ResultKind | None) -> Reading:
    """The report as read; a hostile or broken one is refused before anything is stored."""
    try:
        reading = isolation.read(content, str(kind or ""))
    except ReportError as error:
        refuse(
            f"report.{error.code}",
            str(error),
            remedy="Post the report as the tool wrote it; nothing of this one was stored.",
            field="file",
        )
    except isolation.Busy:
        refuse(
            "report.busy",
            "Too many large reports are being read at this moment; nothing of this one was stored.",
            remedy="Post it again in a minute.",
            status=503,
        )
    if kind and reading.kind != kind:
        # Some tools' formats serve several purposes, and only the sender knows which.
        if not (kind in SCANS and reading.kind in SCANS):
            refuse("report.other_kind", f"This is a report of kind {reading.kind}, not {kind}.", field="kind")
        reading = replace(reading, kind=str(kind))
    return reading


def _verified(content: bytes, digest: str) -> Reading:
    """Provenance, with the trusted keys that really signed it. It must be about this artifact."""
    keys = [
        TrustedKey(key.fingerprint, key.public_key, key.builder)
        for key in BuilderKey.objects.filter(retired_at__isnull=True).order_by("name")
    ]
    found = read_provenance(content, keys)
    if digest not in found.subjects:
        refuse(
            "provenance.other_subject",
            f"The statement is about {found.subjects[0]}, not about this artifact.",
            remedy="Post the statement that names the artifact's digest among its subjects.",
            field="file",
        )
    return provenance_reading(found)


def _artifact(actor: Actor, digest: str, service: Service | None, version: str, commit: str) -> Artifact:
    if service is not None:
        artifact: Artifact = register_artifact(
            actor, service=service, digest=digest, version=version, commit=commit
        )
        return artifact
    known = Artifact.objects.select_related("service").filter(digest=digest).first()
    if known is None:
        refuse(
            "artifact.unknown",
            "No artifact with this digest is registered.",
            remedy="Give the service and version with the result, or register the artifact first.",
            field="digest",
        )
    if not actor.may("results.post", known):
        refuse("permission.missing", f"You need the permission results.post on {known.service}.", status=403)
    return known


def _media_type(content: bytes) -> str:
    """By what it was read as, never by what the sender called it."""
    start = content[:64].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1]
    return {b"<": "application/xml", b"{": "application/json", b"[": "application/json"}.get(
        start, "text/plain"
    )
