"""`take_screenshots`: pictures of every main page of a running demo, for the documentation (developers only)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from releasetrain.accounts.demo_logins import DEMO_PASSWORD

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
PRIYA, MEI, PETER, JOHANNA, AMARA = (
    f"{name}@northwind.example"
    for name in ("priya.shah", "mei.tanaka", "peter.vance", "johanna.klein", "amara.obi")
)

# name, who is signed in, address; {pi} is the Program Increment on the board
PAGES: tuple[tuple[str, str, str], ...] = (
    ("landing", "", "/"),
    ("sign-in", "", "/accounts/login/"),
    ("home", PRIYA, "/o/northwind/"),
    ("board", PRIYA, "/o/northwind/board/"),
    ("backlog", PRIYA, "/o/northwind/features/"),
    ("feature", PRIYA, "/o/northwind/features/FEAT-3/"),
    ("train", PRIYA, "/o/northwind/trains/PAY/"),
    ("calendar", PRIYA, "/o/northwind/calendar/"),
    ("releases", PRIYA, "/o/northwind/releases/"),
    ("release", PRIYA, "/o/northwind/releases/REL-2/"),
    ("change", PRIYA, "/o/northwind/changes/CHG-2/"),
    ("cab", MEI, "/o/northwind/cab/"),
    ("gate", PRIYA, "/o/northwind/gates/GATE-1/"),
    ("evaluation", PRIYA, "/o/northwind/evaluations/EVAL-1/"),
    ("findings", PRIYA, "/o/northwind/findings/"),
    ("problem", PRIYA, "/o/northwind/problems/PRB-1/"),
    ("incidents", PRIYA, "/o/northwind/incidents/"),
    ("review", PRIYA, "/o/northwind/reviews/REV-1/"),
    ("metrics", PRIYA, "/o/northwind/metrics/"),
    ("metric-rows", PRIYA, "/o/northwind/metrics/change_fail_rate/"),
    ("evidence", PETER, "/o/northwind/evidence/EVP-1/"),
    ("audit", PETER, "/o/northwind/audit/"),
    ("settings", JOHANNA, "/o/northwind/settings/"),
    ("api", PRIYA, "/api/"),
    ("plan", AMARA, "/o/northwind/increments/{pi}/plan/"),
    ("board-list", AMARA, "/o/northwind/board/{pi}/list/"),
    ("dependencies", AMARA, "/o/northwind/board/{pi}/dependencies/"),
    ("capacity", AMARA, "/o/northwind/increments/{pi}/capacity/"),
    ("allocation", AMARA, "/o/northwind/increments/{pi}/allocation/"),
    ("planning-event", AMARA, "/o/northwind/planning-events/PIE-1/"),
    ("risks", AMARA, "/o/northwind/risks/roam/"),
    ("impediments", AMARA, "/o/northwind/impediments/open/"),
    ("predictability", AMARA, "/o/northwind/objectives/predictability/"),
    ("agile-health", AMARA, "/o/northwind/ceremonies/health/"),
    ("estimate", AMARA, "/o/northwind/features/estimate/"),
    ("scoring-model", AMARA, "/o/northwind/scoring-models/SCM-1/"),
    ("goals", AMARA, "/o/northwind/quarterly-goals/coverage/"),
    ("refinement", AMARA, "/o/northwind/features/refinement/"),
    ("sequence", AMARA, "/o/northwind/features/sequence/"),
    ("forecast", AMARA, "/o/northwind/forecast/"),
    ("iteration", AMARA, "/o/northwind/iteration/"),
    ("bottlenecks", AMARA, "/o/northwind/bottlenecks/"),
    ("boundaries", AMARA, "/o/northwind/boundaries/"),
    ("train-size", AMARA, "/o/northwind/train-size/"),
    ("solution", AMARA, "/o/northwind/solutions/SOL-1/"),
    ("integration", AMARA, "/o/northwind/integration/"),
    ("compatibility", AMARA, "/o/northwind/compatibility/"),
    ("scope-volatility", AMARA, "/o/northwind/scope-volatility/"),
    ("load", AMARA, "/o/northwind/calendar/load/"),
    ("cadence", AMARA, "/o/northwind/calendar/cadence/"),
    ("on-call", AMARA, "/o/northwind/on-call/"),
    ("gate-publish", PRIYA, "/o/northwind/gates/GATE-1/publish/"),
    ("replays", PRIYA, "/o/northwind/replays/"),
    ("preflight", PRIYA, "/o/northwind/preflight/"),
    ("waivers", PRIYA, "/o/northwind/waivers/in-use/"),
    ("findings-report", PRIYA, "/o/northwind/releases/REL-2/findings/"),
    ("where-is", PRIYA, "/o/northwind/components/where/"),
    ("reconciliation", PRIYA, "/o/northwind/deployments/reconciliation/"),
    ("change-models", PRIYA, "/o/northwind/change-models/"),
    ("policies", PRIYA, "/o/northwind/approval-policies/"),
    ("what-would-decide", PRIYA, "/o/northwind/what-would-decide/"),
    ("duties", PETER, "/o/northwind/duties/"),
    ("rollbacks", PETER, "/o/northwind/rollbacks/"),
    ("auditor", PETER, "/o/northwind/auditor/"),
    ("populations", PETER, "/o/northwind/audit-populations/"),
    ("control-coverage", PETER, "/o/northwind/control-coverage/"),
    ("decisions", PETER, "/o/northwind/decisions/"),
    ("documents", PETER, "/o/northwind/document-register/"),
    ("governance-report", PETER, "/o/northwind/governance-report/"),
    ("disposals", PETER, "/o/northwind/disposals/"),
    ("configuration", PRIYA, "/o/northwind/configuration/"),
    ("drift", PRIYA, "/o/northwind/configuration/drift/"),
    ("readiness", PRIYA, "/o/northwind/readiness/"),
    ("threat-models", PRIYA, "/o/northwind/threat-models/"),
    ("configuration-audits", PRIYA, "/o/northwind/configuration-audits/"),
)
# The series that `import_openstack openstack … --train OS` loads; docs/guide tells how.
SERIES: tuple[tuple[str, str], ...] = (
    ("openstack-board", "/o/openstack/board/"),
    ("openstack-features", "/o/openstack/features/?show=all&team=NOVA"),
    ("openstack-boundaries", "/o/openstack/boundaries/?move=NOVA:new"),
)
VIEWS = (("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390))
ON_PHONE = {
    "home",
    "board",
    "release",
    "cab",
    "metrics",
    "calendar",
    "planning-event",
    "risks",
    "iteration",
    "estimate",
    "change",
    "gate-publish",
    "preflight",
    "findings-report",
    "duties",
    "auditor",
    "control-coverage",
    "governance-report",
    "configuration",
}
IN_THE_DARK = {"board", "release", "metrics", "cab"}


class Command(BaseCommand):
    help = (
        "Take pictures of a running demo into docs/screenshots (needs Chromium and the development packages)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", help="e.g. http://localhost:8000")
        parser.add_argument(
            "--series", action="store_true", help="only the imported series of the guide, into docs/guide"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # A development package, which the product itself must not need: hence by name.
            sync_playwright = import_module("playwright.sync_api").sync_playwright
        except ImportError as error:
            raise CommandError("playwright is a development package: run `make install` first.") from error
        if options["series"]:
            self._series(sync_playwright, options["address"])
            return
        folder = Path(settings.BASE_DIR) / "docs" / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        taken: dict[str, list[str]] = {}
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for scheme, width in VIEWS:
                for who in dict.fromkeys(who for _, who, _ in PAGES):
                    context = browser.new_context(
                        viewport={"width": width, "height": 900 if width > 500 else 844}, color_scheme=scheme
                    )
                    page = context.new_page()
                    if who:
                        _sign_in(page, options["address"], who)
                    for name, _, address in (
                        p for p in PAGES if p[1] == who and _wanted(p[0], scheme, width)
                    ):
                        page.goto(options["address"] + _filled(page, options["address"], address))
                        page.wait_for_timeout(400)
                        file = f"{name}-{scheme}-{width}.jpg"
                        page.screenshot(path=folder / file, type="jpeg", quality=55)
                        taken.setdefault(name, []).append(file)
                    context.close()
            browser.close()
        _write_index(folder, taken)
        self.stdout.write(f"{sum(map(len, taken.values()))} pictures in {folder}.")

    def _series(self, sync_playwright: Any, address: str) -> None:
        """The pictures of the guide; of the board of forty teams, the part with the cards."""
        folder = Path(settings.BASE_DIR) / "docs" / "guide"
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            _sign_in(page, address, PRIYA)
            nova = page.request.get(f"{address}/api/v1/orgs/openstack/teams/NOVA").json()["id"]
            for name, where in SERIES:
                page.goto(address + where)
                page.wait_for_timeout(600)
                page.evaluate(
                    "row => { const lane = document.getElementById(row), box = lane?.closest('[role=region]');"
                    " if (lane) box.scrollTop = lane.offsetTop - 90; }",
                    f"t-{nova}",
                )
                page.wait_for_timeout(400)
                page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=55)
            browser.close()
        self.stdout.write(f"{len(SERIES)} pictures in {folder}.")


def _filled(page: Any, site: str, address: str) -> str:
    """The address with the Program Increment of the board in it."""
    if "{pi}" not in address:
        return address
    page.goto(f"{site}/o/northwind/board/")
    plan = page.locator("a[href$='/plan/']").first.get_attribute("href")
    return address.format(pi=plan.split("/")[-3])


def _wanted(name: str, scheme: str, width: int) -> bool:
    return (scheme == "light" or name in IN_THE_DARK) and (width > 500 or name in ON_PHONE)


def _sign_in(page: Any, address: str, who: str) -> None:
    page.goto(f"{address}/accounts/login/")
    page.fill("input[name=login]", who)
    page.fill("input[name=password]", DEMO_PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_load_state()


def _write_index(folder: Path, taken: dict[str, list[str]]) -> None:
    lines = [
        "# Screenshots",
        "",
        "Taken from the demo by `manage.py take_screenshots http://localhost:8000`.",
        "",
    ]
    for name, _, address in PAGES:
        lines += [f"## {name.replace('-', ' ').capitalize()}", "", f"`{address.replace('{pi}', '<pi>')}`", ""]
        lines += [
            f"![{name}, {file.split('-')[-2]}, {file.split('-')[-1][:-4]} px]({file})" for file in taken[name]
        ]
        lines.append("")
    (folder / "README.md").write_text("\n".join(lines))
