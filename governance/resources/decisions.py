"""Where people find the register of decisions and the report on governance."""

from __future__ import annotations

from releasetrain.interface import navigation

navigation.register(
    navigation.Place("decisions", "Decisions", "gavel", "decisions/", 124, "Assure", "Decisions and reasons")
)
navigation.register(
    navigation.Place(
        "governance-report", "Report", "chart", "governance-report/", 125, "Assure", "Governance report"
    )
)
