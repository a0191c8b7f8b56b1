"""The kinds of checks, facts of expressions and preconditions as the guide lists them."""

from __future__ import annotations

import re

from governance.expressions.document import NAMES
from governance.preflight import PRECONDITIONS

from . import registry

_SUBJECT = {"artifact": "builds", "release": "release", "any": "either"}


def rewritten(guide: str) -> str:
    """The guide with its generated parts as they are now; each stands between two comments that name it."""
    parts = {
        "kinds": kinds(),
        "facts": facts(),
        "replays": ways(),
        "preconditions": preconditions(),
    }
    for name, text in parts.items():
        guide = re.sub(
            rf"(<!-- {name} -->\n).*?(\n<!-- end of {name} -->)",
            lambda found, text=text: found.group(1) + text + found.group(2),  # type: ignore[misc]
            guide,
            flags=re.DOTALL,
        )
    return guide


def kinds() -> str:
    """Every kind with its subject, its rule and its parameters."""
    head = "| kind | about | what must hold | parameters |\n|---|---|---|---|\n"
    return head + "\n".join(_row(kind) for kind in registry.kinds().values())


def _row(kind: registry.CheckKind) -> str:
    parameters = "<br>".join(
        f"`{name}`: {p.label[0].lower()}{p.label[1:]}{f' ({p.limits})' if p.limits else ''}"
        for name, p in kind.parameters.items()
    )
    return f"| `{kind.kind}` | {_SUBJECT[kind.subject]} | {kind.help} | {parameters or '–'} |"


def facts() -> str:
    """What an expression sees."""
    return "| name | what it holds |\n|---|---|\n" + "\n".join(
        f"| `{n}` | {said} |" for n, said in NAMES.items()
    )


def ways() -> str:
    """In which ways a replay answers a check."""
    found = registry.kinds().values()
    dated = ", ".join(f"`{k.kind}`" for k in found if k.dated)
    again = ", ".join(f"`{k.kind}`" for k in found if k.rejudge)
    return f"""| way | when |
|---|---|
| recorded | the gate was asked then, with the same kind and parameters |
| dated | the kind reads only facts that carry their moment: {dated} |
| rejudged | the facts recorded then suffice for other parameters: {again} |
| gone | the inputs of that moment are no longer known; without a check that stops, the release is left out of the counts |"""


def preconditions() -> str:
    """What a starting deployment is asked, and what the answer usually weighs."""
    rows = [
        f"| `{p.name}` | {p.title}: {p.help} | {p.in_production} | {p.elsewhere} |" for p in PRECONDITIONS
    ]
    return "| precondition | what it asks | production | elsewhere |\n|---|---|---|---|\n" + "\n".join(rows)
