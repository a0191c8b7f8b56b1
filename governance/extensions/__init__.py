"""What governance plugs into lower floors, part by part."""

from . import (  # noqa: F401
    calendar,
    changes,
    duties,
    evidence,
    gates,
    parity,
    promotion,
    readiness,
    releases,
)
