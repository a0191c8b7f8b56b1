"""Whatever the schema allows to be sent is answered: never by an error of ours, and always as the schema says."""

from __future__ import annotations

import os
from typing import Any

import pytest

from releasetrain.accounts.actions import grant, scope_for
from releasetrain.accounts.catalogue import Role
from tests.contract import callers

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore")]
# Every operation, in parts that processes can share. `RELEASETRAIN_CONTRACT=4` calls each four times instead of once.
PARTS = 4
EXAMPLES = int(os.environ.get("RELEASETRAIN_CONTRACT", "1"))


@pytest.fixture
def client(api: Any, cast: Any, within: Any, settings: Any) -> Any:
    """Somebody who may do everything, as far as one person may."""
    settings.API_REQUESTS_PER_MINUTE = 10**9
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    with within(cast, "owner"):
        for role in Role:
            if role not in (Role.OWNER, Role.SERVICE_ACCOUNT):
                grant(cast.user("owner"), role, scope_for(cast.organization))
    client = api("owner")
    client.raise_request_exception = False
    return client


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_call_is_answered_by_an_error_of_ours(
    part: int, client: Any, cast: Any, within: Any, record_property: Any
) -> None:
    with within(cast, "owner"):
        known = callers.rows()
    findings = callers.Findings()
    operations = callers.operations()[part::PARTS]
    for operation in operations:
        callers.call(operation, client, known, EXAMPLES, findings)
    record_property("summary", f"API by its schema, part {part + 1} of {PARTS}: {findings}")
    record_property("operations", len(findings.called))
    record_property("calls by their schema", findings.answers.total())
    record_property("server errors", findings.errors)
    record_property("schema breaks", len(findings.faults) - findings.errors)
    assert not findings.faults, "\n".join(f"{name}: {said}" for name, said in sorted(findings.faults.items()))
    assert len(findings.called) == len(operations)
