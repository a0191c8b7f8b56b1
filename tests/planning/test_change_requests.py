"""Change requests of single backlog items: written when a feature is refined, fallen when it becomes another."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from governance.actions import backlog, change_models, changes
from governance.models import ChangeModel, ChangeRequest
from planning.actions.features import cancel_feature, edit_feature, refine_feature
from releasetrain.kernel.refusals import Refused
from tests.governance.test_changes import PLANS, approve, board_of, window


@pytest.fixture
def model(cast: Any, world: Any) -> ChangeModel:
    """Enablers of risk tier 1 or 2 get a change after this model."""
    board_of(cast)
    made = change_models.create_model(
        cast["release_manager"], name="Work on the platform", type="normal", **PLANS
    )
    return backlog.write_for(cast["release_manager"], made, kinds=["enabler"], up_to_tier=2)


def change_of(feature: Any) -> ChangeRequest | None:
    return ChangeRequest.objects.filter(backlog_item_id=feature.pk).order_by("-created_at").first()


def approved_change(cast: Any, world: Any) -> tuple[Any, ChangeRequest]:
    feature = world.feature("Replace the queue", kind="enabler", tier=2)
    change = change_of(feature)
    change = changes.edit_change(cast["release_manager"], change, **window())
    change = changes.submit(cast["release_manager"], change)
    for role in ("cab_member", "second_cab_member"):
        change = approve(cast, change, role)
    assert change.stands
    return feature, change


def test_an_approved_item_gets_its_change_with_what_the_model_prescribes(
    cast: Any, world: Any, model: ChangeModel
) -> None:
    feature = world.feature("Replace the queue", kind="enabler", tier=2)
    change = change_of(feature)
    assert (change.state, change.model, change.title) == ("draft", model, f"{feature.key} Replace the queue")
    assert change.implementation_plan == PLANS["implementation_plan"]
    assert change.content["backlog_item"]["text"]["Acceptance criteria"] == "Works."
    assert change.author_id == cast["technical_lead"].user_id


def test_items_of_other_kinds_or_of_less_risk_get_none(cast: Any, world: Any, model: ChangeModel) -> None:
    assert change_of(world.feature("Instant refunds", kind="feature", tier=1)) is None
    assert change_of(world.feature("Rename a field", kind="enabler", tier=3)) is None


def test_the_approval_falls_when_the_item_says_something_else(
    cast: Any, world: Any, model: ChangeModel
) -> None:
    feature, change = approved_change(cast, world)
    decided = change.revision
    edit_feature(cast["product_manager"], feature, acceptance="Works, and drops nothing.")
    change.refresh_from_db()
    assert (change.state, change.stands, change.revision) == ("awaiting_approval", False, decided + 1)
    assert feature.key in change.fell_because


def test_what_the_board_does_not_decide_on_leaves_the_approval_alone(
    cast: Any, world: Any, model: ChangeModel
) -> None:
    feature, change = approved_change(cast, world)
    edit_feature(cast["product_manager"], feature, points=8)
    change.refresh_from_db()
    assert change.stands


def test_refining_again_brings_the_open_change_up_to_date_and_writes_no_second(
    cast: Any, world: Any, model: ChangeModel
) -> None:
    feature = world.feature("Replace the queue", kind="enabler", tier=2)
    refine_feature(cast["technical_lead"], feature, feasibility="Tried in a spike.")
    only = ChangeRequest.objects.get(backlog_item_id=feature.pk)
    assert only.content["backlog_item"]["text"]["Feasibility"] == "Tried in a spike."


def test_a_given_up_item_takes_its_change_along(cast: Any, world: Any, model: ChangeModel) -> None:
    feature = world.feature("Replace the queue", kind="enabler", tier=2)
    cancel_feature(cast["rte"], feature, reason="Bought instead")
    change = change_of(feature)
    assert change.state == "cancelled"
    assert "Bought instead" in change.closing_note


def test_two_models_are_not_for_the_same_items(cast: Any, world: Any, model: ChangeModel) -> None:
    other = change_models.create_model(cast["release_manager"], name="Another", **PLANS)
    with pytest.raises(Refused) as refused:
        backlog.write_for(cast["release_manager"], other, kinds=["enabler", "debt"])
    assert (refused.value.code, refused.value.refusals[0].field) == ("change_model.written_for", "kinds")


def test_the_database_holds_one_open_change_an_item(cast: Any, world: Any, model: ChangeModel) -> None:
    change = change_of(world.feature("Replace the queue", kind="enabler", tier=2))
    with pytest.raises(DatabaseError, match="change_once_for_a_backlog_item"), transaction.atomic():
        ChangeRequest.objects.create(
            title="Twice",
            board=change.board,
            author_id=change.author_id,
            backlog_item_id=change.backlog_item_id,
        )


def test_the_page_shows_the_item_and_leads_to_it(cast: Any, world: Any, model: ChangeModel, web: Any) -> None:
    feature = world.feature("Replace the queue", kind="enabler", tier=2)
    page = web("change_manager").get(f"/o/northwind/changes/{change_of(feature).key}/").content.decode()
    assert "Backlog item" in page
    assert f'href="/o/northwind/features/{feature.pk}/"' in page
    text = web("change_manager").get(f"/o/northwind/change-models/{model.key}/").content.decode()
    assert "Enabler" in text and "risk tier 1 to 2" in text


def test_a_program_says_for_what_items_a_model_writes_changes(
    cast: Any, world: Any, model: ChangeModel, api: Any
) -> None:
    url = f"/api/v1/orgs/northwind/change-models/{model.key}/write_for"
    answer = api("release_manager").post(url, {"kinds": ["debt"]}, format="json")
    assert answer.status_code == 200, answer.content
    assert ChangeModel.objects.get().drafts_for == ["debt"]
    wrong = api("release_manager").post(url, {"kinds": ["wish"]}, format="json")
    assert wrong.status_code == 422, wrong.content
