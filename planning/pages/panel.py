"""The panel of test strategies in the release cockpit."""

from __future__ import annotations

from django.http import HttpRequest

from planning.actions.strategy import write_for_feature, write_for_release
from planning.models import Feature
from planning.queries.strategy import Standing, readiness
from releasetrain.interface import links
from trains.models import Release
from trains.ports import Panel, cockpit_panels


@cockpit_panels
def strategy_panel(request: HttpRequest, release: Release) -> Panel | None:
    """How the release and each feature in its scope are tested, with their gaps."""
    found = readiness(release)
    rows = [
        {"standing": each, "url": _address(each), "words": _words(each)}
        for each in [found.own, *found.features]
    ]
    return "Test strategy", "planning/_strategies.html", {"rows": rows, "readiness": found}, 55


def _address(each: Standing) -> str:
    """The strategy, or the form that begins one."""
    if each.strategy is not None:
        return links.url_for(each.strategy)
    write = write_for_feature if isinstance(each.subject, Feature) else write_for_release
    return links.verb_url(write, each.subject)


def _words(each: Standing) -> str:
    if each.strategy is None:
        return each.gaps[0].sentence
    share = f"{each.automated} % automated" if each.automated is not None else "no lines"
    grave = len(each.grave)
    gaps = f"{grave} gap{'s' if grave != 1 else ''}" if grave else "no gaps"
    return f"{each.strategy.get_state_display()}, {share}, {gaps}."
