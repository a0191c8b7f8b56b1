"""What promotion plugs into trains: preconditions of a starting deployment, its turn, and room in an environment."""

from governance.actions import promotion
from releasetrain.audit.doorway import register_effect, register_guard

register_guard("deployment.record", promotion.refuse_unready_start)
register_effect("deployment.record", promotion.flag_start)
for _verb in ("record", "finish", "roll_back"):
    register_effect(f"deployment.{_verb}", promotion.room_changed)
for _verb in ("create", "move", "cancel", "give_way"):
    register_effect(f"booking.{_verb}", promotion.booking_changed)
