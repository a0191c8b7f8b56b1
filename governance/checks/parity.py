"""The check of parity: two environments were seen lately and do not differ, but for what somebody tolerates for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from trains.models import Environment
from trains.queries.parity import Parity, parity_of
from trains.rules.parity import IAC, KINDS, MISSING, apart_from, stale

from .context import CheckContext
from .parameters import BadParameter, Parameter
from .registry import Outcome, check, failed, passed, pending

_SHOWN = 5
# What runtimes see comes without an act that would end a verdict; so a verdict about it is short.
_STANDS = timedelta(minutes=10)


def _kinds_known(given: Any) -> Any:
    unknown = sorted(set(given) - set(KINDS))
    if unknown or not given:
        raise BadParameter(f"Kinds compared: some of {', '.join(KINDS)}.")
    return given


def _environment_known(given: Any) -> Any:
    if given and not Environment.objects.filter(name=given).exists():
        raise BadParameter(f"There is no environment {given[:80]}.")
    return given


@check(
    "environment-parity",
    title="Environments alike",
    parameters={
        "left": Parameter(
            str,
            "Environment",
            "",
            "By name; empty: the one that the gate guards.",
            longest=80,
            vet=_environment_known,
        ),
        "right": Parameter(
            str,
            "Compared with",
            "",
            "By name; empty: the one before it on the way to production.",
            longest=80,
            vet=_environment_known,
        ),
        "kinds": Parameter(list, "Kinds compared", list(KINDS), f"Of {', '.join(KINDS)}.", vet=_kinds_known),
    },
    words=lambda left, right, kinds: (
        f"{left or 'The environment'} and {right or 'the one before it'} do not differ in"
        f" {', '.join(kinds)}, each seen within the age limit; tolerated differences have a reason and a day."
    ),
    max_age_hours=24,
)
def environment_parity(ctx: CheckContext, *, left: str, right: str, kinds: list[str]) -> Outcome:
    """Compares what was seen of two environments. What the release itself brings is no difference; not seen is no pass."""
    here = {"name": left} if left else {"pk": ctx.environment.pk}
    one = Environment.objects.filter(**here).first()
    other = _other(one, right)
    if one is None or other is None or one.pk == other.pk:
        named = left if one is None else right
        return pending(
            f"There is no environment {named}." if named and not other else "There are no two environments.",
            "Publish a version of the gate that names two environments.",
            facts={"environments": [str(each.pk) if each else None for each in (one, other)]},
        )
    seen = parity_of(one, other, ctx.at, kinds)
    facts: dict[str, Any] = {
        "environments": [str(one.pk), str(other.pk)],
        "differences": sorted(
            [f.difference.fingerprint, str(f.tolerated.pk) if f.tolerated else ""] for f in seen.found
        ),
    }
    unknown = _unknown(seen, ctx, kinds)
    if unknown:
        return pending(
            " ".join(unknown[:_SHOWN]),
            "Have its pipelines and scanners post what they see.",
            evidence=[one, other],
            facts=facts,
        )
    carried = {a.service.name: (a.version, a.digest) for a in ctx.artifacts}
    by_print = {f.difference.fingerprint: f for f in seen.found}
    stay, brought = apart_from([f.difference for f in seen.open], carried)
    if stay:
        more = len(stay) - _SHOWN
        return failed(
            " ".join(d.sentence for d in stay[:_SHOWN]) + (f" And {more} more." if more > 0 else ""),
            "Make them alike, or have the difference tolerated with a reason and a day.",
            evidence=[one, other],
            facts=facts,
            as_of=seen.oldest,
        )
    tolerated = [f.tolerated for f in by_print.values() if f.tolerated]
    said = [f"{seen.alike} facts say the same in {one} and {other}"]
    if tolerated:
        said.append(f"{len(tolerated)} differences are tolerated")
    if brought:
        said.append(f"{len(brought)} come with the release")
    return passed(
        f"{'; '.join(said)}.",
        evidence=[one, other, *tolerated[:20]],
        facts=facts,
        as_of=seen.oldest,
        valid_until=min([ctx.at + _STANDS, *(t.expires_at for t in tolerated)]),
    )


def _other(left: Environment | None, named: str) -> Environment | None:
    """The environment that is named, or the one before this on the way to production."""
    if named or left is None:
        return Environment.objects.filter(name=named).first()
    before = Environment.objects.filter(rank__lt=left.rank)
    own = before.filter(train=left.train_id).order_by("-rank", "name").first() if left.train_id else None
    return own or before.filter(train__isnull=True).order_by("-rank", "name").first()


def _unknown(seen: Parity, ctx: CheckContext, kinds: list[str]) -> list[str]:
    """Why the comparison says nothing: not looked at, not lately, not described."""
    said = []
    for sight in (seen.left_sight, seen.right_sight):
        if set(kinds) != {IAC} and not sight.observed:
            said.append(f"Nobody has said what is in {sight.name}.")
        for old in stale(sight, ctx.at - ctx.max_age):
            said.append(
                f"{old.source} saw {old.name} in {sight.name} last on {old.seen_at:%Y-%m-%d %H:%M} UTC,"
                f" longer ago than {ctx.max_age.total_seconds() / 3600:g} h."
            )
        if IAC in kinds and not sight.iac.known:
            said.append(f"Nobody has said which infrastructure code was applied to {sight.name}.")
        facts = {kind for kind, _ in sight.facts}
        silent = [kind for kind in kinds if kind not in (MISSING, IAC) and kind not in facts]
        if silent and sight.observed and MISSING not in kinds:
            said.append(f"No {silent[0]} of {sight.name} was reported.")
    return said
