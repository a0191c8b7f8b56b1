"""Pipelines against their templates: the file that each should have, what ran last, and how they differ."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from releasetrain.tenancy.models import Organization
from releasetrain.tenancy.scope import require_scope
from trains.models import Pipeline, PipelineRun, PipelineTemplate, Service
from trains.rules import pipeline_files as rules
from trains.rules.pipeline_files import Drift


@dataclass(frozen=True)
class File:
    """A rendered file."""

    path: str
    text: str
    digest: str


@dataclass(frozen=True)
class Line:
    """A pipeline with its template, what ran last, and how they differ."""

    pipeline: Pipeline
    template: PipelineTemplate
    newest: int
    run: PipelineRun | None
    drift: Drift
    expected: str

    @property
    def behind(self) -> int:
        """By how many versions the followed one is behind the newest."""
        return self.newest - self.template.number


def file_of(template: PipelineTemplate, service: Service, forge: str) -> File:
    """The file of a service's pipeline, as the template gives it."""
    organization = Organization.objects.get(pk=require_scope().organization_id)
    return _rendered(template, service.name, forge, organization.slug)


def _rendered(template: PipelineTemplate, service: str, forge: str, organization: str) -> File:
    place = rules.Place(
        service, organization, settings.PUBLIC_URL, str(template), template.branch, template.image
    )
    text = rules.render(forge, template.stages, place)
    return File(rules.path_of(forge, place), text, rules.digest_of(text))


def lines_of(pipelines: QuerySet[Pipeline] | None = None) -> list[Line]:
    """All pipelines that follow a template, or those among these. A fixed number of queries."""
    rows = list(
        (Pipeline.objects.all() if pipelines is None else pipelines)
        .filter(template__isnull=False)
        .select_related("service__team", "service__train", "template")
        .order_by("service__name", "name")
    )
    versions: dict[str, list[PipelineTemplate]] = defaultdict(list)
    names = {row.template.name for row in rows if row.template}
    for version in PipelineTemplate.objects.filter(name__in=names).order_by("number"):
        versions[version.name].append(version)
    latest = (
        PipelineRun.objects.filter(service__in=[row.service_id for row in rows])
        .order_by("service_id", "-recorded_at", "-id")
        .distinct("service_id")
    )
    runs: dict[UUID, PipelineRun] = {run.service_id: run for run in latest}
    slug = Organization.objects.get(pk=require_scope().organization_id).slug
    found = []
    for row in rows:
        if row.template is None:
            continue
        run = runs.get(row.service_id)
        expected = _rendered(row.template, row.service.name, row.forge, slug).digest
        earlier = [
            _rendered(version, row.service.name, row.forge, slug).digest
            for version in versions[row.template.name]
            if version.number < row.template.number
        ]
        drift = rules.drift_of(
            (run.definition_digest, run.stages) if run else None, expected, row.template.required, earlier
        )
        newest = versions[row.template.name][-1].number
        found.append(Line(row, row.template, newest, run, drift, expected))
    return found
