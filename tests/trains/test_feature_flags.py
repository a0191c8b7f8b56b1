"""The register of feature flags: whose they are, how they stand where, which are stale or contradict each other."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from trains.actions import feature_flags as flags
from trains.models import FeatureFlag
from trains.queries import feature_flags as queries
from trains.rules import feature_flags as rules

ORG = "/api/v1/orgs/northwind"


def state(on: bool, share: float = 100, days: float = 1) -> rules.State:
    moment = now() - timedelta(days=days)
    return rules.State(on, share, moment, moment)


@given(
    lights=st.lists(
        st.sampled_from([None, (True, 100.0), (True, 5.0), (False, 100.0), (True, 0.0)]), max_size=5
    )
)
def test_work_is_live_only_when_every_switch_of_it_is_known_to_be_fully_on(lights: list[Any]) -> None:
    states = [state(*light) if light else None for light in lights]
    found = rules.light_of(states)
    assert (found is rules.Light.LIVE) == (bool(lights) and all(light == (True, 100.0) for light in lights))
    assert (found is rules.Light.UNKNOWN) == (None in lights or not lights)


def test_contradictions_are_named_and_nothing_else() -> None:
    new = rules.Flag(
        1, "new-ledger", states={"production": state(True)}, requires=("audit-v2",), excludes=("old-ledger",)
    )
    old = rules.Flag(2, "old-ledger", states={"production": state(False), "test": state(True)})
    audit = rules.Flag(3, "audit-v2", states={"production": state(True, 10)})
    places = ["test", "production"]
    assert rules.conflicts([new, old, audit], places) == []
    alone = rules.conflicts([new, old], places)
    assert [c.sentence for c in alone] == [
        "new-ledger is on in production and requires audit-v2, which is not registered."
    ]
    both = rules.Flag(2, "old-ledger", states={"production": state(True)})
    assert "exclude each other" in rules.conflicts([new, both, audit], places)[0].sentence
    twins = [
        rules.Flag(n, "banner", service=service, states={"production": state(on)})
        for n, (service, on) in enumerate((("web", True), ("ledger", False)))
    ]
    assert [c.sentence for c in rules.conflicts(twins, places)] == [
        "banner is on for web and off for ledger in production."
    ]


def test_a_flag_is_stale_for_a_stated_reason() -> None:
    moment = now()

    def why(**said: Any) -> list[str]:
        base = {"remove_by": date(2999, 1, 1), "registered_at": moment} | said
        return rules.stale_reasons(rules.Flag(1, "x", **base), moment, ["production"])

    assert why() == []
    assert "was to be removed" in why(remove_by=date(2020, 1, 1))[0]
    assert why(owned=False) == ["Nobody owns it."]
    assert "on for everybody" in why(states={"production": state(True, 100, 40)})[0]
    assert why(states={"production": state(True, 99, 40)}) == []
    assert why(permanent=True, remove_by=None, states={"production": state(True, 100, 40)}) == []
    assert "Nothing was reported" in why(states={"test": state(False, 100, 91)})[0]
    assert "No day is planned" in why(remove_by=None)[0]


def test_reports_arrive_in_any_order_and_the_latest_state_stands(world: Any, api: Any) -> None:
    bot = api("service_account")
    early, late = now() - timedelta(hours=2), now() - timedelta(hours=1)
    body = {"name": "new-ledger", "environment": "production", "service": "ledger", "source": "unleash"}
    for moment, on, share in ((late, True, 25), (early, False, 100)):
        answer = bot.post(
            f"{ORG}/feature-flags/report", body | {"on": on, "share": share, "changed_at": moment.isoformat()}
        )
        assert answer.status_code in (200, 201), answer.content
    flag = FeatureFlag.objects.get(name="new-ledger")
    found = queries.states_of(flag)["production"]
    assert (found.on, found.share, str(found)) == (True, 25, "on for 25 %")
    assert found.since == late
    # It was registered by its report, and nobody owns it: that is seen.
    assert "Nobody owns it." in queries.register().stale[0].stale
    again = late + timedelta(minutes=5)
    bot.post(f"{ORG}/feature-flags/report", body | {"on": True, "share": 25, "changed_at": again.isoformat()})
    flag.refresh_from_db()
    assert queries.states_of(flag)["production"].since == late and flag.reported_at == again


def test_a_batch_is_taken_whole_or_not_at_all(world: Any, api: Any) -> None:
    rows = [{"name": "a", "on": True, "service": "ledger"}, {"name": "b", "on": False, "share": 30}]
    url = f"{ORG}/feature-flags/report_all"
    bad = api("service_account").post(
        url, {"environment": "test", "flags": [*rows, {"name": "c", "on": "yes"}]}
    )
    assert bad.status_code == 422 and "Row 3" in bad.json()["detail"], bad.content
    assert not FeatureFlag.objects.exists()
    good = api("service_account").post(url, {"environment": "test", "flags": rows})
    assert good.status_code in (200, 201), good.content
    assert sorted(FeatureFlag.objects.values_list("name", flat=True)) == ["a", "b"]


def test_which_scope_is_dark_is_read_from_the_flags_of_its_items(world: Any) -> None:
    from trains.actions.scope import add_item

    manager, bot = world.as_["release_manager"], world.as_["service_account"]
    release = world.scoped()
    item = add_item(manager, release, title="Instant refunds", source_key="FEAT-2")
    flag = flags.register_flag(
        manager, name="instant-refunds", service=world.ledger, item=item, remove_by=date(2999, 1, 1)
    )
    assert flag.release == release and flag.owner_id == manager.user_id

    def light() -> str:
        (found,) = queries.lights_of(release, world.production)
        assert found.item == item
        return str(found.light)

    assert light() == "unknown"
    for on, share, expected in ((False, 100, "dark"), (True, 5, "partly"), (True, 100, "live")):
        flags.report_flag(bot, name="instant-refunds", environment=world.production, on=on, share=share)
        assert light() == expected
    flags.remove_flag(manager, flag, reason="The old path is gone.")
    assert queries.lights_of(release, world.production) == []
    # Reported once more, it is back on the register: the code still asks it.
    flags.report_flag(
        bot, name="instant-refunds", environment=world.production, on=True, service=world.ledger
    )
    assert FeatureFlag.objects.filter(
        name="instant-refunds", removed_at__isnull=True, owner__isnull=True
    ).exists()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"name": "two words"}, "feature_flag.name"),
        ({"requires": ["x"], "name": "x"}, "feature_flag.itself"),
    ],
)
def test_what_cannot_be_a_flag_is_refused(world: Any, said: dict[str, Any], code: str) -> None:
    given_ = {"name": "x", "service": world.ledger} | said
    with pytest.raises(Refused) as caught:
        flags.register_flag(world.as_["release_manager"], **given_)
    assert caught.value.refusals[0].code == code


def test_a_report_for_one_key_of_several_services_says_of_which(world: Any) -> None:
    manager, bot = world.as_["release_manager"], world.as_["service_account"]
    for service in (world.ledger, world.web):
        flags.register_flag(manager, name="banner", service=service)
    with pytest.raises(Refused) as caught:
        flags.report_flag(bot, name="banner", environment=world.test, on=True)
    assert caught.value.refusals[0].code == "feature_flag.which"
    flags.report_flag(bot, name="banner", environment=world.test, on=True, service=world.web)
    assert [bool(f.states) for f in FeatureFlag.objects.order_by("service__name")] == [False, True]
