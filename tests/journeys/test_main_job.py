"""The main job in one go, by the people whose jobs these are: from an empty installation to a verified package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .people import Person, option_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Response

    from tests.testbed.processes import LiveApp, Process

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]

COMPANY, SLUG = "Southgate Savings", "southgate"
ROLES = {
    "rita": "rte",
    "paul": "product_manager",
    "rena": "release_manager",
    "chad": "change_manager",
    "cora": "cab_member",
    "carl": "cab_member",
    "cleo": "cab_member",
    "prue": "problem_manager",
    "vera": "compliance_officer",
}
PHONES = {"cora", "carl", "cleo"}
SERVICES = """\
name,team,tier,repository
ledger,LED,1,https://git.southgate.example/ledger
cards,ACQ,2,https://git.southgate.example/cards
"""


@pytest.fixture
def meet(browser: Browser, live_app: LiveApp) -> Iterator[Callable[..., Person]]:
    """`meet("rita")` — somebody with a browser of their own; what their browser complains of fails the test."""
    people: dict[str, Person] = {}

    def person(name: str, *, phone: bool = False) -> Person:
        if name not in people:
            people[name] = Person(browser, live_app.url, f"{name}@{SLUG}.example", phone=phone)
        return people[name]

    yield person
    complaints = [said for each in people.values() for said in each.complaints]
    for each in people.values():
        each.context.close()
    assert not complaints, "Browsers complained:\n" + "\n".join(complaints)


def now() -> datetime:
    return datetime.now(UTC)


def this_monday() -> date:
    return now().date() - timedelta(days=now().weekday())


def test_the_main_job(meet: Callable[..., Person], live_app: LiveApp, celery_worker: Process, tmp_path: Path) -> None:
    found_the_organization(meet)
    create_the_train(meet)
    add_services_and_environments(meet, tmp_path)
    open_the_increment(meet)
    write_the_backlog(meet)
    plan_on_the_board(meet)
    commit_the_plan(meet)


def found_the_organization(meet: Callable[..., Person]) -> None:
    """a. Somebody signs up and founds the organization; colleagues sign up and are given their roles."""
    founder = meet("faye").sign_up()
    founder.open("/organizations/new/")
    founder.page.get_by_label("Name").fill(COMPANY)
    founder.page.get_by_label("Address").fill(SLUG)
    founder.main.get_by_role("button").last.click()
    founder.page.wait_for_url(f"**/o/{SLUG}/")
    founder.root = f"/o/{SLUG}/"
    founder.sees("Create a train")
    for name, role in ROLES.items():
        colleague = meet(name, phone=name in PHONES).sign_up()
        founder.do("grants/new", email=colleague.email, role=role)
        colleague.root = founder.root
        colleague.open("/")
        assert colleague.page.url.endswith(f"/o/{SLUG}/"), "somebody with one organization lands in it"
    refusal = founder.refused("grants/new", email="nobody@elsewhere.example", role="rte")
    assert "Nobody has signed up as nobody@elsewhere.example." in refusal


def create_the_train(meet: Callable[..., Person]) -> None:
    """b. A train with its teams; the first page says what to begin with."""
    rita = meet("rita")
    rita.open()
    step = rita.main.get_by_role("listitem").filter(has_text="Create a train")
    step.get_by_role("link", name="Start").click()
    rita.send(key="SAV", name="Savings and cards", cadence_start=this_monday(), pi_weeks=8)
    rita.sees("Savings and cards")
    for code, name in (("ACQ", "Acquiring"), ("LED", "Ledger Core")):
        rita.do("teams/new", train="SAV", code=code, name=name, people=7)


def add_services_and_environments(meet: Callable[..., Person], folder: Path) -> None:
    """b. Services from a file and by hand; a file with a mistake changes nothing and names its line."""
    rita = meet("rita")
    listed = folder / "services.csv"
    listed.write_text(SERVICES.replace("cards,ACQ", "cards,XYZ"))
    refusal = rita.refused("services/do/import_csv", file=listed, train="SAV")
    assert "There is no team XYZ. Correct the file; nothing was imported." in refusal
    listed.write_text(SERVICES)
    rita.do("services/do/import_csv", file=listed, train="SAV")
    rita.do("services/new", name="notices", train="SAV", tier=4)
    rita.open("services/")
    for service in ("ledger", "cards", "notices"):
        rita.sees(service)
    for rank, (name, kind) in enumerate((("test", "test"), ("production", "production")), 1):
        rita.do("environments/new", name=name, kind=kind, rank=rank)


def open_the_increment(meet: Callable[..., Person]) -> None:
    """b. A Program Increment, whose iterations follow from the cadence; teams say what they can carry."""
    rita = meet("rita")
    rita.do("increments/new", train="SAV", name="27.1", starts=this_monday())
    rita.sees("27.1")
    rita.open("board/")
    for team in ("Acquiring", "Ledger Core"):
        for number in (1, 2):
            rita.do("capacities/do/set", team=team, iteration=f"27.1.{number}", points=20, buffer_points=2, reason="agreed")


FEATURES = {
    # title: (value, time criticality, risk reduction, job size), points, kind
    "Posting API": ((8, 13, 8, 5), 8, "enabler"),
    "Instant refunds": ((20, 13, 3, 5), 5, "feature"),
    "Notices in plain words": ((3, 1, 1, 3), 3, "feature"),
}


def write_the_backlog(meet: Callable[..., Person]) -> None:
    """c. Features are written, refined, and ordered by WSJF; an unrefined one has no place in a plan."""
    paul = meet("paul")
    for title, (parts, points, kind) in FEATURES.items():
        page = paul.do("features/new", train="SAV", title=title, kind=kind)
        paul.do(
            f"{page}do/refine",
            acceptance=f"{title} works for every customer.",
            feasibility="Known ground.",
            constraints="none",
            points=points,
            tier=2,
        )
        paul.open(f"{page}scoring/")
        for name, number in zip(("value", "time_criticality", "risk_reduction", "job_size"), parts, strict=True):
            paul.main.locator(f"input[name={name}][value='{number}']").check(force=True)
        paul.main.get_by_role("button", name="Record as agreed").click()
        paul.sees(f"{(sum(parts[:3]) / parts[3]):.2f}")
    paul.open("features/")
    rows = paul.main.locator("tbody tr").all_inner_texts()
    found = [next(title for title in FEATURES if title in row) for row in rows]
    assert found == ["Instant refunds", "Posting API", "Notices in plain words"], "ordered by WSJF"
    paul.do("features/new", train="SAV", title="Something with AI")
    assert "is not refined" in paul.why_not("Place on the board")


def plan_on_the_board(meet: Callable[..., Person]) -> None:
    """c. Cards are placed by dialog, mouse and keyboard; a string is drawn, turns red and heals; the plan is committed."""
    rita = meet("rita")
    rita.open("board/")
    for title in ("Posting API", "Instant refunds"):
        rita.main.get_by_role("listitem").filter(has_text=title).get_by_role("link", name="Place").click()
        rita.page.locator("dialog[open] form").get_by_label("Team").select_option(label="Ledger Core")
        rita.page.locator("dialog[open] form").get_by_label("Iteration").select_option(index=1)
        rita.page.locator("dialog[open] form [type=submit]").last.click()
        card(rita, title).wait_for()
    by_mouse(rita, "Instant refunds", "Acquiring", 2)
    by_keyboard(rita, "Posting API", "ArrowRight")
    card(rita, "Instant refunds").locator("a.tt").focus()
    rita.page.keyboard.press("d")
    rita.page.locator("dialog[open] select[name=provider]").select_option(
        option_of(rita.page.locator("dialog[open] select[name=provider]"), "Posting API")
    )
    rita.page.locator("dialog[open] [type=submit]").last.click()
    rita.page.locator("svg.strings path").first.wait_for(state="attached")
    by_keyboard(rita, "Posting API", "ArrowRight")
    rita.page.locator("svg.strings path.bad").wait_for(state="attached")
    rita.sees("which is later")
    by_keyboard(rita, "Posting API", "ArrowLeft", "ArrowLeft")
    rita.page.locator("svg.strings path.bad").wait_for(state="detached")


def commit_the_plan(meet: Callable[..., Person]) -> None:
    """c. The team accepts what it owes, everybody shows fingers, and the plan becomes the baseline."""
    rita, paul = meet("rita"), meet("paul")
    rita.open("feature-dependencies/")
    rita.main.get_by_role("link", name="Posting API").last.click()
    rita.press("Accept")
    rita.open("board/")
    rita.main.get_by_role("link", name="Plan and vote").click()
    plan = rita.path
    rita.press("New objective", team="Acquiring", title="Refunds within ten seconds", planned_value=8)
    for person in (rita, paul):
        person.open(plan)
        person.press("Vote", fingers=4)
    rita.open(plan)
    rita.sees("4.0 of 5")
    rita.press("Commit the plan")
    rita.open(plan)
    rita.sees("The plan stands as it was committed.")


def card(person: Person, title: str) -> Locator:
    return person.main.locator(".fc").filter(has_text=title)


def cell(person: Person, team: str, iteration: int) -> Locator:
    return person.main.locator(f"tr.lane[data-name='{team}'] td").nth(iteration - 1)


def by_mouse(person: Person, title: str, team: str, iteration: int) -> None:
    source, target = card(person, title).bounding_box(), cell(person, team, iteration).bounding_box()
    assert source and target
    person.page.mouse.move(source["x"] + 30, source["y"] + 12)
    person.page.mouse.down()
    person.page.mouse.move(target["x"] + 60, target["y"] + 40, steps=8)
    with person.page.expect_response("**/moves/") as answer:
        person.page.mouse.up()
    landed(person, answer.value)
    cell(person, team, iteration).get_by_text(title).wait_for()


def by_keyboard(person: Person, title: str, *arrows: str) -> None:
    card(person, title).locator("a.tt").focus()
    person.page.keyboard.press("Space")
    for key in arrows:
        person.page.keyboard.press(key)
    with person.page.expect_response("**/moves/") as answer:
        person.page.keyboard.press("Space")
    landed(person, answer.value)


def landed(person: Person, answer: Response) -> None:
    """The move is accepted, and the board has shown itself anew; nobody grabs the next card sooner than that."""
    assert answer.ok, answer.text()
    person.page.locator(".fc.saving").wait_for(state="detached")
    person.page.wait_for_load_state("networkidle")
