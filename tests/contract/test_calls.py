"""Whatever the schema allows to be sent is answered: never by an error of ours, and always as the schema says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from releasetrain.accounts.actions import grant, scope_for
from releasetrain.accounts.catalogue import Role
from tests.contract import callers

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore")]
# Every day a sample of the API; `RELEASETRAIN_CONTRACT=4` calls every operation of it four times, which takes long.
PARTS = 24
EXAMPLES = int(os.environ.get("RELEASETRAIN_CONTRACT", "0"))


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


def chosen(part: int) -> Iterator[Any]:
    for number, operation in enumerate(callers.operations(callers.described())):
        if number % PARTS == part:
            yield operation


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(PARTS) if EXAMPLES else [0])
def test_no_call_is_answered_by_an_error_of_ours(
    part: int, client: Any, cast: Any, within: Any, record_property: Any
) -> None:
    findings = callers.Findings()
    with within(cast, "owner"):
        known = callers.rows()
    calls = sum(callers.call(each, client, known, EXAMPLES or 1, findings) for each in chosen(part))
    record_property("summary", f"API by its schema: {calls} calls, part {part + 1} of {PARTS}")
    assert not findings, "\n".join(f"{name}: {said}" for name, said in sorted(findings.items()))
