"""What metrics bring into the installation: every module of dashboards declares its own when imported; a check kind; what
follows from verbs of lower floors."""

from . import (  # noqa: F401 - register kinds of checks, faces, and what reviews ask
    checks,
    checks_budget,
    resources_objectives,
    review_budgets,
)
from .actions import feedback as feedback_verbs  # noqa: F401
from .actions import gate_levels, pipeline_readiness, stage_runs  # noqa: F401 - verbs, and an effect
from .dashboards import (  # noqa: F401  # noqa: F401
    benchmarks,
    cadence,
    control,
    delays,
    delivery,
    feedback,
    gates,
    governance,
    health,
    objectives,
    pipelines,
    planning,
    recurrence,
    stability,
    success,
    times,
    volatility,
)
from .pages import objectives as objective_pages  # noqa: F401 - registers the panel of a release
