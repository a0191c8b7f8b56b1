"""What callers of the API rely on, as small as it can be said, and what would break them; pure.

The contract of the last release is kept in docs/reference/api-contract.json. Whatever callers could do by it they must be
able to do still: nothing they call, send or read may vanish, change its type or be asked for anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

# A schema as it matters to callers: a word, [schema] for a list, {"field": schema} for an object ("field!": required).
Shape = Any
_METHODS = ("get", "post", "put", "patch", "delete")


def contract_of(document: dict[str, Any]) -> dict[str, Any]:
    """The contract that an OpenAPI document states."""
    parameters: dict[str, int] = {}
    operations = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                said = _operation(item[method], item.get("parameters", []), document)
                said["takes"] = [parameters.setdefault(each, len(parameters)) for each in said["takes"]]
                operations[f"{method.upper()} {path}"] = {
                    name: value for name, value in said.items() if value
                }
    schemas = document.get("components", {}).get("schemas", {})
    return {
        "parameters": list(parameters),
        "operations": operations,
        "schemas": {name: _shape(schema) for name, schema in schemas.items()},
    }


def _operation(operation: dict[str, Any], shared: list[Any], document: dict[str, Any]) -> dict[str, Any]:
    listed = [_resolved(each, document) for each in [*shared, *operation.get("parameters", [])]]
    body = _resolved(operation.get("requestBody", {}), document)
    answers = {
        status: _media(_resolved(answer, document))
        for status, answer in operation.get("responses", {}).items()
        if str(status).startswith("2")
    }
    return {
        "takes": sorted(
            f"{p['in']} {p['name']}{'!' if p.get('required') else ''} {_word(p.get('schema', {}))}"
            for p in listed
        ),
        "needs body": bool(body.get("required")),
        "body": _media(body),
        "answers": answers,
    }


def _media(holder: dict[str, Any]) -> dict[str, Shape]:
    return {kind: _shape(each.get("schema", {})) for kind, each in holder.get("content", {}).items()}


def _resolved(node: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        node = found
    return node


def _shape(schema: Any) -> Shape:
    if not isinstance(schema, dict):
        return "any"
    if "$ref" in schema:
        return "#" + schema["$ref"].rpartition("/")[2]
    if schema.get("type") == "array" or "items" in schema:
        return [_shape(schema.get("items", {}))]
    if "properties" in schema:
        required = set(schema.get("required", []))
        return {
            f"{name}{'!' if name in required else ''}": _shape(each)
            for name, each in schema["properties"].items()
        }
    return _word(schema)


def _word(schema: dict[str, Any]) -> str:
    """A type in one word: what it is, whether it may be null, which values there are."""
    if "$ref" in schema:
        return "#" + schema["$ref"].rpartition("/")[2]
    for combined in ("oneOf", "anyOf", "allOf"):
        if combined in schema:
            return "|".join(sorted({part for each in schema[combined] for part in _word(each).split("|")}))
    kinds = schema.get("type", "any")
    parts = []
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        detail = schema.get("format", "") if kind in ("string", "number", "integer") else ""
        values = [str(v) for v in schema.get("enum", []) if v is not None] if kind != "null" else []
        parts.append(
            kind + (f":{detail}" if detail else "") + (f"({','.join(sorted(values))})" if values else "")
        )
    return "|".join(sorted(parts))


def written(contract: dict[str, Any]) -> bytes:
    """The contract as it is kept: an operation or a schema a line, so that differences can be read."""
    parts = []
    for name in ("operations", "schemas"):
        lines = [
            f"{orjson.dumps(key).decode()}:{orjson.dumps(value).decode()}"
            for key, value in sorted(contract[name].items())
        ]
        parts.append(f'"{name}":{{\n' + ",\n".join(lines) + "\n}")
    parameters = ",\n".join(orjson.dumps(each).decode() for each in contract["parameters"])
    return ('{"parameters":[\n' + parameters + "\n],\n" + ",\n".join(parts) + "}\n").encode()


def read(text: bytes) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(text)
    return found


def breaks(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What callers of the former contract can no longer do, a sentence each."""
    return list(_Comparison(before, after).breaks())


class _Comparison:
    def __init__(self, before: dict[str, Any], after: dict[str, Any]):
        self.before, self.after = before, after

    def breaks(self) -> Iterator[str]:
        for name, old in self.before["operations"].items():
            new = self.after["operations"].get(name)
            if new is None:
                yield f"{name} is gone."
                continue
            yield from (f"{name}: {said}" for said in self._operation(old, new))

    def _operation(self, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
        had, has = self._takes(self.before, old), self._takes(self.after, new)
        for place, (required, kind) in had.items():
            if place not in has:
                yield f"{place} is no longer taken."
            elif has[place][0] and not required:
                yield f"{place} is required now."
            elif not _accepts(has[place][1], kind):
                yield f"{place} was {kind} and is {has[place][1]}."
        yield from (
            f"{place} is new and required."
            for place, (required, _) in has.items()
            if required and place not in had
        )
        yield from self._bodies(old, new)
        yield from self._answers(old, new)

    def _bodies(self, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
        if new.get("needs body") and not old.get("needs body"):
            yield "a body is required now."
        for media, shape in old.get("body", {}).items():
            if media not in new.get("body", {}):
                yield f"a body of {media} is no longer taken."
            else:
                yield from self._taken(shape, new["body"][media], "the body", set())

    def _answers(self, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
        for status, answer in old.get("answers", {}).items():
            if status not in new.get("answers", {}):
                yield f"it answers {status} no more."
                continue
            for media, shape in answer.items():
                if media not in new["answers"][status]:
                    yield f"it answers {status} no more as {media}."
                else:
                    yield from self._given(
                        shape, new["answers"][status][media], f"the answer {status}", set()
                    )

    def _takes(self, contract: dict[str, Any], operation: dict[str, Any]) -> dict[str, tuple[bool, str]]:
        found = {}
        for index in operation.get("takes", []):
            place, name, kind = contract["parameters"][index].split(" ", 2)
            found[f"{place} {name.removesuffix('!')}"] = (name.endswith("!"), kind)
        return found

    def _taken(self, old: Shape, new: Shape, where: str, seen: set[str]) -> Iterator[str]:
        """What is sent: nothing may be refused that was taken."""
        old, new, known = self._named(old, new, seen)
        if known:
            return
        if isinstance(old, dict) and isinstance(new, dict):
            had, has = _fields(old), _fields(new)
            for name, (required, shape) in had.items():
                if name not in has:
                    yield f"{where} no longer takes {name}."
                    continue
                if has[name][0] and not required:
                    yield f"{where} needs {name} now."
                yield from self._taken(shape, has[name][1], f"{name} of {where}", seen)
            for name, (required, _) in has.items():
                if required and name not in had:
                    yield f"{where} needs {name}, which is new."
        elif isinstance(old, list) and isinstance(new, list):
            yield from self._taken(old[0], new[0], f"each of {where}", seen)
        elif new not in ("any", old) and not (
            isinstance(old, str) and isinstance(new, str) and _accepts(new, old)
        ):
            yield f"{where} was {_said(old)} and is {_said(new)}."

    def _given(self, old: Shape, new: Shape, where: str, seen: set[str]) -> Iterator[str]:
        """What is read: everything that was there is there, and of the same kind."""
        old, new, known = self._named(old, new, seen)
        if known:
            return
        if isinstance(old, dict) and isinstance(new, dict):
            had, has = _fields(old), _fields(new)
            for name, (required, shape) in had.items():
                if name not in has:
                    yield f"{where} has no {name} any more."
                    continue
                if required and not has[name][0]:
                    yield f"{where} may lack {name} now."
                yield from self._given(shape, has[name][1], f"{name} of {where}", seen)
        elif isinstance(old, list) and isinstance(new, list):
            yield from self._given(old[0], new[0], f"each of {where}", seen)
        elif old not in ("any", "object", new) and not (
            isinstance(old, str) and isinstance(new, str) and _reads_alike(old, new)
        ):
            yield f"{where} was {_said(old)} and is {_said(new)}."

    def _named(self, old: Shape, new: Shape, seen: set[str]) -> tuple[Shape, Shape, bool]:
        """Names stand for what each contract says of them; a pair that was compared already is not compared again."""
        pair = f"{old} {new}" if isinstance(old, str) and isinstance(new, str) else ""
        if pair.startswith("#"):
            if pair in seen:
                return old, new, True
            seen.add(pair)
        return self._meant(self.before, old), self._meant(self.after, new), False

    def _meant(self, contract: dict[str, Any], shape: Shape) -> Shape:
        while isinstance(shape, str) and shape.startswith("#") and shape[1:] in contract["schemas"]:
            shape = contract["schemas"][shape[1:]]
        return shape


def _fields(shape: dict[str, Shape]) -> dict[str, tuple[bool, Shape]]:
    return {name.removesuffix("!"): (name.endswith("!"), each) for name, each in shape.items()}


def _said(shape: Shape) -> str:
    return shape if isinstance(shape, str) else "a list" if isinstance(shape, list) else "an object"


def _parts(word: str) -> dict[str, set[str] | None]:
    """Each kind of a word with its values; None: any."""
    found: dict[str, set[str] | None] = {}
    for part in word.split("|"):
        kind, _, values = part.partition("(")
        found[kind] = set(values.removesuffix(")").split(",")) if values else None
    return found


def _accepts(new: str, old: str) -> bool:
    """Whether whatever the old word allowed is allowed by the new one."""
    if new in (old, "any"):
        return True
    allowed = _parts(new)
    for kind, values in _parts(old).items():
        general = kind.partition(":")[0]
        if (
            kind not in allowed
            and general not in allowed
            and not (general == "integer" and "number" in allowed)
        ):
            return False
        limited = allowed.get(kind, allowed.get(general))
        if limited is not None and (values is None or not values <= limited):
            return False
    return True


def _reads_alike(old: str, new: str) -> bool:
    """Whether a reader of the old word can read the new one: no further kind, above all no null. New values may come."""
    if old == "any":
        return True
    known = set(_parts(old))
    return all(kind in known or kind.partition(":")[0] in known for kind in _parts(new))
