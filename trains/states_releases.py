"""State tables of what belongs to releases: data migrations, walkthroughs, notes, changed commitments."""

from __future__ import annotations

from releasetrain.kernel.states import StateMachine, Transition

from .models import CommitmentChange, DataMigration, MigrationStep, ReleaseNote, Walkthrough

_M = DataMigration.State
DATA_MIGRATION_STATES = StateMachine(
    initial=_M.PLANNED,
    transitions=[
        Transition("data_migration.edit", _M.PLANNED, None),
        Transition("data_migration.add_step", _M.PLANNED, None),
        Transition("data_migration.start", _M.PLANNED, _M.RUNNING),
        Transition("data_migration.complete", _M.RUNNING, _M.COMPLETED),
        Transition("data_migration.fall_back", _M.RUNNING, _M.FELL_BACK),
        Transition("data_migration.cancel", _M.PLANNED, _M.CANCELLED),
    ],
)

_S = MigrationStep.State
MIGRATION_STEP_STATES = StateMachine(
    initial=_S.WAITING,
    transitions=[
        Transition("migration_step.drop", _S.WAITING, _S.DROPPED),
        Transition("migration_step.start", (_S.WAITING, _S.FAILED), _S.RUNNING),
        Transition("migration_step.finish", _S.RUNNING, None),
        Transition("migration_step.fail", _S.RUNNING, _S.FAILED),
    ],
)

_W = Walkthrough.State
WALKTHROUGH_STATES = StateMachine(
    initial=_W.PLANNED,
    transitions=[
        Transition("walkthrough.move", _W.PLANNED, None),
        Transition("walkthrough.invite", _W.PLANNED, None),
        Transition("walkthrough.ask", (_W.PLANNED, _W.HELD), None),
        Transition("walkthrough.conclude", _W.PLANNED, _W.HELD),
        Transition("walkthrough.cancel", _W.PLANNED, _W.CANCELLED),
    ],
)

_N = ReleaseNote.State
RELEASE_NOTE_STATES = StateMachine(
    initial=_N.DRAFT,
    transitions=[
        Transition("release_note.edit", (_N.DRAFT, _N.PUBLISHED, _N.WITHDRAWN), None),
        Transition("release_note.publish", (_N.DRAFT, _N.WITHDRAWN), _N.PUBLISHED),
        Transition("release_note.withdraw", _N.PUBLISHED, _N.WITHDRAWN),
    ],
)

_C = CommitmentChange.State
COMMITMENT_STATES = StateMachine(
    initial=_C.OPEN,
    transitions=[
        Transition("commitment_change.edit", (_C.OPEN, _C.ACKNOWLEDGED), None),
        Transition("commitment_change.acknowledge", _C.OPEN, None),
        Transition("commitment_change.tell_customer", (_C.OPEN, _C.ACKNOWLEDGED), None),
        Transition("commitment_change.withdraw", (_C.OPEN, _C.ACKNOWLEDGED), _C.WITHDRAWN),
    ],
)
