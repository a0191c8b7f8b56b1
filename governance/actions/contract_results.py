"""Verbs by which pipelines post contracts and the results of verifying them."""

from __future__ import annotations

from typing import Annotated

from governance import files
from governance.rules.intake.errors import ReportError
from governance.rules.intake.pact import LARGEST, PactVerification, read_contract, read_verification
from governance.rules.intake.tests import read_tests
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.clock import now
from releasetrain.kernel.fields import Field, Upload
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Contract, ContractVerification, ContractVersion, Service

_MOST = 20 << 20
Source = Annotated[str, Field("Source", max_length=80)]


@action(
    "contract_version.publish",
    creates=ContractVersion,
    requires="results.post",
    within="consumer",
    label="Publish a contract",
)
def publish_contract(
    actor: Actor,
    *,
    consumer_version: Annotated[str, Field("Version of the consumer", max_length=120)],
    file: Annotated[
        Upload,
        Field(
            "Contract", help="A Pact file, or the OpenAPI or AsyncAPI part relied on, as JSON.", max=LARGEST
        ),
    ],
    consumer: Annotated[Service | None, Field("Consumer", help="Empty: as the Pact file names it.")] = None,
    provider: Annotated[Service | None, Field("Provider", help="Empty: as the Pact file names it.")] = None,
    name: Annotated[str, Field("API, topic or queue", max_length=120)] = "API",
    source: Source = "",
) -> ContractVersion:
    """Publish what a version of a consumer expects of a provider. The same again changes nothing."""
    try:
        found = read_contract(file.content)
    except ReportError as error:
        refuse(f"report.{error.code}", str(error), remedy="Post the file as the tool wrote it.", field="file")
    if not consumer_version.strip():
        refuse("contract.version", "Name the version of the consumer.", field="consumer_version")
    consumer = consumer or _service(found.consumer, "consumer")
    provider = provider or _service(found.provider, "provider")
    if not actor.may("results.post", consumer):
        refuse("permission.missing", f"You need the permission results.post on {consumer}.", status=403)
    if consumer.pk == provider.pk:
        refuse("contract.same", "A service has no contract with itself.", field="provider")
    contract, _ = Contract.objects.get_or_create(
        consumer=consumer, provider=provider, name=name.strip() or "API", defaults={"kind": found.kind}
    )
    known = contract.versions.filter(consumer_version=consumer_version).first()
    if known and known.content_digest == found.digest:
        return known
    if known:
        refuse(
            "contract.version_changed",
            f"{consumer} {consumer_version} has published another contract with {provider}.",
            remedy="A version's contract never changes: publish it under a new version.",
            blocked_by=Ref.of(known),
            field="consumer_version",
            status=409,
        )
    return ContractVersion.objects.create(
        contract=contract,
        consumer_version=consumer_version,
        content_digest=found.digest,
        expectations=found.expectations,
        format=found.format,
        document=found.document,
        source=source,
        published_at=now(),
    )


def _service(name: str, side: str) -> Service:
    if not name:
        refuse(
            "contract.unnamed",
            f"The file names no {side}.",
            remedy=f"Say which service is the {side}.",
            field=side,
        )
    service = Service.objects.filter(name=name).first()
    if service is None:
        refuse(
            "service.unknown",
            f"There is no service {name}, which the file names as {side}.",
            remedy=f"Register the service, or say which service is the {side}.",
            field=side,
        )
    assert service is not None
    return service


@action(
    "contract_verification.post",
    creates=ContractVerification,
    requires="results.post",
    within="contract",
    label="Post a verification",
)
def post_verification(
    actor: Actor,
    *,
    contract: Contract,
    file: Annotated[Upload, Field("Result", help="Pact verification as JSON, or JUnit as XML.", max=_MOST)],
    consumer_version: Annotated[
        str, Field("Version of the consumer", help="Whose published contract was verified.", max_length=120)
    ],
    provider_version: Annotated[
        str, Field("Version of the provider", help="Empty: as the result names it.", max_length=120)
    ] = "",
    source: Source = "",
    run_url: Annotated[str, Field("Pipeline run", max_length=500)] = "",
) -> ContractVerification:
    """Post the result of verifying a provider's version against a published contract; the latest one counts."""
    if run_url and not run_url.startswith(("https://", "http://")):
        refuse("result.run_url", "The address of the run begins with https://.", field="run_url")
    found = _read(file.content)
    tested = provider_version.strip() or found.provider_version
    if not tested:
        refuse("contract.provider_version", "Name the version of the provider.", field="provider_version")
    if provider_version.strip() and found.provider_version not in ("", provider_version.strip()):
        refuse(
            "contract.provider_version",
            f"The result is of version {found.provider_version}, not {provider_version}.",
            field="provider_version",
        )
    published = contract.versions.filter(consumer_version=consumer_version).first()
    if published is None:
        refuse(
            "contract.unpublished",
            f"{contract.consumer} {consumer_version} has published no contract with {contract.provider}.",
            remedy="Publish the contract first.",
            field="consumer_version",
            status=409,
        )
    digest = files.digest_of(file.content)
    same = contract.verifications.filter(
        content_digest=published.content_digest, provider_version=tested
    ).first()
    if same is not None and (same.report_digest, same.source, same.run_url) == (digest, source, run_url):
        return same
    files.keep(file.content, name=file.name, media_type="text/plain")
    return ContractVerification.objects.create(
        contract=contract,
        content_digest=published.content_digest,
        provider_version=tested,
        success=found.success,
        format=found.format,
        total=found.total,
        failed=found.failed,
        failing=found.failing,
        report_digest=digest,
        source=source,
        run_url=run_url,
        reported_at=now(),
    )


def _read(content: bytes) -> PactVerification:
    """The result as read; JUnit passes only if something ran, nothing failed and nothing is missing."""
    try:
        if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return read_verification(content)
        summary = read_tests(content)
    except ReportError as error:
        refuse(
            f"report.{error.code}",
            str(error),
            remedy="Post the report as the tool wrote it; nothing of this one was stored.",
            field="file",
        )
    return PactVerification(
        success=summary.clean,
        total=summary.total,
        failed=summary.failed + summary.errored,
        format=summary.format[:40],
        failing=[
            {"name": f"{c.suite} {c.name}".strip()[:200], "message": c.message[:500]}
            for c in summary.failing[:50]
        ],
    )
