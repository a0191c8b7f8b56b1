"""What leads where: the state tables of incidents, problems, root causes, observations and window proposals."""

from __future__ import annotations

from releasetrain.kernel.states import StateMachine, Transition

from .models import FailureLink, Incident, ObservationWindow, Problem, RootCause, WindowProposal

_I = Incident.State
INCIDENT_STATES = StateMachine(
    initial=_I.DETECTED,
    transitions=[
        Transition("incident.mitigate", _I.DETECTED, _I.MITIGATED),
        Transition("incident.resolve", (_I.DETECTED, _I.MITIGATED), _I.RESOLVED),
        Transition("incident.reopen", _I.RESOLVED, _I.DETECTED),
        Transition("incident.close", _I.RESOLVED, _I.CLOSED),
    ],
)

_L = FailureLink.Status
LINK_STATES = StateMachine(
    field="status",
    initial=_L.PROPOSED,
    transitions=[
        Transition("failure_link.accept", (_L.PROPOSED, _L.DISPUTED), _L.ACCEPTED),
        Transition("failure_link.dispute", (_L.PROPOSED, _L.ACCEPTED), _L.DISPUTED),
    ],
)

_P = Problem.State
# A problem that comes back returns to where its knowledge stands: a known error if there is a workaround.
_UNFIXED = (_P.INVESTIGATING, _P.KNOWN_ERROR)
PROBLEM_STATES = StateMachine(
    initial=_P.INVESTIGATING,
    transitions=[
        Transition("problem.mark_known_error", _P.INVESTIGATING, _P.KNOWN_ERROR),
        Transition("problem.propose_root_cause", (*_UNFIXED, _P.FIX_IN_RELEASE), None),
        Transition("problem.link_fix", (*_UNFIXED, _P.FIX_IN_RELEASE), _P.FIX_IN_RELEASE),
        Transition("problem.start_observation", (*_UNFIXED, _P.FIX_IN_RELEASE), _P.OBSERVING),
        Transition("problem.close", _P.OBSERVING, _P.CLOSED),
        Transition("problem.reopen", (_P.FIX_IN_RELEASE, _P.OBSERVING, _P.CLOSED), None),
    ],
)

_C = RootCause.State
ROOT_CAUSE_STATES = StateMachine(
    initial=_C.PROPOSED,
    transitions=[
        # Whatever was validated is no longer what it says: it has to be validated again.
        Transition("root_cause.edit", (_C.DRAFT, _C.PROPOSED, _C.VALIDATED, _C.REJECTED), _C.PROPOSED),
        Transition("root_cause.validate", _C.PROPOSED, _C.VALIDATED),
        Transition("root_cause.reject", (_C.PROPOSED, _C.VALIDATED), _C.REJECTED),
    ],
)

_W = ObservationWindow.State
WINDOW_STATES = StateMachine(
    initial=_W.RUNNING,
    transitions=[
        Transition("observation_window.report_exposure", _W.RUNNING, None),
        Transition("observation_window.settle", _W.RUNNING, None),
    ],
)

_N = WindowProposal.State
PROPOSAL_STATES = StateMachine(
    initial=_N.PROPOSED,
    transitions=[
        Transition("window_proposal.agree", _N.PROPOSED, None),
        Transition("window_proposal.object", _N.PROPOSED, None),
        Transition("window_proposal.amend", _N.PROPOSED, None),
        Transition("window_proposal.withdraw", _N.PROPOSED, _N.WITHDRAWN),
    ],
)
