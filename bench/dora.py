"""The delivery performance page over two years of deployments."""

from __future__ import annotations

import psycopg2

from .figures import Figure, Observation, Result, milliseconds
from .history import imported
from .installation import Installation
from .pages import ROUNDS, server_time

TITLE = "Delivery performance page"
BUDGET = 0.3


def measure(installation: Installation) -> list[Result]:
    from metrics.tasks import roll_up_organization
    from releasetrain.accounts.models import User
    from releasetrain.embedded.provisioning import DATABASE

    done = imported()
    root = f"/o/{done.organization.slug}/metrics/"
    two_years_at = f"{root}?from=2023-01-01&until=2024-12-31"
    at_once, _ = server_time(done.owner, two_years_at)
    # What a worker does in the minute after an import.
    roll_up_organization(done.organization.pk)
    # What autovacuum does within a minute of an import.
    with psycopg2.connect(installation.postgres.url(DATABASE)) as superuser, superuser.cursor() as cursor:
        cursor.execute("ANALYZE")
    superuser.close()
    two_years, size = server_time(done.owner, two_years_at)
    quarter, _ = server_time(done.owner, f"{root}?from=2024-10-03&until=2024-12-31")
    default, _ = server_time(done.owner, root)
    demo, _ = server_time(User.objects.get(email="amara.obi@northwind.example"), "/o/northwind/metrics/")
    note = f"Median of {ROUNDS} after warm-up, {size:,} bytes."
    return [
        Figure(
            "All of two years",
            milliseconds(two_years),
            milliseconds(BUDGET),
            two_years / BUDGET,
            1.0,
            note=note,
        ),
        Figure("A quarter with data", milliseconds(quarter), milliseconds(BUDGET), quarter / BUDGET, 1.0),
        Figure(
            "As it opens (the last 90 days)",
            milliseconds(default),
            milliseconds(BUDGET),
            default / BUDGET,
            1.0,
        ),
        Observation("The demo bank's, as it opens", milliseconds(demo)),
        Observation("All of two years before any worker has rolled the import up", milliseconds(at_once)),
    ]
