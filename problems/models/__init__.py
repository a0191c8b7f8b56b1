"""Models of problems: incidents, problems, root causes, fixes and their observation, and what is decided around them."""

from .deviation import Deviation
from .incident import FailureLink, Incident, IncidentService
from .observation import ObservationWindow
from .policy import ProblemPolicy
from .problem import Problem, ProblemFix, ProblemIncident, RootCause
from .signal import RecurrenceSignal, SignalReading
from .success import SuccessCriterion
from .vocabulary import SEVERITIES, Category
from .window_proposal import WindowProposal

__all__ = [
    "SEVERITIES",
    "Category",
    "Deviation",
    "FailureLink",
    "Incident",
    "IncidentService",
    "ObservationWindow",
    "Problem",
    "ProblemFix",
    "ProblemIncident",
    "ProblemPolicy",
    "RecurrenceSignal",
    "RootCause",
    "SignalReading",
    "SuccessCriterion",
    "WindowProposal",
]
