"""What changes plug into trains: they follow releases and deployments in the same transaction."""

from governance import escalations  # noqa: F401 - registers what escalates
from governance.actions import following
from governance.actions.change_models import judge_record
from governance.checks import approvals  # noqa: F401 - registers its check kinds
from releasetrain.audit.doorway import explain_constraint, register_effect, register_guard

register_effect("release.freeze", following.create_for_frozen_release)
for _verb in ("release.add_item", "release.remove_item", "release.attach_artifact", "release.edit"):
    register_effect(_verb, following.scope_changed)
for _verb in ("scope_item.mark_canary", "scope_item.lift_canary"):
    register_effect(_verb, following.scope_changed)
register_guard("scope_item.lift_canary", following.nobody_lifts_their_own)
register_effect("change.complete", judge_record)
register_effect("environment.create", following.environments_changed)
register_effect("release.mark_ready", following.approved_already)
register_effect("deployment.record", following.link_deployment)
register_guard("deployment.record", following.emergency_needs_its_change)

explain_constraint("vote_once_per_voter", "This vote is cast already: one vote per member and revision.")
explain_constraint("vote_once_per_hand", "You have voted on this revision already.")
explain_constraint("change_stands_on_its_content", "An approval stands only on the content it was given for.")
