"""The main job in one go, by the people whose jobs these are: from an empty installation to a verified package."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .people import Person
from .pipeline import ERROR, FAIL, PASS, PENDING, Pipeline

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Response

    from tests.testbed.processes import LiveApp, Process

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1800)]

COMPANY, SLUG = "Southgate Savings", "southgate"
ROLES = {
    "rita": "rte",
    "paul": "product_manager",
    "tess": "technical_lead",
    # Her seat on the board must not help her with her own release.
    "rena": "release_manager cab_member",
    "chad": "change_manager",
    "cora": "cab_member",
    "carl": "cab_member",
    "cleo": "cab_member",
    "prue": "problem_manager",
    "vera": "compliance_officer",
}
CRITERION = "failed refunds at most 1 % within 60 minutes"
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


def test_the_main_job(
    meet: Callable[..., Person], live_app: LiveApp, celery_worker: Process, tmp_path: Path
) -> None:
    found_the_organization(meet)
    create_the_train(meet)
    add_services_and_environments(meet, tmp_path)
    open_the_increment(meet)
    write_the_backlog(meet)
    plan_on_the_board(meet)
    commit_the_plan(meet)
    seat_the_board_and_set_the_gate(meet)
    pipeline = connect_the_pipeline(meet, live_app.url, tmp_path)
    release = cut_the_release(meet)
    build(meet, pipeline, release)
    change = ask_the_board(meet, release)
    the_author_cannot_approve(meet, change)
    decide_on_phones(meet, change)
    the_gate_lets_it_through(pipeline, release)
    scope_changes_after_the_approval(meet, pipeline, release, change)
    deployment = deploy(meet, pipeline, release)
    incident = something_breaks(meet, pipeline)
    roll_back(meet, pipeline, release, deployment, incident)
    review_what_happened(meet)
    problem = find_the_root_cause(meet, incident)
    bring_the_fix(meet, pipeline, problem)
    closing_has_to_wait(meet, problem)
    figures_open_their_rows(meet)
    prove_it(meet, release, live_app.url, tmp_path)


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
    for name, roles in ROLES.items():
        colleague = meet(name, phone=name in PHONES).sign_up()
        for role in roles.split():
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
            rita.do(
                "capacities/do/set",
                team=team,
                iteration=f"27.1.{number}",
                points=20,
                buffer_points=2,
                reason="agreed",
            )


FEATURES = {
    # title: (value, time criticality, risk reduction, job size), points, kind
    "Posting API": ((8, 13, 8, 5), 8, "enabler"),
    "Instant refunds": ((20, 13, 3, 5), 5, "feature"),
    "Notices in plain words": ((3, 1, 1, 3), 3, "feature"),
}


def write_the_backlog(meet: Callable[..., Person]) -> None:
    """c. Features are written, refined, and ordered by WSJF; an unrefined one has no place in a plan."""
    paul, tess = meet("paul"), meet("tess")
    for title, (parts, points, kind) in FEATURES.items():
        page = paul.do("features/new", train="SAV", title=title, kind=kind)
        tess.do(
            f"{page}do/refine",
            acceptance=f"{title} works for every customer.",
            feasibility="Known ground.",
            constraints="none",
            points=points,
            tier=2,
        )
        paul.open(f"{page}scoring/")
        for name, number in zip(
            ("value", "time_criticality", "risk_reduction", "job_size"), parts, strict=True
        ):
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
        rita.send()
        card(rita, title).wait_for()
    by_mouse(rita, "Instant refunds", "Acquiring", 2)
    by_keyboard(rita, "Posting API", "ArrowRight")
    card(rita, "Instant refunds").locator("a.tt").focus()
    rita.page.keyboard.press("d")
    rita.send(provider="Posting API")
    rita.page.locator("svg.strings .lines path").first.wait_for(state="attached")
    by_keyboard(rita, "Posting API", "ArrowRight")
    rita.page.locator("svg.strings path.bad").wait_for(state="attached")
    rita.sees("which is later")
    by_keyboard(rita, "Posting API", "ArrowLeft", "ArrowLeft")
    rita.page.locator("svg.strings path.bad").wait_for(state="detached")


def commit_the_plan(meet: Callable[..., Person]) -> None:
    """c. The team accepts what it owes, everybody shows fingers, and the plan becomes the baseline."""
    rita, paul = meet("rita"), meet("paul")
    rita.open("board/")
    rita.main.get_by_role("link", name="the provider has not accepted it").click()
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


GATE = [
    {"kind": "test-results", "name": "tests", "parameters": {"minimum_tests": 5}, "max_age_hours": 24},
    {"kind": "coverage", "name": "coverage", "parameters": {"minimum": 80}, "max_age_hours": 24},
    {"kind": "static-analysis", "name": "static-analysis", "parameters": {}, "max_age_hours": 24},
    {"kind": "composition", "name": "composition", "parameters": {}, "max_age_hours": 24},
    {"kind": "scope-dependencies", "name": "dependencies", "parameters": {}, "max_age_hours": 24},
    {"kind": "approvals", "name": "approved", "parameters": {}, "max_age_hours": 24},
    {"kind": "change-window", "name": "window", "parameters": {}, "max_age_hours": 1},
    {"kind": "freeze", "name": "no-freeze", "parameters": {}, "max_age_hours": 1},
    {"kind": "root-cause-validated", "name": "root-causes", "parameters": {}, "max_age_hours": 24},
    {"kind": "pending-reviews", "name": "reviews", "parameters": {}, "max_age_hours": 24},
]
DIGEST, FIXED = "sha256:" + "5e" * 32, "sha256:" + "f1" * 32


def seat_the_board_and_set_the_gate(meet: Callable[..., Person]) -> None:
    """d. A board with a quorum of three, the standard review rules, and a gate before production."""
    chad, rena = meet("chad"), meet("rena")
    board = chad.do("boards/new", name="Change advisory board", quorum=3)
    for name in ("cora", "carl", "cleo", "rena"):
        chad.do(f"{board}do/add_member", email=meet(name, phone=name in PHONES).email)
    rena.do("do/review_rule.create_standard")
    rena.do(
        "gates/new",
        name="Ready for production",
        environment="production",
        train="SAV",
        checks=json.dumps(GATE),
    )
    rena.sees("At least 5 tests were executed")
    rena.sees("approved for exactly this content")


def connect_the_pipeline(meet: Callable[..., Person], base: str, folder: Path) -> Pipeline:
    """e. A token is issued in the browser and shown once; with it the pipeline fetches its command."""
    faye = meet("faye")
    account = faye.do("service-accounts/new", name="delivery pipeline")
    faye.open(f"{account}token/")
    faye.page.get_by_label("Label").fill("build server")
    faye.main.get_by_role("button", name="Issue token").click()
    token = faye.main.locator("code.secret").inner_text()
    faye.open(account)
    assert token not in faye.page.content(), "a token is shown once"
    pipeline = Pipeline(base, SLUG, token, folder)
    pipeline.download_command()
    wrong = pipeline.gate("--digest", DIGEST, token=token[:-4] + "aaaa")
    assert wrong.returncode == ERROR, wrong
    return pipeline


def cut_the_release(meet: Callable[..., Person]) -> str:
    """d. A release is cut from what the plan holds."""
    rena = meet("rena")
    release = rena.do(
        "releases/new",
        train="SAV",
        version="1.0.0",
        name="Instant refunds",
        pi="27.1",
        tier=2,
        impact="Refunds arrive within ten seconds; no downtime.",
        rollback_plan="Deploy the version before; ten minutes.",
        success_criteria="Fewer than 1 % of refunds fail within an hour.",
        target_at=now() + timedelta(hours=6),
    )
    rena.open("features/")
    for title in ("Posting API", "Instant refunds"):
        rena.open("features/")
        rena.main.get_by_role("link", name=title).first.click()
        rena.do(f"{rena.path}do/add_to_release", release="1.0.0", rollback_criterion=CRITERION)
    rena.open(release)
    rena.sees("Instant refunds")
    rena.press("Settle scope")
    return release


def build(meet: Callable[..., Person], pipeline: Pipeline, release: str) -> None:
    """e. A bad build fails, each check saying what would make it pass; a good one is only held up by people."""
    about = ("--digest", DIGEST, "--service", "ledger", "--version", "1.0.0", "--post")
    bad = pipeline.gate(*about, *pipeline.reports(good=False))
    assert bad.returncode == FAIL, bad
    for words in ("fail", "to pass:", "verdict   FAIL"):
        assert words in bad.stdout
    rena = meet("rena")
    rena.do(f"{release}do/attach_artifact", artifact="ledger 1.0.0")
    good = pipeline.gate(*about, *pipeline.reports(good=True))
    assert good.returncode == PENDING, good
    assert "Ask for the release that carries it" in good.stdout
    early = pipeline.send("POST", "deployments/record", deployment_of("1.0.0", key_of(release), "running"))
    assert early.status == 409 and early.body["code"] == "deployment.unapproved", early
    asked = pipeline.gate("--release", key_of(release), wait=20)
    assert asked.returncode == PENDING, asked
    assert "has no change request" in asked.stdout


def key_of(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def ask_the_board(meet: Callable[..., Person], release: str) -> str:
    """d. The scope freeze writes the change request; incomplete, it is not taken; then it goes to the board."""
    rena = meet("rena")
    rena.open(release)
    rena.press("Freeze scope")
    rena.main.get_by_role("link", name="CHG-").first.click()
    rena.page.wait_for_url("**/changes/CHG-*/")
    change = rena.path
    refusal = rena.refused(f"{change}do/submit")
    assert "The window is missing." in refusal
    rena.do(
        f"{change}do/edit",
        window_starts=now() - timedelta(hours=1),
        window_ends=now() + timedelta(hours=8),
        test_plan="Unit, contract and smoke tests; results are in the gate.",
        communication_plan="Support and the branches are told the day before.",
    )
    rena.press("Submit")
    rena.do(f"{release}do/mark_ready")
    return change


def the_author_cannot_approve(meet: Callable[..., Person], change: str) -> None:
    """d. Whoever wrote it is recused, on the page and behind it."""
    rena = meet("rena")
    rena.open(f"cab/{key_of(change)}/")
    rena.sees("you are recused")
    refusal = rena.refused(f"{change}do/vote", choice="approve", rationale="I know it is good.")
    assert "you cannot decide it" in refusal


def decide_on_phones(meet: Callable[..., Person], change: str) -> None:
    """d. Three members decide with one thumb each."""
    for name in ("cora", "carl", "cleo"):
        member = meet(name)
        member.open()
        member.main.get_by_role("link", name=key_of(change)).first.tap()
        member.page.wait_for_url(f"**/cab/{key_of(change)}/")
        member.sees("Deploy the version before; ten minutes.")
        approve = member.page.locator(".mobbar").get_by_role("link", name="Approve…")
        box = approve.bounding_box()
        assert box and box["y"] > 844 * 0.6 and box["height"] >= 44, "within reach of a thumb"
        approve.tap()
        member.page.wait_for_url("**/?choice=approve#decide")
        assert member.main.locator("input[value=approve]").is_checked()
        member.main.get_by_label("Rationale").fill(
            f"Scope, tests and the way back are clear to me. {member.name}"
        )
        record = member.main.get_by_role("button", name="Record decision")
        box = record.bounding_box()
        assert box and box["y"] > 844 * 0.6, "sent with the same thumb"
        record.tap()
        member.sees("You decided:")


def the_gate_lets_it_through(pipeline: Pipeline, release: str) -> None:
    """e. With the last vote the gate passes."""
    passed = pipeline.gate("--release", key_of(release))
    assert passed.returncode == PASS, passed
    assert "verdict   PASS" in passed.stdout


def scope_changes_after_the_approval(
    meet: Callable[..., Person], pipeline: Pipeline, release: str, change: str
) -> None:
    """d. What comes in after the freeze takes the approval with it: the board decides again, and sees what is new."""
    rena = meet("rena")
    refusal = rena.refused(f"{release}do/add_item", title="A nicer logo")
    assert "frozen" in refusal
    defect = pipeline.post(
        "incidents/record", title="Refunds above 10 000 fail", service="ledger", severity=2
    )
    late = {
        "title": "Refunds above 10 000 fail",
        "classification": "problem_fix",
        "cause": "Customers wait for their money since this morning.",
        "source_kind": "incident",
        "source_id": defect["id"],
        "source_key": defect["key"],
        "rollback_criterion": CRITERION,
    }
    assert "only by an approved emergency change" in rena.refused(f"{release}do/add_item", **late)
    emergency = rena.do(
        "changes/new",
        title="Refunds above 10 000",
        type="emergency",
        service="ledger",
        board="Change advisory board",
        window_starts=now() - timedelta(hours=1),
        window_ends=now() + timedelta(hours=8),
        implementation_plan="Deploy it with the release.",
        test_plan="The failing case is in the suite.",
        backout_plan="Deploy the version before; ten minutes.",
    )
    rena.press("Submit")
    decide_on_phones(meet, emergency)
    rena.do(f"{release}do/add_item", **late, emergency_change=key_of(emergency))
    rena.open(release)
    rena.sees("A problem fix of high risk")
    meet("prue").do(f"incidents/{defect['key']}/do/resolve")
    fallen = pipeline.gate("--release", key_of(release), wait=20)
    assert fallen.returncode == PENDING, fallen
    assert "Approval fell" in fallen.stdout
    cora = meet("cora")
    cora.open(f"cab/{key_of(change)}/")
    cora.sees("Earlier votes do not count")
    cora.sees("Refunds above 10 000 fail")
    rena.do(f"{release}do/mark_ready")
    # It carries the fix of a severe defect now: a problem manager has a say.
    meet("prue").do(f"{change}do/sign", agrees=True, rationale="The fix is small and tested.")
    decide_on_phones(meet, change)
    the_gate_lets_it_through(pipeline, release)


def deployment_of(version: str, release: str | None, status: str, **more: Any) -> dict[str, Any]:
    """What a pipeline reports of one deployment of the ledger to production."""
    run = {
        "source": "build server",
        "external_id": f"run-{version}",
        "commit": f"{version}abc".replace(".", ""),
    }
    where = {"service": "ledger", "environment": "production", "version": version}
    return {**run, **where, "status": status, **({"release": release} if release else {}), **more}


def step_by_step(rena: Person, pipeline: Pipeline, release: str, version: str, digest: str) -> str:
    """A fix of this risk goes out on a staged path only: a tenth of the traffic first, and a person leads on."""
    said = deployment_of(version, key_of(release), "running", digest=digest)
    early = pipeline.send("POST", "deployments/record", said)
    assert early.status == 409 and early.body["code"] == "deployment.unstaged", early
    rollout = rena.do(
        "rollouts/do/plan", service="ledger", environment="production", path="Careful", release=version
    )
    rena.do(f"{rollout}do/start")
    started = pipeline.post("deployments/record", **said)
    for weight in (10, 100):
        waiting = pipeline.send("GET", f"rollout-commands?rollout={key_of(rollout)}&state=awaiting").body[
            "items"
        ]
        assert [command["weight"] for command in waiting] == [weight]
        pipeline.post(f"rollout-commands/{waiting[0]['id']}/confirm")
        rena.do(f"{rollout}do/advance", reason="No refund failed on the first of them.")
    rena.open(rollout)
    rena.sees("Completed")
    return str(started["id"])


def deploy(meet: Callable[..., Person], pipeline: Pipeline, release: str) -> str:
    """f. The pipeline reports what it deploys, step by step; the same report twice is one deployment."""
    before = now() - timedelta(hours=3)
    pipeline.post(
        "deployments/record",
        **deployment_of("0.9.0", None, "succeeded"),
        started_at=before.isoformat(),
        finished_at=(before + timedelta(minutes=4)).isoformat(),
    )
    rena = meet("rena")
    metrics = '[{"name": "failed_refunds", "direction": "increase"}]'
    rena.do("canary-configs/new", name="Refunds", metrics=metrics)
    rena.do("staged-paths/new", name="Careful", steps="10 % for 10 min\n100 %", config="Refunds")
    started = step_by_step(rena, pipeline, release, "1.0.0", DIGEST)
    for _ in range(2):
        ended = pipeline.post(
            "deployments/record", **deployment_of("1.0.0", key_of(release), "succeeded", digest=DIGEST)
        )
    assert (ended["id"], ended["state"]) == (started, "succeeded")
    commits = [
        {
            "sha": f"{n}" * 40,
            "authored_at": (now() - timedelta(hours=20 + n)).isoformat(),
            "title": f"Part {n}",
        }
        for n in (1, 2)
    ]
    pipeline.post(f"deployments/{ended['id']}/add_commits", commits=commits)
    shown = pipeline.send("GET", f"releases/{key_of(release)}")
    assert shown.body["state"] == "deploying", shown
    return str(ended["id"])


def something_breaks(meet: Callable[..., Person], pipeline: Pipeline) -> str:
    """f. Monitoring opens an incident; the deployment before it is suspected by itself, and a person agrees."""
    reported = pipeline.post(
        "incidents/record",
        title="Refunds are paid twice",
        service="ledger",
        severity=1,
        fingerprint="refund-twice",
        source="monitoring",
        external_id="alert-77",
    )
    prue = meet("prue")
    prue.open(f"incidents/{reported['key']}/")
    prue.sees("The last production deployment of an affected service")
    prue.press("Accept")
    prue.sees("Accepted")
    return str(reported["key"])


def roll_back(
    meet: Callable[..., Person], pipeline: Pipeline, release: str, deployment: str, incident: str
) -> None:
    """f. The release manager orders the rollback, the pipeline carries it out, and the incident is over."""
    rena, prue = meet("rena"), meet("prue")
    rena.do(f"deployments/{deployment}/do/roll_back", reason="Refunds are paid twice.")
    ordered = key_of(rena.path)
    assert ordered != deployment, "a rollback is a deployment of its own"
    done = pipeline.post(f"deployments/{ordered}/finish", status="succeeded")
    assert (done["version"], done["state"]) == ("0.9.0", "succeeded")
    rena.do(f"{release}do/roll_back", reason="Its deployment was rolled back.")
    prue.do(f"incidents/{incident}/do/resolve")
    prue.sees("restored in")


def review_what_happened(meet: Callable[..., Person]) -> None:
    """h. The review is there, its facts filled in; causes cite a fact, and an action has an owner and a day."""
    rena, prue = meet("rena"), meet("prue")
    rena.open("reviews/")
    rena.watches_for("REL-1 1.0.0")
    rena.main.get_by_role("row", name="REL-1 1.0.0").get_by_role("link", name="REV-").click()
    rena.page.wait_for_url("**/reviews/REV-*/")
    review = rena.path
    rena.sees("Opened by the rule")
    rena.sees("Refunds are paid twice")
    rena.press("Accept facts")
    rena.do(
        f"{review}do/add_cause",
        statement="The posting interface accepts the same order twice.",
        category="Testing gap",
        evidence="Refunds are paid twice",
    )
    rena.do(f"{review}do/agree_causes")
    prue.do(
        f"{review}do/add_action",
        title="Orders carry an idempotency key",
        owner="rita",
        due_on=now().date() + timedelta(days=14),
        success_criteria="The same order sent twice is booked once, in a test that runs daily.",
    )
    prue.sees("idempotency key")
    rena.do(
        f"{review}do/close",
        decision="We change the interface before refunds are switched on again.",
        rationale="Refunds fail while it stands.",
    )
    rena.open(review)
    rena.sees("We change the interface before refunds are switched on again.")


def find_the_root_cause(meet: Callable[..., Person], incident: str) -> str:
    """g. A problem with a root cause that its author cannot validate; somebody else does."""
    prue, vera = meet("prue"), meet("vera")
    prue.open(f"incidents/{incident}/")
    prue.press("Raise a problem")
    problem = prue.path
    prue.do(
        f"{problem}do/propose_root_cause",
        statement="The posting interface is not idempotent.",
        method="five_whys",
        category="Code defect",
        evidence=incident,
    )
    prue.open(problem)
    assert "somebody else validates it" in prue.why_not("Validate")
    vera.open(problem)
    vera.press("Validate", note="Reproduced with the request log of the incident.")
    vera.open(problem)
    vera.sees("Reproduced with the request log")
    return problem


def bring_the_fix(meet: Callable[..., Person], pipeline: Pipeline, problem: str) -> None:
    """g. The fix travels the same way: board, gate, deployment; then it is observed by itself."""
    rena, prue = meet("rena"), meet("prue")
    release = rena.do(
        "releases/new",
        train="SAV",
        version="1.0.1",
        name="Refunds once",
        classification="problem_fix",
        tier=2,
        rollback_plan="Deploy the version before; ten minutes.",
        success_criteria="No order is booked twice.",
    )
    prue.do(f"{problem}do/link_fix", release="1.0.1", resolver="rita", rollback_criterion=CRITERION)
    about = ("--digest", FIXED, "--service", "ledger", "--version", "1.0.1", "--post")
    assert pipeline.gate(*about, *pipeline.reports(good=True)).returncode == PENDING
    rena.do(f"{release}do/attach_artifact", artifact="ledger 1.0.1")
    rena.do(f"{release}do/scope")
    change = ask_the_board(meet, release)
    prue.do(f"{change}do/sign", agrees=True, rationale="It makes the posting interface idempotent.")
    decide_on_phones(meet, change)
    the_gate_lets_it_through(pipeline, release)
    step_by_step(rena, pipeline, release, "1.0.1", FIXED)
    rena.do(f"{release}do/mark_released")
    prue.open(problem)
    prue.watches_for("Observing")


def closing_has_to_wait(meet: Callable[..., Person], problem: str) -> None:
    """g. Nobody closes the problem before its observation is over, and the page says until when."""
    vera = meet("vera")
    vera.open(problem)
    vera.sees("It cannot be closed yet.")
    assert "Wait for the end of the observation" in vera.refused(f"{problem}do/close", note="It looks gone.")


def figures_open_their_rows(meet: Callable[..., Person]) -> None:
    """h. Delivery performance counts what happened, and each figure opens the rows it came from."""
    paul = meet("paul")
    paul.open("metrics/")
    tiles = paul.main.locator(".tiles").inner_text()
    for title in (
        "Deployment frequency",
        "Change fail rate",
        "Change lead time",
        "Failed deployment recovery time",
    ):
        assert title.lower() in tiles.lower(), tiles
    paul.main.locator(".tiles").get_by_role("link", name="Change fail rate").click()
    paul.sees("1.0.0")
    paul.sees("ledger")


def prove_it(meet: Callable[..., Person], release: str, base: str, folder: Path) -> None:
    """i. The auditor's package is built while one looks, downloaded, and verified without trusting anybody."""
    vera = meet("vera")
    vera.do("evidence/do/request", release=key_of(release))
    vera.page.get_by_text("Sealed.").wait_for(timeout=120_000)
    verifier, key, package = (
        downloaded(vera, vera.main.get_by_role("link", name=name), folder)
        for name in ("verify.py", "Public key", "Download")
    )
    intact = verify(verifier, package, key)
    assert intact.returncode == 0, intact
    damaged = folder / "damaged.zip"
    with zipfile.ZipFile(package) as whole, zipfile.ZipFile(damaged, "w") as changed:
        for item in whole.infolist():
            content = whole.read(item)
            changed.writestr(item, content.replace(b"reject", b"approv").replace(b"1.0.0", b"1.0.9"))
    found = verify(verifier, damaged, key)
    assert found.returncode == 1, found
    assert "records.json" in found.stdout + found.stderr


def downloaded(person: Person, link: Locator, folder: Path) -> Path:
    with person.page.expect_download() as waiting:
        link.first.click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target


def verify(verifier: Path, package: Path, key: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", verifier, package, "--key", key],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
