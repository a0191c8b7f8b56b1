"""What planning plugs into the floors below: gate checks, records for evidence, panels, what features mean in a scope."""

from trains.ports import defect_severities, item_words

from . import (
    checks,
    checks_done,
    checks_endorsement,
    escalations,
    evidence,
    train_checks,
)
from .pages import endorsements, goals, panel
from .queries import shared_resources
from .queries.scope_items import severity_of_feature, words_of_features

defect_severities(severity_of_feature)
item_words(words_of_features)

__all__ = [
    "checks",
    "checks_done",
    "checks_endorsement",
    "endorsements",
    "escalations",
    "evidence",
    "goals",
    "panel",
    "shared_resources",
    "train_checks",
]
