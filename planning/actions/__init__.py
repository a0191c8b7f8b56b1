"""Every verb of planning; importing this package declares them."""

from . import (
    capacity,
    commitment,
    dependencies,
    feature_import,
    features,
    objectives,
    placement,
    ranking,
    releases,
    scoring,
    sequencing,
    scoring_models,
    themes,
)

__all__ = [
    "capacity",
    "commitment",
    "dependencies",
    "feature_import",
    "features",
    "objectives",
    "placement",
    "ranking",
    "releases",
    "scoring",
    "sequencing",
    "scoring_models",
    "themes",
]
