"""Verbs of pipeline templates: versions with required stages, and which pipelines follow them."""

from __future__ import annotations

from typing import Annotated, Any

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.refusals import Ref, refuse
from trains.models import Environment, Pipeline, PipelineTemplate, Service, Stage
from trains.rules.pipeline_files import cleaned, stages_fault
from trains.rules.secret_values import secret_in

explain_constraint("pipeline_template_version_once", "This version exists already; publish the next one.")

Forge = PipelineTemplate.Forge
Stages = Annotated[
    list,
    Field(
        "Stages",
        help='In order: [{"name": "Test", "run": ["make test"], "reports": ["out/junit.xml"], "gate": "", "required":'
        " true}]; gate is the environment whose gate is asked before the stage runs.",
    ),
]
Description = Annotated[str, Field("Description", long=True, max_length=5_000)]
Branch = Annotated[str, Field("Branch", help="Pushes to it run the pipeline.", max_length=120)]
Image = Annotated[str, Field("Image", help="For runners that need one.", max_length=200)]
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@"


def _read(stages: Any, branch: str, image: str) -> list[dict[str, Any]]:
    """The stages with every field, or why they are none."""
    fault = stages_fault(stages)
    if fault:
        refuse("pipeline_template.stages", fault, field="stages")
    for field, value in (("branch", branch), ("image", image)):
        if not value or any(letter not in _PLAIN for letter in value):
            refuse(
                "pipeline_template.plain",
                f"The {field} has letters, digits and ./:@_- only.",
                field=field,
            )
    found = secret_in(stages)
    if found:
        refuse(
            "secret.value",
            f"A command looks like a secret: {found[1]}. It was not stored.",
            remedy="Let the command read it from a variable of the runner.",
            field="stages",
        )
    listed = cleaned(stages)
    known = set(Environment.objects.values_list("name", flat=True))
    unknown = next((s["gate"] for s in listed if s["gate"] and s["gate"] not in known), None)
    if unknown:
        refuse("environment.unknown", f"There is no environment {unknown[:80]}.", field="stages")
    return listed


@action(
    "pipeline_template.create",
    creates=PipelineTemplate,
    requires="gates.manage",
    label="Write a template",
)
def create_template(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=80)],
    stages: Stages,
    description: Description = "",
    branch: Branch = "main",
    image: Image = "python:3.12",
) -> PipelineTemplate:
    """Write the first version of a template: which stages pipelines have, and which of them no pipeline may lack."""
    if not name.strip() or not name.isprintable():
        refuse("required", "Give the template a name.", field="name")
    if PipelineTemplate.objects.filter(name=name.strip()).exists():
        refuse(
            "pipeline_template.exists",
            f"There is a template {name.strip()}.",
            remedy="Publish its next version.",
            field="name",
        )
    return PipelineTemplate.objects.create(
        name=name.strip(),
        number=1,
        stages=_read(stages, branch, image),
        description=description,
        branch=branch,
        image=image,
    )


@action(
    "pipeline_template.publish_version",
    on=PipelineTemplate,
    requires="gates.manage",
    lock=False,
    label="Publish the next version",
)
def publish_version(
    actor: Actor,
    template: PipelineTemplate,
    *,
    stages: Stages,
    description: Description = "",
    branch: Branch = "main",
    image: Image = "python:3.12",
) -> PipelineTemplate:
    """Publish the next version. Pipelines go on following theirs until they are moved to it."""
    latest = PipelineTemplate.objects.filter(name=template.name).order_by("-number").first()
    assert latest is not None  # at least the one in hand
    return PipelineTemplate.objects.create(
        name=template.name,
        number=latest.number + 1,
        stages=_read(stages, branch, image),
        description=description or template.description,
        branch=branch,
        image=image,
    )


@action(
    "pipeline_template.apply",
    on=PipelineTemplate,
    requires="trains.manage",
    lock=False,
    label="Give a service this pipeline",
)
def apply_template(
    actor: Actor,
    template: PipelineTemplate,
    *,
    service: Service,
    forge: Annotated[Forge, Field("Runs on")],
) -> Pipeline:
    """Let the pipeline of a service follow this version; a service without one gets it, with the template's stages."""
    if not actor.may("trains.manage", service):
        refuse("permission.missing", f"You need the permission trains.manage on {service}.", status=403)
    pipeline = Pipeline.objects.filter(service=service).order_by("created_at").first()
    if pipeline is None:
        pipeline = Pipeline.objects.create(service=service, name="delivery")
        for position, stage in enumerate(template.stages, 1):
            Stage.objects.create(pipeline=pipeline, position=position, name=stage["name"], team=service.team)
    return follow_template(actor, pipeline, template=template, forge=forge)


@action("pipeline.follow", on=Pipeline, requires="trains.manage", label="Follow a template")
def follow_template(
    actor: Actor,
    pipeline: Pipeline,
    *,
    template: PipelineTemplate,
    forge: Annotated[Forge, Field("Runs on")],
) -> Pipeline:
    """Say which version of a template the pipeline is compared with, and what runs it."""
    pipeline.template, pipeline.forge = template, forge
    pipeline.save()
    return pipeline


@action("pipeline.unfollow", on=Pipeline, requires="trains.manage", label="Follow no template", danger=True)
def unfollow_template(
    actor: Actor, pipeline: Pipeline, *, reason: Annotated[str, Field("Reason", long=True)]
) -> Pipeline:
    """Compare the pipeline with no template any more."""
    if pipeline.template is None:
        refuse("pipeline.free", f"{pipeline} follows no template.", blocked_by=Ref.of(pipeline))
    pipeline.template, pipeline.forge = None, ""
    pipeline.save()
    return pipeline
