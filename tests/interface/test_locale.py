"""Language and region: who chooses them, what follows them, and what never does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from django.test import Client

from releasetrain.accounts.models import User
from releasetrain.interface import formats
from releasetrain.kernel import locales
from releasetrain.tenancy.models import Organization
from tests.testbed.cast import PASSWORD, email

DAY = date(2026, 11, 21)
API = "/api/v1/orgs/northwind"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("tag", "day", "clock", "number", "first"),
    [
        ("en-GB", "21 Nov 2026", "14:05", "1 234.5", 0),
        ("en-US", "Nov 21, 2026", "2:05 PM", "1 234.5", 6),
        ("de-DE", "21. Nov. 2026", "14:05", "1 234,5", 0),
        ("de-CH", "21. Nov. 2026", "14:05", "1 234.5", 0),
        ("de-US", "Nov. 21, 2026", "2:05 PM", "1 234.5", 6),
        ("en-DE", "21 Nov 2026", "14:05", "1 234,5", 0),
        # Japan writes 2026年11月21日, which is no German.
        ("de-JP", "21. Nov. 2026", "14:05", "1 234,5", 0),
    ],
)
def test_days_times_and_numbers_follow_the_region(tag, day, clock, number, first):
    with locales.written_in(locales.Choice(*tag.split("-"))):
        assert plain(formats.full_day(DAY)) == day
        assert plain(formats.clock(time(14, 5))) == clock
        assert plain(formats.number(1234.5)) == number
        assert locales.first_weekday() == first


def test_every_region_that_may_be_chosen_can_be_written():
    for language in locales.LANGUAGES:
        for region, _ in locales.regions():
            with locales.written_in(locales.Choice(language, region)):
                assert "21" in formats.full_day(DAY), (language, region)
                assert formats.clock(time(9)) and formats.number(0.5), (language, region)


@pytest.mark.parametrize(
    ("person", "organization", "accepts", "said"),
    [
        (("", ""), ("", ""), "", "en-GB"),
        (("", ""), ("", ""), "fr-FR, de-AT;q=0.8", "de-AT"),
        (("", ""), ("en", "GB"), "de-DE", "en-GB"),
        (("de", ""), ("en", "GB"), "en-US", "de-DE"),
        (("de", "CH"), ("en", "GB"), "", "de-CH"),
        (("", "US"), ("de", "DE"), "", "de-US"),
        (("", ""), ("", ""), "x" * 900, "en-GB"),
    ],
)
def test_the_person_goes_before_the_organization_before_the_browser(person, organization, accepts, said):
    assert str(locales.meant(person, organization, accepts=accepts)) == said


def member(role: str = "rte") -> Client:
    browser = Client()
    browser.post("/accounts/login/", {"login": email(role, "northwind"), "password": PASSWORD})
    return browser


def choose(role: str, language: str, region: str) -> None:
    User.objects.filter(email=email(role, "northwind")).update(language=language, region=region)


def test_somebody_chooses_on_the_page_of_their_account(northwind):
    browser = member()
    sent = {"name": "Rita", "time_zone": "Europe/London", "language": "de", "region": "CH"}
    assert browser.post("/accounts/profile/", sent).status_code == 302
    user = User.objects.get(email=email("rte", "northwind"))
    assert (user.language, user.region) == ("de", "CH")
    page = browser.get("/o/northwind/trains/")
    assert '<html lang="de"' in page.content.decode()
    assert page["Content-Language"] == "de"
    assert "Accept-Language" in page["Vary"]
    assert browser.post("/accounts/profile/", sent | {"region": "XX"}).status_code == 422


def test_somebody_chooses_by_the_api_and_a_bad_region_is_refused(api):
    client = api("rte")
    answer = client.post(f"{API}/do/account.choose_language", {"language": "de", "region": "AT"})
    assert answer.status_code in (200, 201)
    assert User.objects.get(email=email("rte", "northwind")).region == "AT"
    refused = client.post(f"{API}/do/account.choose_language", {"region": "XX"})
    assert refused.status_code == 422
    assert "region" in str(refused.json()["errors"])


def test_an_organization_chooses_for_whoever_has_not(northwind):
    Organization.objects.filter(pk=northwind.pk).update(language="de", region="")
    assert '<html lang="de"' in member().get("/o/northwind/trains/").content.decode()


def test_before_signing_in_the_browser_decides():
    page = Client(headers={"Accept-Language": "de-DE,de;q=0.9"}).get("/accounts/login/")
    assert '<html lang="de"' in page.content.decode()
    assert page["Content-Language"] == "de"


def test_what_machines_read_is_the_same_in_every_language(api, northwind):
    rows = member().get("/o/northwind/trains/export.csv").getvalue()
    answer = api("rte").get(f"{API}/trains").json()
    choose("rte", "de", "DE")
    german = member()
    assert german.get("/o/northwind/trains/export.csv").getvalue() == rows
    assert api("rte").get(f"{API}/trains").json() == answer
    refused = api("rte").get(f"{API}/trains/none-such").json()
    assert refused["title"].isascii() and "no" in refused["detail"].lower()


def test_a_refusal_made_of_the_facts_of_a_case_is_german_beside_its_field_and_english_by_the_api(
    api, northwind
):
    choose("rte", "de", "DE")
    browser = member()
    wrong = {"mail": "at_once", "digest_at": "08:00", "digest_weekday": "0", "time_zone": "Mars/Olympus"}
    answer = browser.post("/o/northwind/notification-settings/do/choose", wrong)
    assert answer.status_code == 422
    page = answer.content.decode()
    beside = page[page.index('id="f-time_zone"') :][:1500]
    assert "Eine Zeitzone Mars/Olympus gibt es nicht." in beside
    refused = api("rte").post(f"{API}/notification-settings/choose", wrong).json()
    assert refused["errors"][0]["detail"].startswith("There is no time zone Mars/Olympus.")


def test_a_page_known_in_one_language_is_not_taken_for_the_other(client, rf):
    from django.http import HttpResponse

    from releasetrain.interface import pages

    def tag(choice: str) -> str:
        with locales.written_in(locales.Choice(*choice.split("-"))):
            return pages.conditional(rf.get("/"), 1, lambda: HttpResponse("x"))["ETag"]

    assert len({tag("en-GB"), tag("en-US"), tag("de-DE")}) == 3
    assert tag("de-DE") == tag("de-DE")


def test_moments_keep_their_machine_form(rf):
    from django.template import Context, Template

    moment = datetime(2024, 3, 5, 15, 30, tzinfo=UTC)
    with locales.written_in(locales.Choice("de", "DE")):
        html = Template("{% load kit %}{% when moment %}|{{ 1.5 }}").render(Context({"moment": moment}))
    assert 'datetime="2024-03-05T15:30:00Z"' in html
    assert "5. März 2024 15:30" in plain(html)
    # A number that a template writes by itself may be a coordinate.
    assert html.endswith("|1.5")
