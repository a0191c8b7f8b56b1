"""Words that incidents, problems and reviews share: severities and categories of causes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

SEVERITIES = [
    (1, "Sev 1: critical"),
    (2, "Sev 2: major"),
    (3, "Sev 3: minor"),
    (4, "Sev 4: low"),
]


class Category(models.TextChoices):
    """What kind of cause it is; the one taxonomy of problems, root causes and review findings."""

    CODE_DEFECT = "code_defect", "Code defect"
    CONFIGURATION_DRIFT = "configuration_drift", "Configuration drift"
    DEPLOYMENT_PROCESS = "deployment_process", "Deployment process"
    DEPENDENCY_FAILURE = "dependency_failure", "Dependency failure"
    CAPACITY = "capacity", "Capacity"
    DATA = "data", "Data"
    TESTING_GAP = "testing_gap", "Testing gap"
    ENVIRONMENT_DIFFERENCE = "environment_difference", "Environment difference"
    THIRD_PARTY = "third_party", "Third party"
    PROCEDURE = "procedure", "Procedure"
    UNKNOWN = "unknown", "Not known yet"


def known(field: str, name: str, values: str, *, blank: bool = False) -> models.CheckConstraint:
    """The vocabulary of a field, held by the database too."""
    words = values.split() + ([""] if blank else [])
    return models.CheckConstraint(condition=Q(**{f"{field}__in": words}), name=name)


def known_category(name: str, *, blank: bool = False) -> models.CheckConstraint:
    return known("category", name, " ".join(Category.values), blank=blank)
