"""What gates plug into lower floors: their own check kinds, and the gates panel of the release cockpit."""

from governance.checks import own  # noqa: F401 - registers its check kinds
