"""What gates plug into lower floors: their own check kinds, and the gates panel of the release cockpit."""

from governance.checks import own  # noqa: F401 - registers its check kinds
from governance.pages.contexts import gates_panel
from governance.pages.findings import findings_panel
from trains.ports import cockpit_panels

cockpit_panels(gates_panel)
cockpit_panels(findings_panel)
