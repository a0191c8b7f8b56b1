"""Builds and ended deployments as pipelines report them, many at once: the common case of `artifact.register` and `deployment.record`.

Only what is new and disagrees with nothing may come here; the names tell callers which reports are about the same.
Everything else goes through the verbs one by one, which ask more and explain what they refuse.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from releasetrain.audit.history import bulk_create_tracked
from releasetrain.audit.wholesale import Act, perform_many
from trains.models import Artifact, Deployment, Service
from trains.models.artifact import DIGEST

from . import deployments
from .artifacts import register_artifact
from .deployments import record_deployment
from .settling import settle_rollbacks, take_over

State = Deployment.State


def is_digest(digest: str) -> bool:
    return bool(re.fullmatch(DIGEST, digest))


def version_name(said: dict[str, Any]) -> set[Any]:
    """What stands for the version of a service that a report names."""
    return {(said["service"].pk, said["version"])} if said["version"] else set()


def report_name(said: dict[str, Any]) -> set[Any]:
    """What stands for the deployment that a report is about."""
    return {(said["source"], said["external_id"])} if said["external_id"] else set()


def names_on_record(*, versions: set[str], external_ids: set[str]) -> set[Any]:
    """Which of these versions and deployments are on record, by the same names."""
    known = Artifact.objects.filter(version__in=versions).order_by()
    reported = Deployment.objects.filter(external_id__in=external_ids - {""}).order_by()
    return {
        *(known.values_list("service_id", "version") if versions else ()),
        *(reported.values_list("source", "external_id") if external_ids else ()),
    }


def is_plain_end(said: dict[str, Any]) -> bool:
    """Whether it reports the end of an ordinary deployment outside production: such a fact is refused by nothing."""
    started, finished = said["started_at"], said["finished_at"]
    return (
        bool(said["external_id"])
        and said["status"] in State.values
        and said["status"] != State.RUNNING
        and said["kind"] == Deployment.Kind.DEPLOY
        and said["release"] is None
        and not said["environment"].is_production
        and not (started and finished and finished < started)
    )


def build_of(said: dict[str, Any]) -> Artifact:
    """The build that the parameters of `artifact.register` describe, not yet on record."""
    return Artifact(**said)


def register_many(acts: Sequence[Act], builds: dict[str, Artifact]) -> list[Artifact]:
    """Register builds that are new in digest and version; `builds` holds each as it shall be."""
    return perform_many(
        register_artifact,
        acts,
        lambda acts: bulk_create_tracked([builds[act.params["digest"]] for act in acts]),
    )


def record_many_ended(acts: Sequence[Act], artifacts: dict[str, Artifact]) -> list[Deployment]:
    """Record deployments that are plain and not yet on record; `artifacts` holds the build of every digest that they name."""

    def write(acts: Sequence[Act]) -> list[Deployment]:
        # In one order, as batches lock them: reports take turns.
        services: dict[UUID, Service] = {
            s.pk: s
            for s in Service.objects.select_for_update(no_key=True)
            .filter(pk__in={act.params["service"].pk for act in acts})
            .order_by("pk")
        }
        made = [_deployment(act, services[act.params["service"].pk], artifacts) for act in acts]
        bulk_create_tracked(made)
        settle_rollbacks({(each.service_id, each.environment_id) for each in made})
        return made

    return perform_many(record_deployment, acts, write)


def _deployment(act: Act, service: Service, artifacts: dict[str, Artifact]) -> Deployment:
    said = act.params
    deployment = Deployment(
        service=service,
        environment=said["environment"],
        source=said["source"],
        external_id=said["external_id"],
        artifact=artifacts[said["digest"]] if said["digest"] else None,
    )
    take_over(deployment, deployments.report_of(act.actor, service, said))
    return deployment
