"""What planning plugs into the floors below: gate checks, records for evidence, a panel, what features mean in a scope."""

from trains.ports import defect_severities, item_words

from . import (
    checks,
    escalations,
    evidence,
    train_checks,
)
from .pages import panel
from .queries import shared_resources
from . import checks, evidence, train_checks
from .pages import endorsements, goals
from .queries.scope_items import severity_of_feature, words_of_features

defect_severities(severity_of_feature)
item_words(words_of_features)

__all__ = [
    "checks",
    "escalations",
    "evidence",
    "panel",
    "shared_resources",
    "train_checks",
]
__all__ = ["checks", "endorsements", "evidence", "goals", "train_checks"]
