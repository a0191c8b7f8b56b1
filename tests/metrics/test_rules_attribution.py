"""What a roll-back undid, and which deployment an incident may belong to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from metrics.rules.attribution import DeployedVersion, Incident, propose_links, rollback_links
from metrics.rules.dora import LinkKind, LinkStatus


def version(name: str, hour: float, number: str, service: str = "shop", away: str = "") -> DeployedVersion:
    return DeployedVersion(name, service, number, at(hour), away)


def at(hour: float) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour)


def test_a_rollback_points_at_the_deployment_it_undid_and_at_itself():
    rows = [
        version("d1", 1, "v1"),
        version("d2", 2, "v2"),
        version("other", 2.5, "v2", "pay"),
        version("back", 3, "v1", away="v2"),
        version("stray", 4, "v0", away="v9"),
    ]
    found = {(link.deployment_id, link.kind): link for link in rollback_links(rows)}
    assert set(found) == {
        ("d2", LinkKind.CAUSED),
        ("back", LinkKind.RECOVERED_BY),
        ("stray", LinkKind.RECOVERED_BY),
    }
    assert found["d2", LinkKind.CAUSED].restored_at == at(3)


def test_an_incident_is_proposed_for_the_last_deployment_strictly_before_it():
    rows = [version("d1", 1, "v1"), version("d2", 2, "v2"), version("p1", 1.5, "v1", "pay")]
    incidents = [
        Incident("at once", at(2), at(3), frozenset({"shop"})),
        Incident("later", at(2.1), None, frozenset({"shop"})),
        Incident("pay", at(9), at(10), frozenset({"pay"})),
        Incident("anywhere", at(1.7), at(2)),
        Incident("too early", at(1), at(2)),
    ]
    links = propose_links(rows, incidents)
    assert [(link.failure_id, link.deployment_id) for link in links] == [
        ("at once", "d1"),
        ("later", "d2"),
        ("pay", "p1"),
        ("anywhere", "p1"),
    ]
    assert {link.status for link in links} == {LinkStatus.PROPOSED}
