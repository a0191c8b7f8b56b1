"""What an address asks about: a train and a Program Increment of it, by key or id, or a refusal that names the word."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Q

from planning.states import OPEN
from releasetrain.kernel.refusals import refuse
from releasetrain.tenancy.models import row_id
from trains.models import Iteration, ProgramIncrement, Team, Train

from . import execution, forecast, increments


def train_of(query: Mapping[str, str], trains: list[Train] | None = None) -> Train | None:
    """The train named by `train`, else the busiest that runs; None when there is none at all."""
    listed = trains if trains is not None else running()
    word = query.get("train", "").strip()
    if not word:
        return busiest(listed)
    found = next((t for t in listed if word in (t.key, str(t.pk)) or word.upper() == t.key), None)
    if found is None:
        refuse("train.unknown", f"There is no train {word[:60]}.", field="train", status=422)
    return found


def running() -> list[Train]:
    """Trains that are not archived, by key, with the size of their open backlog."""
    rows = Train.objects.filter(archived_at__isnull=True)
    return list(
        rows.annotate(open_features=Count("features", filter=Q(features__state__in=OPEN))).order_by("key")
    )


def busiest(trains: list[Train]) -> Train | None:
    """The one of those that `running` gave with the largest open backlog, the first among equals."""
    return max(trains, key=lambda train: train.open_features, default=None)  # type: ignore[attr-defined]


def increment_of(query: Mapping[str, str], train: Train | None) -> ProgramIncrement | None:
    """The Program Increment named by `pi`: its id or its name."""
    word = query.get("pi", "").strip()
    if not word or train is None:
        return None
    rows = ProgramIncrement.objects.filter(train=train).select_related("train")
    ident = row_id(word)
    found = (rows.filter(pk=ident) if ident else rows.filter(name=word)).first()
    if found is None:
        refuse("pi.unknown", f"{train.name} has no Program Increment {word[:60]}.", field="pi", status=422)
    return found


def team_of(query: Mapping[str, str], train: Train | None) -> Team | None:
    """The team named by `team`: its id or its code."""
    word = query.get("team", "").strip()
    if not word or train is None:
        return None
    rows = Team.objects.filter(train=train)
    ident = row_id(word)
    found = (rows.filter(pk=ident) if ident else rows.filter(code__iexact=word)).first()
    if found is None:
        refuse("team.unknown", f"{train.name} has no team {word[:60]}.", field="team", status=422)
    return found


def flag(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    """A yes or no of an address."""
    word = query.get(name, "").strip().lower()
    if not word:
        return default
    if word not in ("1", "0", "true", "false", "yes", "no", "on", "off"):
        refuse("flag.unknown", f"“{word[:20]}” is neither yes nor no.", field=name, status=422)
    return word in ("1", "true", "yes", "on")


def required_train(query: Mapping[str, str]) -> Train:
    """The train named by `train`, else the first; refused when there is none."""
    train = train_of(query)
    if train is None:
        refuse("train.absent", "There is no train yet.", remedy="Create one.", status=404)
    return train


def whole(query: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    """A whole number of an address, within its limits."""
    word = query.get(name, "").strip()
    if not word:
        return default
    number = int(word) if word.isascii() and word.isdigit() and len(word) < 12 else -1
    if not least <= number <= most:
        sentence = f"“{word[:20]}” is not a whole number from {least} to {most}."
        refuse("number.range", sentence, field=name, status=422)
    return number


def outlook_of(query: Mapping[str, str]) -> tuple[Train, forecast.Outlook]:
    """The forecast that an address asks for."""
    train = required_train(query)
    unit = query.get("unit", "").strip() or "features"
    if unit not in ("features", "points"):
        refuse("unit.unknown", "The unit is features or points.", field="unit", status=422)
    found = forecast.outlook(
        train,
        increment_of(query, train),
        team_of(query, train),
        points=unit == "points",
        weeks=whole(query, "weeks", default=forecast.HISTORY_WEEKS, least=4, most=104),
        seed=whole(query, "seed", default=1, least=0, most=2**32 - 1),
    )
    return train, found


def iteration_of(query: Mapping[str, str], train: Train, listed: list[Iteration]) -> Iteration | None:
    """The iteration named by `iteration` (id or name), else the one that runs; None when there is none at all."""
    word = query.get("iteration", "").strip()
    if not word:
        return execution.running(train, listed)
    found = next((i for i in listed if word in (str(i.pk), i.name)), None)
    if found is None:
        refuse(
            "iteration.unknown", f"{train.name} has no iteration {word[:60]}.", field="iteration", status=422
        )
    return found


def required_increment(query: Mapping[str, str]) -> ProgramIncrement:
    """The Program Increment named by `train` and `pi`, else the train's current one; refused when there is none."""
    train = train_of(query)
    found = increment_of(query, train)
    if found is None and train is not None:
        listed = list(
            ProgramIncrement.objects.filter(train=train).select_related("train").order_by("-starts")
        )
        found = increments.current(listed, increments.today_of(train))
    if found is None:
        refuse("pi.absent", "There is no Program Increment yet.", remedy="Create one.", status=404)
    return found
