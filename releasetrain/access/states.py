"""Transition tables of access."""

from releasetrain.kernel.states import StateMachine, Transition

ACCESS_REVIEW_STATES = StateMachine(
    [
        Transition("access_review.close", ["open"], "closed"),
        Transition("access_review.cancel", ["open"], "cancelled"),
        Transition("access_review.postpone", ["open"], None),
    ],
    initial="open",
)
ARCHIVE_STATES = StateMachine(
    [Transition("organization_archive.cancel", ["queued", "running"], "cancelled")], initial="queued"
)
