"""OSCAL 1.x JSON: catalogues with groups, controls, enhancements and parameters; profiles as lists of identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .text import CatalogueFaults, CatalogueText, ControlText, Fault, judged, one_line, whole

_INSERT = re.compile(r"\{\{\s*insert:\s*param,\s*([^}\s]+)\s*\}\}")
_DEEPEST = 12
_STATEMENT_PARTS = ("statement", "item")


def read_oscal(document: Mapping[str, Any]) -> CatalogueText:
    """All controls of a catalogue, in its order; an enhancement is part of its control."""
    catalog = document["catalog"]
    if not isinstance(catalog, Mapping):
        raise CatalogueFaults(Fault("/catalog", "It must be an object."))
    metadata = _object(catalog.get("metadata"), "/catalog/metadata")
    controls = list(_walk(catalog, "/catalog", "", "", 0))
    return judged(
        controls,
        "OSCAL catalogue",
        title=one_line(metadata.get("title"), 200),
        version=one_line(metadata.get("version"), 60),
        source_id=one_line(catalog.get("uuid"), 80),
    )


def _walk(node: Mapping[str, Any], place: str, group: str, parent: str, depth: int) -> Iterator[ControlText]:
    if depth > _DEEPEST:
        raise CatalogueFaults(Fault(place, f"Groups and controls are nested deeper than {_DEEPEST} levels."))
    for number, each in enumerate(_list(node.get("controls"), f"{place}/controls")):
        at = f"{place}/controls/{number}"
        control = _object(each, at)
        identifier = one_line(control.get("id"))
        yield _control(control, at, identifier, group, parent)
        yield from _walk(control, at, group, identifier, depth + 1)
    for number, each in enumerate(_list(node.get("groups"), f"{place}/groups")):
        at = f"{place}/groups/{number}"
        inner = _object(each, at)
        title = one_line(inner.get("title"), 160)
        yield from _walk(inner, at, title or group, parent, depth + 1)


def _control(control: Mapping[str, Any], place: str, identifier: str, group: str, parent: str) -> ControlText:
    props = [_object(p, f"{place}/props") for p in _list(control.get("props"), f"{place}/props")]
    labels = [p for p in props if p.get("name") == "label" and p.get("value")]
    plain = next((p for p in labels if not p.get("class")), labels[0] if labels else None)
    words = _parameters(control, place)
    lines = list(_prose(_list(control.get("parts"), f"{place}/parts"), f"{place}/parts", words, 0))
    return ControlText(
        identifier=identifier,
        code=one_line(plain["value"] if plain else identifier.upper()),
        title=one_line(control.get("title")),
        statement=whole("\n".join(lines)),
        group=group,
        parent=parent,
        withdrawn=any(
            p.get("name") == "status" and str(p.get("value")).lower() == "withdrawn" for p in props
        ),
        place=place,
    )


def _parameters(control: Mapping[str, Any], place: str) -> dict[str, str]:
    """What stands for each parameter: its value, its label, or its choices."""
    words: dict[str, str] = {}
    for each in _list(control.get("params"), f"{place}/params"):
        param = _object(each, f"{place}/params")
        select = param.get("select")
        choices = _list(select.get("choice"), f"{place}/params") if isinstance(select, Mapping) else []
        said = (
            ", ".join(one_line(v) for v in _list(param.get("values"), f"{place}/params"))
            or one_line(param.get("label"))
            or "; ".join(one_line(c) for c in choices)
        )
        words[str(param.get("id"))] = said
    return words


def _prose(parts: Sequence[Any], place: str, words: Mapping[str, str], depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise CatalogueFaults(Fault(place, f"Parts are nested deeper than {_DEEPEST} levels."))
    for each in parts:
        part = _object(each, place)
        if part.get("name") not in _STATEMENT_PARTS:
            continue
        label = next(
            (
                one_line(p.get("value"))
                for p in _list(part.get("props"), place)
                if isinstance(p, Mapping) and p.get("name") == "label" and not p.get("class")
            ),
            "",
        )
        text = _filled(one_line(part.get("prose")), words, 0)
        if text:
            yield f"{'  ' * max(0, depth - 1)}{label} {text}".rstrip() if label else text
        yield from _prose(_list(part.get("parts"), place), place, words, depth + 1)


def _filled(text: str, words: Mapping[str, str], depth: int) -> str:
    """The text with its parameters said; a parameter may name others, but not without end."""

    def said(match: re.Match[str]) -> str:
        word = words.get(match.group(1)) or match.group(1)
        return f"[{word if depth > 2 else _filled(word, words, depth + 1)}]"

    return _INSERT.sub(said, text)


def read_profile(document: Any) -> tuple[str, list[str]]:
    """Title and control identifiers of a profile; one that takes whole catalogues or patterns is not a plain list."""
    profile = document.get("profile") if isinstance(document, Mapping) else None
    if not isinstance(profile, Mapping):
        raise CatalogueFaults(Fault("", "This is no OSCAL profile: it has no profile object."))
    metadata = _object(profile.get("metadata"), "/profile/metadata")
    wanted: dict[str, None] = {}
    left_out: set[str] = set()
    for number, each in enumerate(_list(profile.get("imports"), "/profile/imports")):
        at = f"/profile/imports/{number}"
        taken = _object(each, at)
        if "include-all" in taken:
            raise CatalogueFaults(Fault(at, "It includes all controls; name them by with-ids."))
        for chosen in _list(taken.get("include-controls"), f"{at}/include-controls"):
            wanted |= dict.fromkeys(_ids(chosen, f"{at}/include-controls"))
        for chosen in _list(taken.get("exclude-controls"), f"{at}/exclude-controls"):
            left_out |= set(_ids(chosen, f"{at}/exclude-controls"))
    ids = [i for i in wanted if i not in left_out]
    if not ids:
        raise CatalogueFaults(Fault("/profile/imports", "The profile names no controls."))
    return one_line(metadata.get("title"), 200), ids


def _ids(chosen: Any, place: str) -> list[str]:
    selection = _object(chosen, place)
    if selection.get("matching"):
        raise CatalogueFaults(Fault(place, "It selects by pattern; name the controls by with-ids."))
    return [one_line(i) for i in _list(selection.get("with-ids"), place)]


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise CatalogueFaults(Fault(place, "It must be an object."))
    return value


def _list(value: Any, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise CatalogueFaults(Fault(place, "It must be a list."))
    return value
