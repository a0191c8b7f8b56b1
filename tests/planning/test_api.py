"""Planning over the API: what an integration does with features, moves, dependencies and imports."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile

from .conftest import make_world

ROOT = "/api/v1/orgs/northwind"


def test_a_feature_goes_from_idea_to_the_board(world, api):
    client = api("product_manager")
    made = client.post(f"{ROOT}/features", {"train": "PAY", "title": "Instant refunds", "kind": "compliance"})
    assert made.status_code == 201, made.content
    key = made.json()["key"]
    early = client.post(f"{ROOT}/features/{key}/place", {"iteration": str(world.iterations[0].pk)})
    assert early.status_code == 409
    assert early.json()["code"] == "feature.unrefined"
    refined = {"acceptance": "Works.", "feasibility": "Known.", "constraints": "none", "points": 5, "tier": 2}
    assert client.post(f"{ROOT}/features/{key}/refine", refined).status_code == 403
    assert api("technical_lead").post(f"{ROOT}/features/{key}/refine", refined).status_code == 200
    parts = {"value": 13, "time_criticality": 8, "risk_reduction": 3, "job_size": 5}
    assert client.post(f"{ROOT}/features/{key}/agree_score", parts).status_code == 200
    shown = client.get(f"{ROOT}/features/{key}").json()
    assert (shown["state"], shown["wsjf"], shown["cost_of_delay"]) == ("ready", "4.80", 24)
    place = {
        "iteration": str(world.iterations[0].pk),
        "team": world.acquiring.code,
        "row_version": shown["row_version"],
    }
    placed = client.post(f"{ROOT}/features/{key}/place", place)
    assert placed.status_code == 200, placed.content
    stale = client.post(f"{ROOT}/features/{key}/place", place)
    assert stale.status_code == 409
    assert stale.json()["code"] == "feature.stale"
    assert "Product Manager changed" in stale.json()["detail"]


def test_features_come_in_by_upload_with_a_dry_run(world, api):
    client = api("product_manager")

    def send(**more):
        file = SimpleUploadedFile("b.csv", b"id,title\nA-1,One\nA-2,Two\n", "text/csv")
        return client.post(
            f"{ROOT}/features/import_csv", {"train": "PAY", "file": file, **more}, format="multipart"
        )

    told = send(dry_run="true")
    assert told.status_code < 300, told.content
    assert client.get(f"{ROOT}/features").json()["items"] == []
    done = send()
    assert done.status_code < 300, done.content
    assert len(client.get(f"{ROOT}/features").json()["items"]) == 2


def test_another_organization_has_no_such_feature(cast, within, api):
    with within(cast, "rte"):
        feature = make_world(cast).feature("Refunds")
    stranger = api("rte", "contoso-health")
    assert stranger.get(f"/api/v1/orgs/contoso-health/features/{feature.key}").status_code == 404
    assert stranger.get(f"{ROOT}/features/{feature.key}").status_code == 404
