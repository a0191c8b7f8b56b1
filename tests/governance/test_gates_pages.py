"""Pages of gates for people: what they show, the publish form, the badge, and other organizations."""

from __future__ import annotations

from typing import Any

import pytest

from governance.models import Finding, GateVersion, Result
from tests.governance.gateway import cyclonedx, junit, sarif

BASE = "/o/northwind/"


@pytest.fixture
def shown(gateway: Any) -> dict[str, str]:
    """The addresses of one object of every kind."""
    from datetime import timedelta

    from governance.actions.waivers import request_waiver
    from releasetrain.kernel.clock import now

    gateway.post(junit(2, 1))
    gateway.post(sarif(("A", "error")))
    gateway.post(cyclonedx({"id": "CVE-1", "severity": "high"}))
    done = gateway.evaluate()
    with gateway.scope("release_manager") as manager:
        words = {"reason": "r", "risk": "r", "mitigation": "m", "expires_at": now() + timedelta(days=1)}
        waiver = request_waiver(
            manager, gate=gateway.gate, check="unit-tests", artifact=gateway.artifact(), **words
        )
        result, finding = Result.objects.first(), Finding.objects.first()
        version = GateVersion.objects.get()
    return {
        "gate": f"gates/{gateway.gate.key}/",
        "publish": f"gates/{gateway.gate.key}/publish/",
        "version": f"gate-versions/{version.pk}/",
        "evaluation": f"evaluations/{done.key}/",
        "checks": f"evaluations/{done.key}/?fragment=checks",
        "result": f"results/{result.pk}/",
        "file": f"results/{result.pk}/file",
        "finding": f"findings/{finding.pk}/",
        "waiver": f"waivers/{waiver.key}/",
        "gates": "gates/",
        "evaluations": "evaluations/?verdict=fail",
        "findings": "findings/?due=late",
        "results": "results/?kind=tests",
        "components": "components/?q=lib1",
        "waivers": "waivers/?state=requested",
    }


def test_every_member_reads_every_page_and_nobody_of_elsewhere(shown: dict[str, str], web: Any) -> None:
    for name, address in shown.items():
        assert web("auditor").get(BASE + address).status_code == 200, name
        assert web("auditor", "contoso-health").get(BASE + address).status_code == 404, name
        elsewhere = web("auditor", "contoso-health").get("/o/contoso-health/" + address)
        assert elsewhere.status_code == (200 if name.endswith("s") and name != "checks" else 404), name


def test_the_evaluation_page_says_why_and_what_would_pass(shown: dict[str, str], web: Any) -> None:
    page = web("release_manager").get(BASE + shown["evaluation"]).content.decode()
    assert "2 of 3 tests passed for ledger 1.0.0" in page
    assert "Fix the failing tests" in page
    assert "Request a waiver" in page
    assert "At least 2 tests were executed" in page


def form(gateway: Any, **changed: str) -> dict[str, str]:
    sent = {
        **{"check": "0", "kind-0": "test-results", "name-0": "unit-tests", "age-0": "24", "order-0": "1"},
        **{
            "p-0-minimum_tests": "5",
            "p-0-pass_rate": "99.5",
            "waivable-0": "on",
            "note": "More tests",
            "publish": "1",
        },
    }
    return sent | changed


def test_the_form_publishes_what_it_shows(gateway: Any, shown: dict[str, str], web: Any) -> None:
    response = web("release_manager").post(BASE + shown["publish"], form(gateway))
    assert (response.status_code, response["Location"]) == (303, BASE + shown["gate"])
    with gateway.scope("auditor"):
        version = gateway.gate.current_version
    assert (version.number, version.note) == (2, "More tests")
    assert version.checks[0]["parameters"] == {"minimum_tests": 5, "pass_rate": 99.5}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"p-0-pass_rate": "300"}, "between 0 and 100"),
        ({"p-0-minimum_tests": "many"}, "give a whole number"),
        ({"age-0": ""}, "how old its evidence may be"),
        ({"age-0": "nan"}, "how old its evidence may be"),
        ({"name-0": "Not A Name!"}, "small letters, digits and hyphens"),
        ({"kind-0": "telepathy"}, "no check of kind telepathy"),
        ({"remove-0": "on"}, "at least one check"),
    ],
)
def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(
    gateway: Any, shown: dict[str, str], web: Any, changed: dict[str, str], sentence: str
) -> None:
    response = web("release_manager").post(BASE + shown["publish"], form(gateway, **changed))
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page
    assert "More tests" in page


def test_only_who_may_publish_can(gateway: Any, shown: dict[str, str], web: Any) -> None:
    page = web("auditor").get(BASE + shown["publish"]).content.decode()
    assert "You need the permission gates.manage" in page
    assert web("auditor").post(BASE + shown["publish"], form(gateway)).status_code == 403
    with gateway.scope("auditor"):
        assert gateway.gate.current_version.number == 1


def test_the_badge_says_the_standing_verdict(gateway: Any, web: Any) -> None:
    from governance.actions.gates import evaluate_gate
    from governance.evaluating import work_off
    from trains.actions.releases import create_release
    from trains.actions.scope import attach_artifact

    gateway.post(junit(3))
    with gateway.scope("release_manager") as manager:
        release = create_release(manager, train=gateway.train, version="7.0.0")
        attach_artifact(manager, release, artifact=gateway.artifact())
        evaluation = evaluate_gate(manager, gate=gateway.gate, release=release)
    address = f"{BASE}releases/{release.key}/badge.svg"
    assert "gate production: pending" in web("auditor").get(address).content.decode()
    work_off(gateway.cast.organization.pk, evaluation.pk)
    response = web("auditor").get(address)
    assert response["Content-Type"] == "image/svg+xml"
    assert "gate production: pass" in response.content.decode()
    gateway.post(junit(0, 1))
    assert "gate production: pending" in web("auditor").get(address).content.decode()
    # An environment without a gate says nothing good.
    assert "gate test: error" in web("auditor").get(f"{address}?environment=test").content.decode()
    assert web("auditor", "contoso-health").get(address).status_code == 404


def test_what_is_wrong_stands_beside_each_field_and_is_listed_with_links(
    gateway: Any, shown: dict[str, str], web: Any
) -> None:
    changed = {"p-0-pass_rate": "300", "p-0-minimum_tests": "many"}
    response = web("release_manager").post(BASE + shown["publish"], form(gateway, **changed))
    page = response.content.decode()
    for name in ("pass_rate", "minimum_tests"):
        assert f'href="#p-0-{name}"' in page
        assert f'aria-errormessage="p-0-{name}_error"' in page
        assert f'id="p-0-{name}_error"' in page
    assert 'value="300"' in page


def test_the_form_explains_limits_and_shows_what_would_change(
    gateway: Any, shown: dict[str, str], web: Any
) -> None:
    sent = form(gateway, arrange="1", **{"by-0": "quality_owner", "add": "freeze"})
    del sent["publish"]
    page = web("release_manager").post(BASE + shown["publish"], sent).content.decode()
    assert "0 to 100." in page  # the limits of a pass rate
    assert "Least number of tests: 2 becomes 5." in page
    assert "Pass rate: 100 % becomes 99.5 %." in page
    assert "Waivers are granted by quality owner, no longer by compliance officer." in page
    assert "is new: No freeze is in force" in page
    with gateway.scope("auditor"):
        assert gateway.gate.current_version.number == 1


def test_a_version_says_how_it_differs_from_the_one_before(
    gateway: Any, shown: dict[str, str], web: Any
) -> None:
    web("release_manager").post(BASE + shown["publish"], form(gateway))
    with gateway.scope("auditor"):
        version = gateway.gate.current_version
    page = web("auditor").get(f"{BASE}gate-versions/{version.pk}/").content.decode()
    assert "Least number of tests: 2 becomes 5." in page


def test_a_draft_is_replayed_without_being_published(gateway: Any, shown: dict[str, str], web: Any) -> None:
    sent = form(gateway, replay="1")
    del sent["publish"]
    response = web("release_manager").post(BASE + shown["publish"], sent)
    assert response.status_code == 303
    assert "/replays/RPL-" in response["Location"]
    assert "A worker asks every check" in web("release_manager").get(response["Location"]).content.decode()
    with gateway.scope("auditor"):
        assert gateway.gate.current_version.number == 1
