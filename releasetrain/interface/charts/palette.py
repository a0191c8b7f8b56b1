"""The light palette as SVG attributes, for charts in documents, where no style sheet reaches."""

from __future__ import annotations

INK, SOFT, LINE, PAPER = "#12181f", "#48515c", "#dde1e7", "#ffffff"
CATEGORY = ("#2356c7", "#c8760f", "#1f8f80", "#7b2a73", "#3b8fbf", "#3a414b")
STATUS = {
    "ok": "#0a7d62",
    "warn": "#c4850a",
    "bad": "#961016",
    "hold": "#9a70e6",
    "info": "#006c97",
    "idle": "#7f8791",
}
HEAT = ("#e6e9ee", "#dbe6fb", "#b3cbf5", "#7fa5ea", "#3f70d1", "#16398d")
AREA = ("#16398d", "#3f70d1", "#8fb0ec", "#b9c6dc", "#d5dbe4", "#e6e9ee")

_BY_CLASS: dict[str, dict[str, str]] = {
    "grid": {"stroke": LINE},
    "axis": {"stroke": "#8a929d"},
    "mean": {"stroke": "#5a636e", "fill": "none"},
    "limit": {"stroke": STATUS["bad"], "stroke-dasharray": "6 4", "fill": "none"},
    "target": {"stroke": STATUS["ok"], "stroke-dasharray": "3 3", "fill": "none"},
    "line": {"fill": "none", "stroke": CATEGORY[0], "stroke-width": "1.8", "stroke-linejoin": "round"},
    "dash": {"stroke-dasharray": "5 4"},
    "pt": {"fill": CATEGORY[0]},
    "run": {"fill": PAPER, "stroke": STATUS["warn"], "stroke-width": "2"},
    "out": {"fill": STATUS["bad"], "stroke": PAPER, "stroke-width": "1.2"},
    "event": {"stroke": STATUS["hold"], "stroke-dasharray": "2 3"},
    "band": {"fill": CATEGORY[0], "fill-opacity": ".14"},
    "inner": {"fill-opacity": ".24"},
    "bar": {"fill": CATEGORY[0]},
    "planned": {"fill": "none", "stroke": "#5a636e", "stroke-dasharray": "3 2"},
    "now": {"stroke": CATEGORY[0], "stroke-width": "1.5"},
    "strong": {"fill": INK, "font-weight": "600"},
    **{f"h{n}": {"fill": colour} for n, colour in enumerate(HEAT)},
    **{f"ht{n}": {"fill": PAPER if n > 3 else INK} for n in range(6)},
    **{f"a{n}": {"fill": colour} for n, colour in enumerate(AREA, start=1)},
}


def attributes_of(tag: str, css: str) -> dict[str, str]:
    """The attributes that say what the classes say."""
    found: dict[str, str] = {"fill": SOFT} if tag == "text" else {}
    names = css.split()
    for name in names:
        if name in STATUS or (name[:1] == "c" and name[1:].isdigit()):
            colour = STATUS.get(name) or CATEGORY[int(name[1:]) - 1]
            found["stroke" if "line" in names else "fill"] = colour
        else:
            found.update(_BY_CLASS.get(name, {}))
    return found
