"""What planning plugs into the floors below: its gate check, its records for evidence, what features mean in a scope."""

from trains.ports import defect_severities, item_words

from . import (
    checks,
    escalations,
    evidence,
    train_checks,
)
from .queries.scope_items import severity_of_feature, words_of_features

defect_severities(severity_of_feature)
item_words(words_of_features)

__all__ = [
    "checks",
    "escalations",
    "evidence",
    "train_checks",
]
"""What planning plugs into the floors below: its gate checks, its records for evidence packages, a panel."""

from . import checks, evidence, train_checks
from .pages import panel

__all__ = ["checks", "evidence", "panel", "train_checks"]
