"""Verbs of gates: what they demand, and asking them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from governance.checks import registry
from governance.checks.parameters import BadParameters
from governance.gates import invalidate
from governance.models import Evaluation, Gate, GateVersion
from governance.queries.subjects import meets, subject_of
from governance.states.gates import GATE_MODES
from releasetrain.accounts.catalogue import ROLES, Role
from releasetrain.audit.doorway import action
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.canonical import digest
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Ref, Refusal, Refused, refuse
from releasetrain.tenancy.tasks import enqueue
from trains.models import Artifact, Environment, Release, Service, Train

MOST_CHECKS = 60
LONGEST_AGE_HOURS = 24 * 366
# Roles that carry the right to waive, of which a gate names one for each check.
WAIVING_ROLES = tuple(r for r in Role if "waivers.grant" in ROLES[r].permissions)
USUAL_WAIVER = Role.COMPLIANCE_OFFICER
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,78}[a-z0-9]|[a-z0-9]")


@action("gate.create", creates=Gate, requires="gates.manage", within="train")
def create_gate(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=120)],
    environment: Annotated[
        Environment,
        Field("Guards", help="What passes the gate may enter this environment."),
    ],
    train: Annotated[Train | None, Field("Of train", help="Empty: of every train.")] = None,
    service: Annotated[Service | None, Field("Of service", help="Empty: of every service.")] = None,
    description: Annotated[str, Field("Description", long=True)] = "",
    checks: Annotated[
        list | None,
        Field("Checks", help="Published as version 1: a list of kind, name, parameters, max_age_hours."),
    ] = None,
    advisory: Annotated[
        bool, Field("Advisory", help="Evaluated and shown, but it holds nothing up until it is made binding.")
    ] = False,
) -> Gate:
    """Set a gate before an environment."""
    owner = service or train
    if not actor.may("gates.manage", owner):
        refuse("permission.missing", "You need the permission gates.manage there.", status=403)
    if service and train and service.train_id != train.pk:
        refuse("gate.scope", f"{service} is not a service of {train}.", field="service")
    if environment.train_id and train and environment.train_id != train.pk:
        refuse("gate.scope", f"{environment} belongs to another train.", field="environment")
    if Gate.objects.filter(environment=environment, name=name).exclude(mode=Gate.Mode.RETIRED).exists():
        refuse("gate.name", f"{environment} has a gate called {name}.", field="name")
    gate = Gate.objects.create(
        name=name,
        environment=environment,
        train=train,
        service=service,
        description=description,
        mode=Gate.Mode.SHADOW if advisory else Gate.Mode.ACTIVE,
    )
    if checks:
        publish_version(actor, gate, checks=checks, note="First version")
    # Whoever asks at this environment now meets one gate more.
    invalidate(environment=environment)
    return gate


@action("gate.publish_version", on=Gate, requires="gates.manage", hidden=True)
def publish_version(
    actor: Actor,
    gate: Gate,
    *,
    checks: Annotated[
        list, Field("Checks", help="In order: kind, name, parameters, max_age_hours, waivable, waived_by.")
    ],
    note: Annotated[str, Field("What changes and why", long=True)] = "",
) -> GateVersion:
    """Publish a new version of the gate's checks. Evaluations name the version that they used."""
    if gate.mode == Gate.Mode.RETIRED:
        refuse("gate.retired", f"{gate} is retired.")
    clean = clean_checks(checks)
    last = gate.current_version
    content = digest(clean)
    if last and last.digest == content:
        refuse("gate.unchanged", f"Version {last.number} has exactly these checks.", blocked_by=Ref.of(gate))
    invalidate(gate=gate)
    return GateVersion.objects.create(
        gate=gate,
        number=(last.number if last else 0) + 1,
        checks=clean,
        note=note,
        published_by=actor.user_id,
        digest=content,
    )


def clean_checks(checks: list[Any]) -> list[dict[str, Any]]:
    """Checks as a version keeps them; refuses with everything that is wrong, each at its field."""
    clean: list[dict[str, Any]] = []
    faults: list[Refusal] = []
    for number, given in enumerate(checks[: MOST_CHECKS + 1]):
        try:
            clean.append(_clean_check(number, given))
        except Refused as refused:
            faults += refused.refusals
    if faults:
        raise Refused(*faults)
    if not clean:
        refuse("gate.empty", "A gate has at least one check; without any it could not pass.", field="checks")
    if len(clean) > MOST_CHECKS:
        refuse("gate.too_many", f"A gate has at most {MOST_CHECKS} checks.", field="checks")
    names = [c["name"] for c in clean]
    doubled = next((n for n in names if names.count(n) > 1), None)
    if doubled:
        second = len(names) - 1 - names[::-1].index(doubled)
        refuse(
            "gate.name_twice",
            f"Two checks are called {doubled}; waivers name a check.",
            field=f"checks/{second}/name",
        )
    return clean


def _clean_check(number: int, given: Any) -> dict[str, Any]:
    """One check as it is kept; every default is written out, so that a version says all by itself."""
    where = f"checks/{number}"
    if not isinstance(given, dict):
        refuse("check.shape", "A check is an object.", field=where)
    unknown = set(given) - {"kind", "name", "parameters", "max_age_hours", "waivable", "waived_by"}
    if unknown:
        refuse("check.field", f"A check has no field {sorted(unknown)[0]}.", field=where)
    kind = registry.find(str(given.get("kind", "")))
    if kind is None:
        refuse(
            "check.kind",
            f"There is no check of kind {given.get('kind')!s:.60}.",
            remedy=f"Kinds: {', '.join(registry.kinds())}.",
            field=f"{where}/kind",
        )
    name = str(given.get("name") or kind.kind).strip().lower().replace(" ", "-")
    if not _NAME.fullmatch(name):
        refuse(
            "check.name",
            "A check's name has small letters, digits and hyphens, at most 80.",
            field=f"{where}/name",
        )
    age = given.get("max_age_hours", kind.max_age_hours)
    if isinstance(age, bool) or not isinstance(age, int | float) or not 0 < age <= LONGEST_AGE_HOURS:
        refuse(
            "check.age",
            "Every check says how old its evidence may be: more than 0 and at most 8784 hours.",
            field=f"{where}/max_age_hours",
        )
    parameters = given.get("parameters") or {}
    if not isinstance(parameters, dict):
        refuse("check.parameters", "The parameters are an object.", field=f"{where}/parameters")
    try:
        clean = kind.vetted(parameters)
    except BadParameters as error:
        raise Refused(
            *[
                Refusal("check.parameters", said, field=f"{where}/parameters/{name}", status=422)
                for name, said in error.faults.items()
            ]
        ) from error
    waivable = given.get("waivable", True)
    if not isinstance(waivable, bool):
        refuse("check.waivable", "Whether a check may be waived is true or false.", field=f"{where}/waivable")
    waived_by = given.get("waived_by") or USUAL_WAIVER.value
    if waived_by not in [role.value for role in WAIVING_ROLES]:
        refuse(
            "check.waived_by",
            f"Waivers are granted by one of these roles: {', '.join(role.value for role in WAIVING_ROLES)}.",
            field=f"{where}/waived_by",
        )
    return {
        "kind": kind.kind,
        "name": name,
        "parameters": clean,
        "max_age_hours": age,
        "waivable": waivable,
        "waived_by": str(waived_by),
    }


@action("gate.bind", on=Gate, requires="gates.manage", machine=GATE_MODES, label="Make binding")
def bind_gate(actor: Actor, gate: Gate, *, reason: Annotated[str, Field("Reason", long=True)]) -> Gate:
    """Let an advisory gate hold up what does not pass it."""
    _set_changed(gate)
    return gate


@action(
    "gate.advise",
    on=Gate,
    requires="gates.manage",
    machine=GATE_MODES,
    label="Make advisory",
    danger=True,
    confirm="What fails this gate is let through from now on.",
)
def advise_gate(actor: Actor, gate: Gate, *, reason: Annotated[str, Field("Reason", long=True)]) -> Gate:
    """Evaluate and show the gate without holding anything up."""
    _set_changed(gate)
    return gate


@action(
    "gate.retire",
    on=Gate,
    requires="gates.manage",
    machine=GATE_MODES,
    danger=True,
    confirm="Nothing is held up by this gate any more. Its history stays.",
)
def retire_gate(actor: Actor, gate: Gate, *, reason: Annotated[str, Field("Reason", long=True)]) -> Gate:
    """Take a gate away."""
    _set_changed(gate)
    return gate


def _set_changed(gate: Gate) -> None:
    """Which gates stand before the environment, or bind, has changed."""
    invalidate(gate=gate, environment=gate.environment_id)


@action("gate.evaluate", creates=Evaluation, requires="gates.ask", within="release", label="Evaluate")
def evaluate_gate(
    actor: Actor,
    *,
    gate: Gate,
    release: Annotated[Release | None, Field("Release", help="Either a release or an artifact.")] = None,
    artifact: Annotated[Artifact | None, Field("Artifact")] = None,
) -> Evaluation:
    """Ask a gate about a release or an artifact; a worker gives the verdict.

    While it works, asking again gives the same evaluation.
    """
    if (release is None) == (artifact is None):
        refuse("gate.subject", "Ask about a release or about an artifact.", field="release")
    subject = subject_of(release, artifact)
    if not actor.may("gates.ask", subject.object):
        refuse("permission.missing", "You need the permission gates.ask there.", status=403)
    version = gate.current_version
    if gate.mode == Gate.Mode.RETIRED or version is None:
        refuse("gate.not_in_force", f"{gate} has no published version in force.", blocked_by=Ref.of(gate))
    if not meets(gate, subject):
        refuse("gate.not_met", f"{gate} does not stand before {subject.object}.", blocked_by=Ref.of(gate))
    at_work = Evaluation.objects.filter(
        gate=gate,
        release=release,
        artifact=artifact,
        state__in=[Evaluation.State.QUEUED, Evaluation.State.RUNNING],
    ).first()
    if at_work:
        return at_work
    evaluation = Evaluation.objects.create(
        gate=gate,
        gate_version=version,
        environment_id=gate.environment_id,
        release=release,
        artifact=artifact,
        requested_by=actor.user_id,
    )
    ring(evaluation)
    return evaluation


def ring(evaluation: Evaluation) -> None:
    """Wake a worker after the commit; the sweeper finds the work if nobody hears."""
    from governance.tasks.gates import evaluate

    enqueue(evaluate, evaluation.organization_id, evaluation.pk)
