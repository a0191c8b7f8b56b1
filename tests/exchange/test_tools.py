"""The tool catalogue: health from facts, what is standard, gaps, and the share over time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.exchange.actions import events, tools
from releasetrain.exchange.models import (
    ConnectorKind,
    EventSource,
    InboundEvent,
    Stance,
    ToolCategory,
    ToolUse,
)
from releasetrain.exchange.queries.tools import catalogue
from releasetrain.exchange.rules import tools as rules
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions.trains import create_train

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAYS = st.dates(date(2025, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("sign", "state"),
    [
        (None, rules.UNCONNECTED),
        (rules.Sign("GitHub"), rules.SILENT),
        (rules.Sign("GitHub", NOON - timedelta(days=7)), rules.HEALTHY),
        (rules.Sign("GitHub", NOON - timedelta(days=7, seconds=1)), rules.SILENT),
        (rules.Sign("GitHub", NOON, errors=1), rules.FAILING),
        (rules.Sign("GitHub", NOON, error="connection refused"), rules.FAILING),
        (rules.Sign("GitHub", NOON, off=True), rules.OFF),
    ],
)
def test_health_rests_on_signs(sign, state):
    found = rules.health(sign, "source", NOON)
    assert found.state == state
    assert found.sentence.endswith(".") or found.sentence == "connection refused"


@given(
    words=st.lists(
        st.builds(
            rules.Word, st.just("ci"), st.sampled_from(["A", "b"]), st.sampled_from(Stance.values), DAYS
        )
    ),
    uses=st.lists(st.builds(rules.Use, st.just("ci"), st.sampled_from(["a", "B", "c"]), DAYS)),
    day=DAYS,
)
def test_no_share_exceeds_the_uses_and_only_adopted_tools_count(words, uses, day):
    part, whole = rules.share(uses, words, day)
    assert 0 <= part <= whole <= len(uses)
    later = [rules.Word("ci", word.tool, word.stance, day + timedelta(days=1)) for word in words]
    assert rules.share(uses, later, day) == (0, whole)


def test_months_end_with_the_day_itself():
    assert rules.month_starts(date(2026, 3, 1), 3) == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    assert rules.month_starts(date(2026, 3, 15), 3) == [date(2026, 2, 1), date(2026, 3, 1), date(2026, 3, 15)]


@pytest.fixture
def train(cast, in_northwind):
    return create_train(cast["rte"], key="TLS", name="Tools", cadence_start=date(2026, 1, 5))


@pytest.fixture
def sender(cast, in_northwind):
    made = events.connect(cast["owner"], name="GitHub of tools", kind="github")
    return EventSource.objects.get(pk=made["id"])


def use(cast, train, tool="GitHub", **more):
    more = {"category": ToolCategory.SOURCE, **more}
    return tools.record_use(cast["rte"], train=train, tool=tool, **more)


def cell(train, category="source"):
    return next(c for c in catalogue().cells if c.train == train and c.category == category)


def event(sender, state, number=1):
    InboundEvent.objects.create(
        source=sender, event_id=f"e{number}", type="push", body="{}", state=state, due_at=now()
    )


def test_a_cell_follows_what_its_connector_does(cast, train, sender):
    assert cell(train).gap == "No tool is recorded."
    recorded = use(cast, train)
    assert cell(train).state == rules.UNCONNECTED
    tools.connect_use(cast["rte"], recorded, connector_kind=ConnectorKind.SENDER, connector="GitHub of tools")
    assert cell(train).gap == "Nothing came from GitHub of tools yet."
    event(sender, "kept")
    assert (cell(train).state, cell(train).gap) == (rules.HEALTHY, "")
    event(sender, "dead_letter", 2)
    assert cell(train).gap == "1 dead letter from GitHub of tools."
    sender.retired_at = now()
    sender.save()
    assert cell(train).state == rules.OFF


def test_a_tool_off_the_standard_needs_an_exception_with_reason_and_end(cast, train):
    tools.create_standard(
        cast["owner"], category=ToolCategory.SOURCE, tool="GitHub", stance=Stance.ADOPT, reason="One place."
    )
    recorded = use(cast, train, "Subversion")
    gaps = [gap.sentence for gap in catalogue().gaps if gap.kind == "standard"]
    assert len(gaps) == 1
    assert gaps[0].startswith("Subversion of ")
    assert gaps[0].endswith(" is not a standard for source, and no exception is granted.")
    with pytest.raises(Refused) as refused:
        tools.grant_exception(
            cast["owner"], recorded, reason="Old releases", until=now().date() + timedelta(days=366)
        )
    assert refused.value.refusals[0].field == "until"
    with pytest.raises(Refused):
        tools.grant_exception(
            cast["rte"], recorded, reason="Old releases", until=now().date() + timedelta(days=30)
        )
    tools.grant_exception(
        cast["owner"], recorded, reason="Old releases", until=now().date() + timedelta(days=30)
    )
    assert not [gap for gap in catalogue().gaps if gap.kind == "standard"]
    ToolUse.objects.filter(pk=recorded.pk).update(exception_until=now().date() - timedelta(days=1))
    assert cell(train).lines[0].standing == rules.EXPIRED


def test_the_share_remembers_what_was_said_when(cast, train):
    today = now().date()
    standard = tools.create_standard(
        cast["owner"], category=ToolCategory.CI, tool="Jenkins", stance=Stance.ADOPT, reason="Known.",
        since=today - timedelta(days=300),
    )  # fmt: skip
    use(cast, train, "jenkins", category=ToolCategory.CI, since=today - timedelta(days=200))
    tools.restate(
        cast["owner"], standard, stance=Stance.RETIRE, reason="Unpatched.", since=today - timedelta(days=40)
    )
    shares = {day: (part, whole) for day, part, whole in catalogue().shares}
    assert shares[today] == (0, 1)
    assert shares[(today - timedelta(days=100)).replace(day=1)] == (1, 1)
    assert min(shares) >= today - timedelta(days=200)


def test_refusals_name_what_to_change(cast, train, sender):
    for arguments, field in (
        ({"connector_kind": ConnectorKind.SENDER, "connector": "Nobody"}, "connector"),
        ({"connector_kind": ConnectorKind.SENDER}, "connector"),
        ({"since": now().date() + timedelta(days=1)}, "since"),
    ):
        with pytest.raises(Refused) as refused:
            use(cast, train, **arguments)
        assert refused.value.refusals[0].field == field
    use(cast, train)
    with pytest.raises(Refused):
        use(cast, train, "github")


def test_page_file_and_endpoint_show_the_same(cast, train, sender, web, api, django_assert_max_num_queries):
    use(cast, train, connector_kind=ConnectorKind.SENDER, connector="GitHub of tools")
    browser = web("auditor")
    with django_assert_max_num_queries(40):
        page = browser.get("/o/northwind/tools/").content.decode()
    assert "Nothing came from GitHub of tools yet." in page
    assert "GitHub of tools is connected" not in page
    file = browser.get("/o/northwind/tools/export.csv").content.decode()
    assert "TLS,,Source,GitHub,Sender of events,Silent" in file
    data = api("auditor").get("/api/v1/orgs/northwind/tools").json()
    mine = next(row for row in data["trains"] if row["train"] == "TLS")
    assert [t["health"] for c in mine["cells"] for t in c["tools"]] == ["silent"]
