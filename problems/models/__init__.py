"""Models of problems: incidents, problems, root causes, fixes and their observation."""

from .incident import FailureLink, Incident, IncidentService
from .observation import ObservationWindow
from .problem import Problem, ProblemFix, ProblemIncident, RootCause
from .vocabulary import SEVERITIES, Category

__all__ = [
    "SEVERITIES",
    "Category",
    "FailureLink",
    "Incident",
    "IncidentService",
    "ObservationWindow",
    "Problem",
    "ProblemFix",
    "ProblemIncident",
    "RootCause",
]
