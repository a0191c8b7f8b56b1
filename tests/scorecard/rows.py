"""The rows: what each asks, the tests that answer it (paths, and a pattern of their names), or the command that does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One row. Tests count by their names; `command` names a function of `tests.scorecard.commands`."""

    number: int
    title: str
    tests: dict[str, str] = field(default_factory=dict)
    command: str = ""
    # What the row's wording asks for and its tests do not show.
    missing: str = ""

    def takes(self, identity: str) -> bool:
        """Whether a test (`path::name[parameters]`) belongs here."""
        path, _, name = identity.partition("::")
        return any(path.startswith(each) and re.search(pattern, name) for each, pattern in self.tests.items())


ROWS = [
    Row(
        1,
        "Raw SQL across tenants, every table × read, insert, update, delete, reference: 0 leaks",
        {"tests/tenancy/test_isolation.py": ""},
    ),
    Row(
        2,
        "Every endpoint × role × other tenant: 0 wrong",
        {"tests/structure/test_faces.py": "each_role|turned_away|another_organization|refuses_nonsense"},
    ),
    Row(
        3,
        "Every page likewise",
        {
            "tests/structure/test_faces.py": "turned_away|another_organization|making_form|whoever_may_read",
            "tests/interface/test_pages.py": "foreign|signed_out",
        },
    ),
    Row(
        4,
        "Append-only refused for application, sealer, owner, replica role",
        {"tests/audit/test_ledger.py": "append_only"},
    ),
    Row(5, "Nine tamper cases noticed", {"tests/audit/test_ledger.py": "tamper|by_hand"}),
    Row(
        6,
        "Segregation of duties raced: 0 violations",
        {"tests/races": "", "tests/governance/test_changes.py": "race|once|concurr|database|quorum"},
    ),
    Row(
        7,
        "200 kill and restart rounds: 0 lost, 0 wrongly passed, 0 doubled",
        {"tests/faults/test_faults.py": ""},
    ),
    Row(
        8,
        "schemathesis on the whole schema: 0 server errors, 0 schema breaks",
        {
            "tests/contract": "",
            "tests/interface/test_schema.py": "",
        },
    ),
    Row(
        9,
        "Hostile uploads (40 cases) refused cleanly",
        {
            "tests/governance/test_intake_hostile.py": "",
            "tests/governance/test_uploads_hostile.py": "",
            "tests/governance/test_results.py": "bomb|large|entit|nested",
        },
    ),
    Row(
        10,
        "Webhook signatures: vectors, replay, skew",
        {
            "tests/exchange/test_webhooks.py": "signature|sign|secret",
            "tests/exchange/test_events_in.py": "sign|replay|twice|old|skew|forg|proved",
            "tests/conformance": "webhook|signature",
        },
    ),
    Row(
        11,
        "SSRF: addresses of the inside refused",
        {"tests/exchange/test_webhooks.py": "inside|refused_when|stands_for|own|redirect"},
    ),
    Row(
        12,
        "Tokens: guessing finds nothing and is limited, revoked in < 1 s, leaked ones found by pattern",
        {"tests/security/test_edges.py": "token|address", "tests/interface/test_api.py": "rate_limits"},
    ),
    Row(
        13,
        "OpenID Connect: 15 bad tokens refused",
        {
            "tests/exchange/test_single_sign_on.py": "",
            "tests/access/test_workload_identity.py": "",
        },
    ),
    Row(
        14,
        "Login throttling, no enumeration",
        {"tests/security/test_edges.py": "guessing_a_password|looks_like"},
    ),
    Row(
        15,
        "Session fixation, CSRF, clickjacking, open redirects",
        {
            "tests/security/test_edges.py": "session|another_site|other_site|frame",
            "tests/interface/test_api.py": "csrf",
        },
    ),
    Row(
        16,
        "Violations of the content security policy in browser runs: 0",
        {
            "tests/interface/test_generic_journey.py": "",
            "tests/journeys": "",
            "tests/interface/test_pages.py": "security_policy",
        },
    ),
    Row(17, "check --deploy clean", command="check_deploy"),
    Row(18, "bandit and ruff's security rules: 0 unexplained", command="static"),
    Row(19, "Dependency audit: 0 known vulnerabilities", command="audit_dependencies"),
    Row(
        20,
        "Ids of another tenant, and of an unprivileged role: 0 answered",
        {
            "tests/structure/test_faces.py": "rows_of_another|each_role",
            "tests/interface/test_api.py": "do_not_exist|their_owner",
        },
    ),
    Row(21, "N+1: query counts stay as they are", {"tests": "quer(y|ies)"}),
    Row(22, "Backup and restore: digests equal", {"tests/operations/test_backup.py": ""}),
    Row(23, "Migration from the previous release with data, under traffic: no lock > 2 s", command="upgrade"),
    Row(24, "Load: 50 pipelines and 200 people: 0 errors, flat memory", command="load"),
    Row(
        25,
        "Hypothesis state machines: change, release, problem, gate: no illegal state reachable",
        {
            "tests/governance/test_change_machine.py": "",
            "tests/governance/test_gate_machine.py": "",
            "tests/trains/test_release_machine.py": "",
            "tests/problems/test_problem_machine.py": "",
        },
    ),
]
