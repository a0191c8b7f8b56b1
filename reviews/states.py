"""What leads where: the state tables of reviews, their causes and action items."""

from __future__ import annotations

from releasetrain.kernel.states import StateMachine, Transition

from .models import ActionItem, CaseStudy, ImprovementKind, ImprovementProposal, Review, ReviewCause

_R = Review.State
_OPEN = (_R.FACTS, _R.CAUSES, _R.ACTIONS)
REVIEW_STATES = StateMachine(
    initial=_R.FACTS,
    transitions=[
        Transition("review.edit", _OPEN, None),
        *(
            Transition(f"review.{verb}", _OPEN, None)
            for verb in (
                "plan_meeting",
                "rotate",
                "start_clock",
                "pause_clock",
                "next_box",
                "extend_box",
                "open_round",
                "comment",
                "close_round",
                "invite",
                "name_owners",
                "answer",
                "add_service",
            )
        ),
        Transition("review.refresh_facts", _R.FACTS, None),
        Transition("review.add_fact", _R.FACTS, None),
        Transition("review.accept_facts", _R.FACTS, _R.CAUSES),
        Transition("review.reopen_facts", _R.CAUSES, _R.FACTS),
        Transition("review.add_cause", _R.CAUSES, None),
        Transition("review.agree_causes", _R.CAUSES, _R.ACTIONS),
        Transition("review.add_action", (_R.CAUSES, _R.ACTIONS), None),
        Transition("review.close", _R.ACTIONS, _R.CLOSED),
        Transition("review.add_record", tuple(_R), None),
        Transition("review.write_case_study", _R.CLOSED, None),
    ],
)

_C = ReviewCause.State
CAUSE_STATES = StateMachine(
    initial=_C.HYPOTHESIS,
    transitions=[
        Transition("review_cause.support", _C.HYPOTHESIS, _C.SUPPORTED),
        # A hypothesis is told why it leads to nothing; so these are open in both states and guarded.
        *(Transition(f"review_cause.propose_{kind.value}", tuple(_C), None) for kind in ImprovementKind),
    ],
)

_P = ImprovementProposal.State
IMPROVEMENT_STATES = StateMachine(
    initial=_P.OPEN,
    transitions=[
        Transition("improvement.edit", _P.OPEN, None),
        Transition("improvement.apply", _P.OPEN, _P.APPLIED),
        Transition("improvement.decline", _P.OPEN, _P.DECLINED),
        Transition("improvement.withdraw", _P.OPEN, _P.WITHDRAWN),
    ],
)

_A = ActionItem.State
ACTION_STATES = StateMachine(
    initial=_A.OPEN,
    transitions=[
        Transition("action_item.edit", _A.OPEN, None),
        Transition("action_item.escalate", _A.OPEN, None),
        Transition("action_item.check_effect", _A.DONE, None),
        Transition("action_item.complete", _A.OPEN, _A.DONE),
        Transition("action_item.drop", _A.OPEN, _A.DROPPED),
    ],
)

_S = CaseStudy.State
STUDY_STATES = StateMachine(
    initial=_S.DRAFT,
    transitions=[
        Transition("case_study.redact", _S.DRAFT, None),
        Transition("case_study.keep", _S.DRAFT, None),
        Transition("case_study.publish", _S.DRAFT, _S.PUBLISHED),
        Transition("case_study.withdraw", _S.PUBLISHED, _S.WITHDRAWN),
    ],
)
