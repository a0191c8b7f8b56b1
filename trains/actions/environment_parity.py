"""Verbs of parity: what was seen of environments, how they are described as code, and differences tolerated for a while."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.canonical import digest as digest_of
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Environment, EnvironmentFacts, ToleratedDifference
from trains.models.artifact import DIGEST
from trains.queries.parity import parity_of
from trains.rules.parity import facts_fault

# A scanner that looks every minute and sees the same keeps one row an hour.
QUIET = timedelta(hours=1)
AHEAD = timedelta(minutes=5)
LONGEST = timedelta(days=180)
MOST_SETS = 50

explain_constraint(
    "tolerated_difference_of_two_environments", "A difference of environments is one between two of them."
)
explain_constraint("environment_facts_say_something", "A set of facts holds at least one.")

Source = Annotated[str, Field("Source", help="The pipeline or scanner that looked.", max_length=80)]
Moment = Annotated[datetime | None, Field("Observed at", help="Empty: now.")]


@action(
    "environment_facts.post",
    creates=EnvironmentFacts,
    requires="results.post",
    within="environment",
    label="Post what was seen of an environment",
    quiet=("facts",),
)
def post_facts(
    actor: Actor,
    *,
    environment: Environment,
    source: Source,
    facts: Annotated[
        dict,
        Field(
            "Facts",
            help='Everything that was seen, by name: {"versions": {"ledger": "5.2.0"}, "sizes": {"ledger memory":'
            ' "2Gi"}, "flags": {"tls": true}, "digests": {"ledger": "sha256:…"}}.',
        ),
    ],
    observed_at: Moment = None,
) -> EnvironmentFacts:
    """Post everything that one source sees of an environment: the set replaces what it said before, which stays on record."""
    scanner, moment = _looked(source, observed_at)
    if fault := facts_fault(facts):
        refuse("environment_facts.facts", fault, field="facts")
    return _kept(environment, scanner, moment, facts)[0]


@action(
    "environment_facts.post_all",
    creates=EnvironmentFacts,
    requires="results.post",
    label="Post what was seen of several environments",
    quiet=("sets",),
)
def post_fact_sets(
    actor: Actor,
    *,
    source: Source,
    sets: Annotated[
        list, Field("Sets", help='[{"environment": "staging", "facts": {"versions": {"ledger": "5.2.0"}}}]')
    ],
    observed_at: Moment = None,
) -> dict[str, int]:
    """Post what one source sees of several environments: all sets or none."""
    scanner, moment = _looked(source, observed_at)
    if not 1 <= len(sets) <= MOST_SETS:
        refuse("environment_facts.sets", f"Give 1 to {MOST_SETS} sets.", field="sets")
    rows = [_set(number, row) for number, row in enumerate(sets, 1)]
    names = [name for name, _ in rows]
    known = {e.name: e for e in Environment.objects.filter(name__in=names)}
    fresh = 0
    for number, (name, facts) in enumerate(rows, 1):
        environment = known.get(name)
        if environment is None:
            refuse(
                "environment.unknown",
                f"Set {number}: there is no environment {name[:80]}.",
                remedy="Name one that is registered.",
                field="sets",
            )
        if names.count(name) > 1:
            refuse("environment_facts.twice", f"{name} is there more than once.", field="sets")
        if not actor.may("results.post", environment):
            refuse(
                "permission.missing", f"You need the permission results.post on {environment}.", status=403
            )
        fresh += _kept(environment, scanner, moment, facts)[1]
    return {"posted": len(rows), "recorded": fresh, "unchanged": len(rows) - fresh}


def _looked(source: str, observed_at: datetime | None) -> tuple[str, datetime]:
    scanner = source.strip()
    if not scanner:
        refuse("environment_facts.source", "Name the pipeline or scanner that looked.", field="source")
    moment = observed_at or now()
    if moment > now() + AHEAD:
        refuse("environment_facts.future", "It lies in the future.", field="observed_at")
    return scanner, moment


def _set(number: int, row: Any) -> tuple[str, dict[str, Any]]:
    if not isinstance(row, dict) or set(row) != {"environment", "facts"}:
        refuse(
            "environment_facts.set", f"Set {number} is no object of an environment and facts.", field="sets"
        )
    name = row["environment"]
    if not isinstance(name, str) or "\0" in name:
        refuse("environment_facts.set", f"Set {number}: an environment is named by its name.", field="sets")
    if fault := facts_fault(row["facts"]):
        refuse("environment_facts.facts", f"Set {number}: {fault}", field="sets")
    return name, row["facts"]


def _kept(
    environment: Environment, source: str, moment: datetime, facts: Mapping[str, Any]
) -> tuple[EnvironmentFacts, bool]:
    """The row that says this, and whether it is new. One reporter at a time per environment."""
    Environment.objects.select_for_update(no_key=True).get(pk=environment.pk)
    print_ = digest_of(facts)
    mine = EnvironmentFacts.objects.filter(environment=environment, source=source)
    before = mine.filter(observed_at__lte=moment).order_by("-observed_at").first()
    if before and before.digest == print_ and moment - before.observed_at < QUIET:
        before.repeated = True
        return before, False
    if before and before.observed_at == moment:
        refuse(
            "environment_facts.other",
            f"{source} posted another set for that moment.",
            remedy="Give the moment at which this set was seen.",
            blocked_by=Ref.of(before),
        )
    row = EnvironmentFacts.objects.create(
        environment=environment,
        source=source,
        observed_at=moment,
        facts=facts,
        digest=print_,
        count=sum(len(rows) for rows in facts.values()),
    )
    return row, True


@action(
    "environment.describe",
    on=Environment,
    requires="deployments.record",
    label="Say which infrastructure code was applied",
)
def describe_environment(
    actor: Actor,
    environment: Environment,
    *,
    repository: Annotated[
        str, Field("Repository", help="Where its infrastructure is described.", max_length=300)
    ],
    path: Annotated[str, Field("Path there", max_length=300)] = "",
    revision: Annotated[str, Field("Revision", help="Commit or tag that was applied.", max_length=120)] = "",
    digest: Annotated[
        str, Field("Digest", help="sha256: of the description that was applied.", max_length=71)
    ] = "",
) -> Environment:
    """Say by which infrastructure code the environment was made: a pipeline does so after each apply."""
    if not repository.strip():
        refuse("environment.iac", "Name the repository.", field="repository")
    if not revision.strip() and not digest:
        refuse("environment.iac", "Say the revision, or the digest, that was applied.", field="revision")
    if digest and not re.fullmatch(DIGEST, digest):
        refuse("environment.iac", "A digest is sha256: and 64 hexadecimal digits.", field="digest")
    environment.iac_repository = repository.strip()
    environment.iac_path = path.strip()
    environment.iac_revision = revision.strip()
    environment.iac_digest = digest
    environment.save()
    return environment


@action(
    "environment.tolerate",
    on=Environment,
    requires="waivers.grant",
    label="Tolerate a difference",
    lock=False,
)
def tolerate_difference(
    actor: Actor,
    environment: Environment,
    *,
    other: Annotated[Environment, Field("Compared with")],
    fingerprint: Annotated[str, Field("Difference", help="Its fingerprint.", max_length=71)],
    until: Annotated[datetime, Field("Tolerated until")],
    reason: Annotated[str, Field("Reason", long=True)],
) -> ToleratedDifference:
    """Accept one exact difference of two environments for a while. Ending it early is a verb of the tolerated difference."""
    moment = now()
    if other.pk == environment.pk:
        refuse("parity.same", "Compare two different environments.", field="other")
    found = {f.difference.fingerprint: f for f in parity_of(environment, other, moment).found}
    chosen = found.get(fingerprint)
    if chosen is None:
        refuse(
            "tolerated_difference.gone",
            f"{environment} and {other} have no such difference now.",
            remedy="Look at the differences again; a changed value is a new difference.",
            field="fingerprint",
        )
    if chosen.tolerated:
        refuse(
            "tolerated_difference.stands",
            f"It is tolerated until {chosen.tolerated.expires_at:%Y-%m-%d}.",
            blocked_by=Ref.of(chosen.tolerated),
        )
    if not reason.strip():
        refuse("tolerated_difference.reason", "Say why it may stay for a while.", field="reason")
    if not moment < until <= moment + LONGEST:
        refuse(
            "tolerated_difference.until",
            f"A difference is tolerated for at most {LONGEST.days} days from now.",
            field="until",
        )
    if actor.user_id is None:
        refuse("tolerated_difference.person", "A person accepts a difference.", status=403)
    return ToleratedDifference.objects.create(
        environment=environment,
        compared_with=other,
        fingerprint=fingerprint,
        sentence=chosen.sentence,
        reason=reason.strip(),
        accepted_by_id=actor.user_id,
        accepted_at=moment,
        expires_at=until,
    )
