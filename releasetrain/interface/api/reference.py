"""The API reference as a document: conventions, every endpoint, every problem code."""

from __future__ import annotations

from .explorer import Group, groups
from .problem_catalogue import catalogue

_HEAD = """# API reference

Written by `manage.py write_schema`; do not edit. As a machine reads it: [`openapi.yaml`](../openapi.yaml).
A first call and the conventions in full: [API quickstart](../api-quickstart.md).

All paths stand below `/api/v1/orgs/{org}`; `{id}` is an object's id or, where it has one, its key.
Lists take `limit`, `cursor`, `sort`, `fields`, `q` and the filters that the schema names.

"""


def as_markdown() -> str:
    """The whole document."""
    return _HEAD + "\n".join(_group(group) for group in groups()) + "\n" + _problems()


def _group(group: Group) -> str:
    lines = [f"## {group.title}", "", "| call | what | permission | parameters |", "|---|---|---|---|"]
    for endpoint in group.endpoints:
        path = endpoint.path.removeprefix("/api/v1/orgs/{org}")
        parameters = ", ".join(
            f"`{name}`{'' if required else '?'}" for name, _, required, _ in endpoint.parameters
        )
        lines.append(
            f"| `{endpoint.method} {path}` | {_cell(endpoint.summary)}"
            f" | `{endpoint.requires}` | {parameters} |"
        )
    return "\n".join(lines) + "\n"


def _problems() -> str:
    lines = ["## Problem codes", "", "| code | meaning | what makes it pass |", "|---|---|---|"]
    lines += [f"| `{p.code}` | {_cell(p.meaning)} | {_cell(p.remedy)} |" for p in catalogue().values()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
