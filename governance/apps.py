"""The place of governance in the installation."""

from django.apps import AppConfig


class GovernanceConfig(AppConfig):
    name = "governance"

    def ready(self) -> None:
        # Every act of every app ends what verdicts about its subject were worth; the audit app, which is ready
        # before this one, has loaded all actions by now.
        from releasetrain.audit.doorway import actions, register_rider
        from releasetrain.audit.wholesale import rider_of_many

        from .gates import changed_by_act, changed_by_many, concerns_gates

        for verb in actions():
            if concerns_gates(verb):
                register_rider(verb, changed_by_act)
        rider_of_many(changed_by_act, changed_by_many)
