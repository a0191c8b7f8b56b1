"""Every verb of planning; importing this package declares them."""

from . import (
    capacity,
    commitment,
    dependencies,
    feature_import,
    features,
    integration,
    objectives,
    placement,
    ranking,
    releases,
    scoring,
    scoring_models,
    sequencing,
    themes,
    throughput,
)

__all__ = [
    "capacity",
    "commitment",
    "dependencies",
    "feature_import",
    "features",
    "integration",
    "objectives",
    "placement",
    "ranking",
    "releases",
    "scoring",
    "scoring_models",
    "sequencing",
    "themes",
    "throughput",
]
