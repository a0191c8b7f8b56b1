"""What the documents say is so: capabilities, settings, addresses, commands and links."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from releasetrain.audit.doorway import actions

ROOT = Path(__file__).resolve().parents[2]
CAPABILITIES = ROOT / "docs" / "capabilities.md"
SETTINGS = ROOT / "docs" / "reference" / "settings.md"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]
DOCUMENTS += sorted((ROOT / "docs").rglob("*.md"))

PARTS = {
    "Platform": [f"X{n}" for n in range(1, 16)],
    "Trains": [
        *(f"T{n}" for n in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, *range(14, 31))),
        *(f"D{n}" for n in range(1, 14)),
    ],
    "Planning": [f"P{n}" for n in range(1, 33)],
    "Governance": [*(f"G{n}" for n in range(1, 20)), "G1a", "G1b", "G2a", "G2b", "The audit trail"],
    "Reviews": [f"R{n}" for n in range(1, 18)],
    "Problems": [f"B{n}" for n in range(1, 19)],
    "Metrics": [f"M{n}" for n in range(1, 23)],
}
STATES = ("works", "partly", "not yet")
UNKNOWN_ID = "01900000-0000-7000-8000-000000000000"


def _rows(text: str, columns: int) -> list[list[str]]:
    """The rows of all tables with so many columns, heads and rules left out."""
    found = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if len(cells) == columns and not set(cells[0]) <= set("-:") and cells[0] not in ("id", "part"):
            found.append(cells)
    return found


def _parts() -> dict[str, list[list[str]]]:
    sections = re.split(r"^## ", CAPABILITIES.read_text(), flags=re.MULTILINE)[1:]
    return {section.partition("\n")[0].strip(): _rows(section, 5) for section in sections}


ROWS = [row for rows in _parts().values() for row in rows]
NAMED = [row for row in ROWS if row[3]]


def _kind(row: list[str]) -> str:
    return row[2].partition(":")[0]


def test_every_capability_has_exactly_one_row_in_its_part():
    assert {part: sorted(row[0] for row in rows) for part, rows in _parts().items()} == {
        part: sorted(ids) for part, ids in PARTS.items()
    }


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_state_is_one_of_three_and_says_what_it_rests_on(row):
    kind, _, missing = row[2].partition(":")
    assert kind in STATES
    assert bool(missing.strip()) == (kind == "partly"), "what is missing is named, and nothing else"
    named = "`" in row[3], "`" in row[4]
    assert named == ((False, False) if kind == "not yet" else (True, True))


def test_the_counts_are_those_of_the_rows():
    written = {row[0].strip("*"): [int(n) for n in row[1:]] for row in _rows(CAPABILITIES.read_text(), 5)[:8]}
    counted = {}
    total = Counter[str]()
    for part, rows in _parts().items():
        kinds = Counter(_kind(row) for row in rows)
        total += kinds
        counted[part] = [*(kinds[state] for state in STATES), len(rows)]
    counted["All"] = [*(total[state] for state in STATES), total.total()]
    assert written == counted


def test_the_number_of_check_kinds_is_the_present_one():
    from governance.checks.registry import kinds

    (row,) = (row for row in ROWS if row[0] == "G1")
    assert f"{len(kinds())} kinds of checks" in row[1]


@pytest.mark.parametrize("row", NAMED, ids=[row[0] for row in NAMED])
def test_named_tests_exist(row):
    for path in re.findall(r"`([^`]+)`", row[4]):
        assert re.fullmatch(r"tests/\w+/test_\w+\.py", path), path
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("row", NAMED, ids=[row[0] for row in NAMED])
def test_named_addresses_answer(row):
    for address in re.findall(r"`([^`]+)`", row[3]):
        method, _, path = address.rpartition(" ")
        if method:
            _answers(method, path)
        else:
            _resolves(path.replace("<org>", "acme"))


def _answers(method: str, path: str) -> None:
    """An endpoint that takes the method; a verb's address leads to a declared verb."""
    view = _resolves("/api/v1/orgs/acme" + path.replace("{id}", "<id>")).func.view_class
    assert method in ("GET", "POST"), method
    assert hasattr(view, method.lower()), f"{path} does not answer {method}"
    verb = getattr(view, "verb", None)
    if method == "POST" and verb is not None:
        assert verb.verb in actions()


def _resolves(path: str):
    """The address, its placeholders filled with a name or, where that is asked for, an id."""
    filled = (re.sub(r"<\w+>", value, path) for value in ("x", UNKNOWN_ID))
    for candidate in filled:
        try:
            return resolve(candidate)
        except Resolver404:
            continue
    raise AssertionError(f"{path} leads nowhere")


def _variables(folder: Path) -> dict[str, str | None]:
    """Environment variables that modules read, each with its literal default as text, or None without one."""
    found: dict[str, str | None] = {}
    for module in sorted(folder.rglob("*.py")):
        tree = ast.parse(module.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _reads_environment(node.func):
                name, given = node.args[0], [k.value for k in node.keywords if k.arg == "default"]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    found[name.value] = _literal(given[0]) if given else None
            elif isinstance(node, ast.Constant) and re.fullmatch(r"(DATABASE|REDIS)_\w*URL", str(node.value)):
                found.setdefault(node.value, None)
    return found


def _reads_environment(function: ast.expr) -> bool:
    return ast.unparse(function).startswith(("env.", "os.environ.get", "os.getenv", "_flag"))


def _literal(node: ast.expr) -> str | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


DOCUMENTED = {row[0].strip("`"): row[1] for row in _rows(SETTINGS.read_text(), 3) if row[0].startswith("`")}
READ = _variables(ROOT / "releasetrain" / "settings") | {
    name: None
    for name in _variables(ROOT / "releasetrain" / "embedded")
    if name not in _variables(ROOT / "releasetrain" / "settings")
}
# The first is read by prometheus_client itself.
ELSEWHERE = {
    "PROMETHEUS_MULTIPROC_DIR", "RELEASETRAIN_URL", "RELEASETRAIN_ORG", "RELEASETRAIN_TOKEN", "RELEASETRAIN_DATA",
    "RELEASETRAIN_VECTORS", "RELEASETRAIN_ID_TOKEN", "RELEASETRAIN_AUDIENCE",
}  # fmt: skip


def test_every_variable_that_is_read_is_documented_and_no_other():
    assert READ, "the reader of the settings finds some"
    assert set(DOCUMENTED) - ELSEWHERE == set(READ)


@pytest.mark.parametrize("name", sorted(name for name, default in READ.items() if default))
def test_a_documented_default_is_the_one_in_the_code(name):
    assert DOCUMENTED[name] == f"`{READ[name]}`"


def _links(document: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [t.partition("#")[0] for t in targets if not re.match(r"[a-z]+:|#|/", t)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_relative_links_lead_to_files(document):
    missing = [target for target in _links(document) if not (document.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: str(d.relative_to(ROOT)))
def test_named_commands_exist(document):
    text = document.read_text()
    commands = set(re.findall(r"manage\.py ([a-z][a-z_]+)", text))
    assert commands <= set(get_commands()), commands - set(get_commands())
    targets = set(re.findall(r"(?:^ {4}|`|^)make ([a-z]+)", text, flags=re.MULTILINE))
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert targets <= known, targets - known


def test_addresses_that_the_quickstart_lists_are_answered():
    text = (ROOT / "docs" / "api-quickstart.md").read_text()
    for method, path in re.findall(r"^\| `(GET|POST) (/[^`?]*)", text, flags=re.MULTILINE):
        filled = path
        for mark, value in (
            ("/do/<noun.verb>", "/do/review_rule.create_standard"),
            ("<plural>/<id>/<verb>", "releases/x/freeze"),
            ("<plural>/<verb>", "features/import_csv"),
            ("<plural>", "releases"),
            ("<id>", "x"),
        ):
            filled = filled.replace(mark, value)
        assert "<" not in filled
        _answers(method, filled)
