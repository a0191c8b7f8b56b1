"""Estimating together, scores frozen by commitment, and scoring models with their what-if."""

from __future__ import annotations

from decimal import Decimal

import pytest

from .test_features import refused

ROOT = "/api/v1/orgs/northwind"
CRITERIA = [
    {"title": "Business value", "weight": 3, "source": "value"},
    {"title": "Regulatory impact", "weight": 1},
]
SCORES = {"Refunds": (13, 5, 3, 8), "Wallet": (8, 3, 2, 2), "Audit": (1, 1, 1, 1)}


@pytest.fixture
def scored(world, cast):
    from planning.actions.scoring import agree_score

    for title, (value, time, risk, size) in SCORES.items():
        agree_score(
            cast["rte"],
            world.feature(title),
            value=value,
            time_criticality=time,
            risk_reduction=risk,
            job_size=size,
        )
        world.features[title].refresh_from_db()
    return world


def make_model(world, **more):
    from planning.actions.scoring_models import create_scoring_model

    return create_scoring_model(
        world.cast["product_manager"],
        **{"train": world.train, "name": "Regulated", "criteria": CRITERIA} | more,
    )


def agree(world, model, **impacts):
    from planning.actions.scoring_models import agree_rating

    for title, number in impacts.items():
        agree_rating(
            world.cast["product_manager"],
            world.features[title],
            model=model,
            values={"regulatory_impact": number},
        )


def test_estimating_together_wants_a_1_in_each_column_and_says_who_should_get_it(world, cast):
    from planning.actions.scoring import agree_together, score_together

    one, two = world.feature("One"), world.feature("Two")
    sheet = [
        {"feature": one.key, "value": 3, "time_criticality": 1, "risk_reduction": 1, "job_size": 2},
        {"feature": two.key, "value": 8, "time_criticality": 2, "risk_reduction": 1, "job_size": 3},
    ]
    error = refused(score_together, cast["business_owner"], train=world.train, scores=sheet)
    assert (error.status, [r.field for r in error.refusals]) == (422, ["scores", "scores"])
    assert error.refusals[0].sentence == (
        f"User-business value: the smallest job should be 1; {one.key} is 3."
    )
    assert one.scores.count() == 0
    sheet[0] |= {"value": 1, "job_size": 1}
    score_together(cast["business_owner"], train=world.train, scores=sheet)
    assert one.scores.count() == two.scores.count() == 1
    agree_together(cast["product_manager"], train=world.train, scores=sheet)
    two.refresh_from_db()
    assert (two.value, str(two.wsjf), two.rank_score) == (8, "3.67", Decimal("3.6667"))
    assert two.agreed_by_id == cast["product_manager"].user_id


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([], "2 to 60"),
        ([{"feature": "X"}, {}], "not on the scale"),
        ([3, 4], "must name its feature"),
        ([{"feature": "X", "mood": 1}, {}], "no property mood"),
    ],
)
def test_a_sheet_that_makes_no_sense_is_refused_at_its_input(world, cast, rows, word):
    from planning.actions.scoring import score_together

    error = refused(score_together, cast["rte"], train=world.train, scores=rows)
    assert error.refusals[0].field == "scores"
    assert word in error.refusals[0].sentence


def test_the_estimation_page_checks_rescales_and_records(scored, cast, web):
    client = web("product_manager")
    address = "/o/northwind/features/estimate/"
    shown = client.get(address)
    assert "How firm the ranking is" in shown.content.decode()
    one, two = scored.features["Refunds"], scored.features["Wallet"]
    sent = {"train": "PAY", "pick": [one.key, two.key], "act": "rescale"}
    for feature, row in ((one, (13, 5, 2, 8)), (two, (8, 5, 2, 2))):
        for part, number in zip(
            ("value", "time_criticality", "risk_reduction", "job_size"), row, strict=True
        ):
            sent[f"{part}:{feature.key}"] = str(number)
    refusal = client.post(address, {**sent, "act": "agree"})
    assert refusal.status_code == 422
    assert "the smallest job should be 1" in refusal.content.decode()
    rescaled = client.post(address, sent).content.decode()
    assert "are the 1." in rescaled
    for part in ("value", "time_criticality", "risk_reduction", "job_size"):
        sent[f"{part}:{two.key}"] = "1"
    done = client.post(address, {**sent, "act": "agree"})
    assert done.status_code == 303
    two.refresh_from_db()
    assert two.wsjf == 3


def test_the_ranking_says_reasons_spread_and_what_would_flip_it(scored, api, cast):
    from planning.actions.scoring import score_feature

    for role, value in (("business_owner", 13), ("rte", 3)):
        score_feature(
            cast[role],
            scored.features["Wallet"],
            value=value,
            time_criticality=3,
            risk_reduction=2,
            job_size=2,
        )
    told = api("auditor").get(f"{ROOT}/features/ranking?train=PAY").json()
    assert told["ranked_by"] == "WSJF"
    lines = {line["title"]: line for line in told["ranking"]}
    assert [line["title"] for line in told["ranking"]] == ["Wallet", "Audit", "Refunds"]
    wallet = lines["Wallet"]
    assert wallet["reason"] == "(8 + 3 + 2) ÷ 2 = 6.50"
    assert (wallet["scorers"], wallet["steps_apart"]) == (2, 3)
    audit = lines["Audit"]["sensitivity"]
    assert audit.startswith(f"If {scored.features['Audit'].key} is 2 instead of 1, it falls from rank 2 to 3")
    assert [c["smallest"] for c in told["columns"]] == [1, 1, 1, 1]
    assert api("rte").get(f"{ROOT}/features/ranking?train=NIX").status_code == 422


def test_ranks_keep_apart_what_two_digits_would_make_equal(world, cast):
    from planning.actions.scoring import agree_score

    rows = {"b": (13, 5, 5, 20), "a": (13, 1, 1, 13)}
    for title, (value, time, risk, size) in rows.items():
        agree_score(
            cast["rte"],
            world.feature(title),
            value=value,
            time_criticality=time,
            risk_reduction=risk,
            job_size=size,
        )
    for feature in world.features.values():
        feature.refresh_from_db()
    assert world.features["a"].wsjf == world.features["b"].wsjf == Decimal("1.15")
    assert world.features["a"].rank_score > world.features["b"].rank_score


def test_commitment_freezes_the_score_and_leaving_the_plan_frees_it(scored, cast):
    from planning.actions.commitment import commit_increment
    from planning.actions.placement import unplace_feature
    from planning.actions.scoring import agree_score, score_feature
    from planning.models import FrozenScore

    feature = scored.features["Wallet"]
    scored.place(feature, scored.acquiring, 1)
    commit_increment(cast["rte"], scored.pi, accept=True, reason="It stands.")
    feature.refresh_from_db()
    assert feature.score_frozen_at is not None
    kept = FrozenScore.objects.get(feature=feature)
    assert (kept.wsjf, kept.rank_score, kept.version_id, kept.pi_id) == (
        Decimal("6.50"),
        Decimal("6.5"),
        None,
        scored.pi.pk,
    )
    assert kept.values["job_size"] == 2
    parts = {"value": 1, "time_criticality": 1, "risk_reduction": 1, "job_size": 20}
    for verb in (score_feature, agree_score):
        error = refused(verb, cast["product_manager"], feature, **parts)
        assert error.code == "score.frozen"
        assert "PI 26.4 was committed with it" in error.refusals[0].sentence
    unplace_feature(cast["rte"], feature)
    feature.refresh_from_db()
    agree_score(cast["product_manager"], feature, **parts)
    assert FrozenScore.objects.get(feature=feature).wsjf == Decimal("6.50")


def test_the_database_keeps_a_frozen_score_whoever_writes(scored, cast):
    from django.db import IntegrityError, transaction

    from planning.actions.commitment import commit_increment

    feature = scored.features["Wallet"]
    scored.place(feature, scored.acquiring, 1)
    commit_increment(cast["rte"], scored.pi, accept=True, reason="It stands.")
    feature.refresh_from_db()
    feature.job_size = 20
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        feature.save()


def test_an_import_leaves_a_frozen_score_alone(scored, cast):
    from planning.actions.commitment import commit_increment
    from planning.actions.feature_import import import_features
    from releasetrain.kernel.fields import Upload

    head = "id,title,value,time_criticality,risk_reduction,job_size\n"

    def bring(size):
        import_features(
            cast["rte"],
            train=scored.train,
            file=Upload("b.csv", f"{head}A-1,Brought,8,5,3,{size}\n".encode()),
        )

    from planning.models import Feature

    bring(2)
    feature = Feature.objects.get(external_id="A-1")
    assert feature.rank_score == 8
    from planning.actions.features import refine_feature

    refine_feature(
        cast["technical_lead"],
        feature,
        acceptance="Works.",
        feasibility="Known.",
        constraints="none",
        points=5,
        tier=3,
    )
    feature.refresh_from_db()
    scored.place(feature, scored.acquiring, 1)
    commit_increment(cast["rte"], scored.pi, accept=True, reason="It stands.")
    bring(20)
    feature.refresh_from_db()
    assert feature.job_size == 2


def test_a_model_scores_what_has_its_values_and_each_score_names_its_version(scored, cast):
    model = make_model(scored)
    agree(scored, model, Refunds=2, Audit=20)
    ratings = {r.feature.title: r for r in model.ratings.select_related("feature", "version")}
    assert {t: r.score for t, r in ratings.items()} == {"Refunds": Decimal("10.25"), "Audit": Decimal("5.75")}
    assert ratings["Audit"].values == {"business_value": 1, "regulatory_impact": 20}
    assert ratings["Audit"].version.number == 1
    assert ratings["Audit"].agreed_by_id == cast["product_manager"].user_id


def test_new_weights_are_applied_only_as_previewed_and_make_a_new_version(scored, cast):
    from planning.actions.scoring_models import publish_scoring_model
    from planning.queries.ranking import preview_weights
    from planning.rules.scoring_model import read

    model = make_model(scored)
    agree(scored, model, Refunds=2, Audit=20, Wallet=1)
    wanted = [{**CRITERIA[0], "weight": 1}, {**CRITERIA[1], "weight": 4}]
    preview = preview_weights(model, read(wanted, "sum"), "sum")
    moves = {line.feature.title: (line.move.before, line.move.after) for line in preview.lines}
    assert moves == {"Audit": (3, 1), "Refunds": (1, 2), "Wallet": (2, 3)}
    assert model.ratings.get(feature=scored.features["Audit"]).score == Decimal("5.75")
    error = refused(publish_scoring_model, cast["product_manager"], model, criteria=wanted, seen="sha256:0")
    assert (error.code, error.status) == ("scoring_model.unseen", 409)
    agree(scored, model, Wallet=20)
    stale = refused(publish_scoring_model, cast["product_manager"], model, criteria=wanted, seen=preview.seen)
    assert stale.code == "scoring_model.unseen"
    again = preview_weights(model, read(wanted, "sum"), "sum")
    publish_scoring_model(cast["product_manager"], model, criteria=wanted, seen=again.seen, reason="New law")
    model.refresh_from_db()
    assert (model.version, model.versions.count()) == (2, 2)
    assert {r.version.number for r in model.ratings.select_related("version")} == {2}
    assert model.ratings.get(feature=scored.features["Audit"]).score == Decimal("16.2")
    assert {h.score for h in model.ratings.get(feature=scored.features["Audit"]).history.all()} == {
        Decimal("5.75"),
        Decimal("16.2"),
    }


def test_a_model_ranks_the_backlog_after_a_preview_and_wsjf_comes_back(scored, cast):
    from planning.actions.scoring_models import rank_backlog, retire_scoring_model, stop_ranking
    from planning.models import ScoringModel
    from planning.queries.backlog import ranks
    from planning.queries.ranking import preview_ranking

    model = make_model(scored)
    agree(scored, model, Refunds=2, Audit=20, Wallet=1)

    def order():
        places = ranks()
        return [f.title for f in sorted(scored.features.values(), key=lambda f: places[f.pk].rank)]

    assert order() == ["Wallet", "Audit", "Refunds"]
    assert refused(rank_backlog, cast["rte"], model, seen="no").code == "scoring_model.unseen"
    rank_backlog(cast["rte"], model, seen=preview_ranking(model).seen)
    assert order() == ["Refunds", "Wallet", "Audit"]
    place = ranks()[scored.features["Refunds"].pk]
    assert place.reason == "weighted average of 3 × Business value 13 + 1 × Regulatory impact 2 = 10.25"
    assert place.by.number == 1
    model = ScoringModel.objects.get(pk=model.pk)
    assert refused(retire_scoring_model, cast["rte"], model).code == "scoring_model.ranks"
    stop_ranking(cast["rte"], model, seen=preview_ranking(model).seen)
    assert order() == ["Wallet", "Audit", "Refunds"]


def test_a_committed_plan_keeps_its_score_and_version_when_weights_change(scored, cast):
    from planning.actions.commitment import commit_increment
    from planning.actions.scoring_models import publish_scoring_model, rank_backlog
    from planning.models import FrozenScore, ScoringModel
    from planning.queries.ranking import preview_ranking, preview_weights
    from planning.rules.scoring_model import read

    model = make_model(scored)
    agree(scored, model, Refunds=2, Audit=20, Wallet=1)
    rank_backlog(cast["rte"], model, seen=preview_ranking(model).seen)
    feature = scored.features["Audit"]
    feature.refresh_from_db()
    scored.place(feature, scored.acquiring, 1)
    commit_increment(cast["rte"], scored.pi, accept=True, reason="It stands.")
    model = ScoringModel.objects.get(pk=model.pk)
    wanted = [{**CRITERIA[0], "weight": 1}, {**CRITERIA[1], "weight": 4}]
    seen = preview_weights(model, read(wanted, "sum"), "sum").seen
    publish_scoring_model(cast["product_manager"], model, criteria=wanted, seen=seen)
    feature.refresh_from_db()
    kept = FrozenScore.objects.select_related("version").get(feature=feature)
    assert (kept.rank_score, kept.version.number, kept.values["regulatory_impact"]) == (
        Decimal("5.75"),
        1,
        20,
    )
    rating = model.ratings.select_related("version").get(feature=feature)
    assert (rating.score, rating.version.number) == (Decimal("5.75"), 1)
    assert feature.rank_score is None


def test_a_risk_tier_counts_as_exposure_and_follows_its_change(scored, cast):
    from planning.actions.features import edit_feature

    model = make_model(scored, criteria=[{"title": "Exposure", "weight": 1, "source": "tier"}])
    feature = scored.features["Wallet"]
    assert model.ratings.get(feature=feature).score == 5
    edit_feature(cast["rte"], feature, tier=1)
    assert model.ratings.get(feature=feature).score == 20


def test_what_a_person_gives_names_the_version_and_bad_values_their_criterion(scored, cast):
    from planning.actions.scoring_models import rate_feature

    model = make_model(scored)
    feature = scored.features["Wallet"]
    rate_feature(cast["business_owner"], feature, model=model, values={"regulatory_impact": 13})
    score = model.scores.select_related("version").get()
    assert (score.values, score.version.number) == ({"regulatory_impact": 13}, 1)
    for values, word in (
        ({}, "choose a number"),
        ({"regulatory_impact": 4}, "4 is not on the scale"),
        ({"x": 1}, "no criterion x"),
    ):
        error = refused(rate_feature, cast["rte"], feature, model=model, values=values)
        assert (error.status, error.refusals[0].field) == (422, "values")
        assert word in error.refusals[0].sentence


def test_models_over_rest_with_preview_and_bad_input(scored, api):
    client = api("product_manager")
    made = client.post(f"{ROOT}/scoring-models", {"train": "PAY", "name": "Regulated", "criteria": CRITERIA})
    assert made.status_code == 201, made.content
    key = made.json()["key"]
    bad = client.post(f"{ROOT}/scoring-models", {"train": "PAY", "name": "B", "criteria": [{"title": "A"}]})
    assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (422, "#/criteria")
    for title, number in (("Refunds", 2), ("Wallet", 20)):
        rated = client.post(
            f"{ROOT}/features/{scored.features[title].key}/agree_rating",
            {"model": key, "values": {"regulatory_impact": number}},
        )
        assert rated.status_code == 200, rated.content
    wanted = [{**CRITERIA[0], "weight": 0}, {**CRITERIA[1], "weight": 1}]
    preview = client.post(f"{ROOT}/scoring-models/{key}/preview", {"criteria": wanted}).json()
    assert [(line["title"], line["rank_after"]) for line in preview["ranking"]] == [
        ("Wallet", 1),
        ("Refunds", 2),
    ]
    assert len(preview["unranked"]) == 1
    applied = client.post(
        f"{ROOT}/scoring-models/{key}/publish", {"criteria": wanted, "seen": preview["seen"]}
    )
    assert (applied.status_code, applied.json()["version"]) == (200, 2)
    for body in ({"criteria": 3}, {"criteria": []}, {"weights": 1}, {"criteria": wanted, "method": "x"}):
        assert client.post(f"{ROOT}/scoring-models/{key}/preview", body).status_code == 422
    assert client.post(f"{ROOT}/scoring-models/SCM-99/preview", {}).status_code == 404


def test_the_model_page_previews_weights_and_publishes_them(scored, web):
    model = make_model(scored)
    agree(scored, model, Refunds=2, Audit=20, Wallet=1)
    client = web("product_manager")
    address = f"/o/northwind/scoring-models/{model.key}/"
    query = {
        "method": "sum",
        "key": ["business_value", "regulatory_impact", ""],
        "title": ["Business value", "Regulatory impact", ""],
        "weight": ["1", "4", ""],
        "direction": ["benefit", "benefit", "benefit"],
        "source": ["value", "rated", "rated"],
    }
    plain = client.get(address).content.decode()
    assert "Ranking by it" in plain
    shown = client.get(address, query)
    text = shown.content.decode()
    assert "3 of 3 would move" in text
    assert "▲ 2" in text
    seen = text.split('name="seen" value="')[1].split('"')[0]
    done = client.post(f"{address}apply/", {**query, "act": "publish", "seen": seen, "reason": "New law"})
    assert done.status_code == 303
    model.refresh_from_db()
    assert model.version == 2
    bad = client.get(address, {**query, "weight": ["x", "4", ""]})
    assert "the weight is a number from 0 to 100" in bad.content.decode()


def test_pages_for_making_and_rating(scored, web):
    client = web("product_manager")
    made = client.post(
        "/o/northwind/scoring-models/start/",
        {
            "train": "PAY",
            "name": "Law first",
            "method": "sum",
            "title": ["Law"],
            "weight": ["2"],
            "key": [""],
        },
    )
    assert made.status_code == 303
    feature = scored.features["Wallet"]
    address = f"/o/northwind/features/{feature.key}/rating/SCM-1/"
    assert "Law" in client.get(address).content.decode()
    assert client.post(address, {"act": "agree", "law": "8"}).status_code == 303
    assert client.post(address, {"act": "rate"}).status_code == 422
    assert feature.ratings.get().score == 8
    assert client.get("/o/northwind/scoring-models/").status_code == 200


def test_the_backlog_page_shows_flips_and_costs_no_query_a_row(
    scored, cast, web, django_assert_max_num_queries
):
    client = web("product_manager")
    client.get("/o/northwind/features/")
    with django_assert_max_num_queries(60):
        text = client.get("/o/northwind/features/").content.decode()
    assert "rank 3 if size 2" in text


def test_a_feature_can_lose_its_team_and_theme_but_not_its_title(world, cast, api):
    from planning.actions.features import edit_feature
    from planning.actions.themes import create_theme

    theme = create_theme(cast["rte"], train=world.train, name="Instant")
    feature = world.feature("Refunds", team=world.acquiring, theme=theme, description="Long")
    edit_feature(cast["rte"], feature, title="Instant refunds")
    feature.refresh_from_db()
    assert (feature.team_id, feature.theme_id, feature.description) == (world.acquiring.pk, theme.pk, "Long")
    client = api("product_manager")
    cleared = client.post(
        f"{ROOT}/features/{feature.key}/edit", {"team": None, "theme": None, "description": None}
    )
    assert cleared.status_code == 200, cleared.content
    feature.refresh_from_db()
    assert (feature.team_id, feature.theme_id, feature.description) == (None, None, "")
    for name in ("title", "points", "tier", "acceptance"):
        error = client.post(f"{ROOT}/features/{feature.key}/edit", {name: None})
        assert (error.status_code, error.json()["errors"][0]["pointer"]) == (422, f"#/{name}"), error.content
    edit_feature(cast["rte"], feature, team=world.acquiring)
    feature.refresh_from_db()
    world.place(feature, world.acquiring, 1)
    assert refused(edit_feature, cast["rte"], feature, team=None).code == "feature.planned"
