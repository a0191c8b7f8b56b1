"""The faces of trains: lists, pages and API of each kind of object."""

from . import (
    calendar,
    compatibility,
    configuration,
    core,
    delivery,
    deployment_plans,
    escalations,
    observation,
    onboarding,
    parity,
    pipeline_templates,
    releases,
    series,
    structure,
)

__all__ = [
    "calendar",
    "compatibility",
    "configuration",
    "core",
    "delivery",
    "deployment_plans",
    "escalations",
    "observation",
    "onboarding",
    "parity",
    "pipeline_templates",
    "releases",
    "series",
    "structure",
]
