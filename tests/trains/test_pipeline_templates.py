"""Pipeline templates: files that the forges' own schemas accept, that say which definition ran, and what drifts from them."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, validators

from releasetrain.kernel.refusals import Refused
from trains.actions import pipeline_templates as templates
from trains.actions.observations import record_pipeline_run
from trains.models import Pipeline, PipelineRun, PipelineTemplate
from trains.queries.pipeline_templates import file_of, lines_of
from trains.rules import pipeline_files as rules

ORG = "/api/v1/orgs/northwind"
SCHEMAS = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
STAGES: list[dict[str, Any]] = [
    {"name": "Build", "run": ["make build", 'echo "it\'s 5" > out/artifact.digest']},
    {"name": "Test", "run": ["make test"], "reports": ["out/junit.xml", "out/coverage.xml"]},
    {"name": "Lint", "run": ["make lint"], "required": False},
    {"name": "Deploy", "run": ["make deploy"], "gate": "production"},
]
PLACE = rules.Place("pay'ments api", "northwind", "https://releases.example", "Standard 1")
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,20}", fullmatch=True)
lines = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x24FF, categories=("L", "N", "P", "S", "Zs")),
    min_size=1,
    max_size=60,
)
stages = st.lists(
    st.fixed_dictionaries(
        {
            "name": names,
            "run": st.lists(lines.filter(lambda t: t.strip() and t.isprintable()), min_size=1, max_size=3),
        },
        optional={"reports": st.just(["out/a.xml"]), "gate": st.sampled_from(["", "production"])},
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda s: rules.slug(s["name"]),
)
busy = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def schema(name: str) -> Any:
    found = json.loads((SCHEMAS / name).read_text())
    return validators.validator_for(found, Draft7Validator)(found)


GITHUB, GITLAB = schema("github-workflows.json"), schema("gitlab-ci.json")


def document(text: str) -> Any:
    """YAML as the forges read it: `on` is a word, not true."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def typed(text: str) -> Any:
    return yaml.safe_load(text)


def scripts(forge: str, text: str) -> list[str]:
    """Every script of a file, as the runner hands it to the shell."""
    if forge == rules.JENKINS:
        found = re.findall(r"^\s*sh '((?:[^'\\]|\\.)*)'$", text, re.MULTILINE)
        return [re.sub(r"\\(.)", r"\1", each) for each in found]
    read = typed(text)
    if forge == rules.GITHUB:
        return [s["run"] for job in read["jobs"].values() for s in job["steps"] if "run" in s]
    jobs = [j for j in read.values() if isinstance(j, dict) and "script" in j]
    return ["\n".join([*j["script"], *j.get("after_script", [])]) for j in jobs]


@busy
@given(stages)
def test_any_template_gives_files_that_the_forges_accept(given_stages: list[dict[str, Any]]) -> None:
    assert rules.stages_fault(given_stages) == ""
    cleaned = rules.cleaned(given_stages)
    names_of = [s["name"] for s in cleaned]
    for forge in rules.FORGES:
        text = rules.render(forge, cleaned, PLACE)
        assert text == rules.render(forge, cleaned, PLACE)
        assert rules.stages_of(text) == names_of, forge
    assert not list(GITHUB.iter_errors(typed(rules.render(rules.GITHUB, cleaned, PLACE))))
    assert not list(GITLAB.iter_errors(typed(rules.render(rules.GITLAB, cleaned, PLACE))))


def test_the_schemas_refuse_what_the_forges_would() -> None:
    wrong = typed(rules.render(rules.GITHUB, rules.cleaned(STAGES), PLACE))
    wrong["jobs"]["stage-build"]["needs"] = 7
    assert list(GITHUB.iter_errors(wrong))
    bad = typed(rules.render(rules.GITLAB, rules.cleaned(STAGES), PLACE))
    bad["stage-build"]["script"] = 7
    assert list(GITLAB.iter_errors(bad))


@pytest.mark.parametrize("forge", rules.FORGES)
def test_files_post_results_and_ask_the_gate_by_scripts_that_shells_read(forge: str) -> None:
    text = rules.render(forge, rules.cleaned(STAGES), PLACE)
    found = scripts(forge, text)
    whole = "\n".join(found)
    assert "results/post" in whole and "file=@out/junit.xml" in whole
    assert "release-gate --environment production --digest" in whole
    assert "pipeline-runs/record" in whole and f"definition_file=@{rules.path_of(forge, PLACE)}" in whole
    assert "make deploy" in whole and 'echo "it\'s 5"' in whole
    for script in found:
        done = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (script, done.stderr)
    # The gate stands before what it guards, and nothing carries a token in it.
    assert whole.index("release-gate --environment") < whole.index("make deploy")
    assert "rtk_" not in text


def test_a_jenkinsfile_is_declarative_and_balanced() -> None:
    text = rules.render(rules.JENKINS, rules.cleaned(STAGES), PLACE)
    bare = re.sub(r"'(?:[^'\\]|\\.)*'|//.*", "''", text)
    depth = 0
    for letter in bare:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0 and "'" not in bare.replace("''", "")
    assert re.match(r"(''\n)+pipeline \{\n    agent any\n", bare)
    assert bare.count("steps {") == bare.count("stage('')") == 4


def test_a_workflow_runs_its_stages_one_after_another() -> None:
    read = document(rules.render(rules.GITHUB, rules.cleaned(STAGES), PLACE))
    assert "on" in read and [j.get("needs") for j in read["jobs"].values()] == [
        None,
        "stage-build",
        "stage-test",
        "stage-lint",
    ]
    assert document(rules.render(rules.GITLAB, rules.cleaned(STAGES), PLACE))["stages"] == [
        "Build",
        "Test",
        "Lint",
        "Deploy",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "a: [1",
        "7",
        "just words",
        "jobs: 7",
        "stages: 7",
        "&a [*a]",
        "x: !!python/object:os.system y",
        "{" * 5_000,
    ],
)
def test_what_is_no_pipeline_has_no_stages(text: str) -> None:
    assert rules.stages_of(text) is None


@busy
@given(st.permutations(["a", "b", "c"]), st.sets(st.sampled_from("abc")), st.booleans())
def test_drift_names_every_required_stage_that_is_missing(
    order: list[str], gone: set[str], same: bool
) -> None:
    ran = [name for name in order if name not in gone]
    found = rules.drift_of(("d1" if same else "d2", ran), "d1", ["a", "b", "c"])
    if same:
        assert found.kind == rules.SAME
    elif gone or order != ["a", "b", "c"]:
        assert (found.kind == rules.MISSING) == (bool(gone) or ran != sorted(ran))
        assert set(found.missing) == gone
    else:
        assert found.kind == rules.CHANGED
    assert rules.drift_of(None, "d1", ["a"]).kind == rules.UNREPORTED


# -- in the product


@pytest.fixture
def template(world: Any) -> Any:
    return templates.create_template(world.as_["release_manager"], name="Standard", stages=STAGES)


def ran(world: Any, text: str, number: int, service: Any = None) -> Any:
    from releasetrain.kernel.fields import Upload

    content = text.encode()
    return record_pipeline_run(
        world.as_["service_account"],
        service=service or world.ledger,
        source="ci",
        external_id=str(number),
        definition_digest="sha256:" + hashlib.sha256(content).hexdigest(),
        commit="abc",
        builder="ci",
        definition_file=Upload("x.yml", content),
    )


def kind() -> str:
    (line,) = lines_of()
    return line.drift.kind


def test_drift_follows_what_ran_last(world: Any, template: Any) -> None:
    pipeline = templates.apply_template(
        world.as_["rte"], template, service=world.ledger, forge=PipelineTemplate.Forge.GITHUB
    )
    assert [s.name for s in pipeline.stages.all()] == ["Build", "Test", "Lint", "Deploy"]
    text = file_of(template, world.ledger, "github").text
    assert kind() == "unreported"
    ran(world, text, 1)
    assert kind() == "same"
    ran(world, text.replace("make test", "make test -j4"), 2)
    assert kind() == "changed"
    without = typed(text)
    del without["jobs"]["stage-test"]
    ran(world, yaml.safe_dump(without, sort_keys=False), 3)
    (line,) = lines_of()
    assert (line.drift.kind, line.drift.missing) == ("missing", ("Test",))
    newer = templates.publish_version(
        world.as_["release_manager"], template, stages=[{**STAGES[0], "run": ["make all"]}, *STAGES[1:]]
    )
    assert newer.number == 2
    templates.follow_template(
        world.as_["rte"], Pipeline.objects.get(), template=newer, forge=PipelineTemplate.Forge.GITHUB
    )
    ran(world, text, 4)
    assert kind() == "outdated"


def test_drift_costs_the_same_queries_for_many_pipelines(
    world: Any, template: Any, django_assert_max_num_queries: Any
) -> None:
    for service in (world.ledger, world.web):
        templates.apply_template(
            world.as_["rte"], template, service=service, forge=PipelineTemplate.Forge.GITLAB
        )
        ran(world, file_of(template, service, "gitlab").text, 1 if service == world.web else 2, service)
    with django_assert_max_num_queries(4):
        assert [line.drift.kind for line in lines_of()] == ["same", "same"]


def test_the_step_that_records_a_run_does_so(world: Any, template: Any, api: Any, tmp_path: Path) -> None:
    """The script of the file is run; what it would send to us is sent to us."""
    templates.apply_template(
        world.as_["rte"], template, service=world.ledger, forge=PipelineTemplate.Forge.GITHUB
    )
    found = file_of(template, world.ledger, "github")
    (tmp_path / found.path).parent.mkdir(parents=True)
    (tmp_path / found.path).write_text(found.text)
    curl = tmp_path / "bin" / "curl"
    curl.parent.mkdir()
    curl.write_text('#!/bin/sh\nfor each in "$@"; do printf "%s\\n" "$each"; done > sent\n')
    curl.chmod(0o755)
    script = scripts("github", found.text)[0]
    given_ = {
        "GITHUB_SHA": "c0ffee",
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_SERVER_URL": "https://git.example",
        "GITHUB_REPOSITORY": "n/ledger",
        "RELEASETRAIN_URL": "https://releases.example",
        "RELEASETRAIN_ORG": "northwind",
        "RELEASETRAIN_TOKEN": "x",
        "PATH": f"{curl.parent}:{os.environ['PATH']}",
    }
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=given_, check=True)
    sent = (tmp_path / "sent").read_text().splitlines()
    assert sent[-1] == "https://releases.example/api/v1/orgs/northwind/pipeline-runs/record"
    fields = dict(each.split("=", 1) for before, each in itertools.pairwise(sent) if before == "-F")
    assert fields.pop("definition_file") == f"@{found.path}"
    body = {
        **fields,
        "definition_file": {"name": "x.yml", "base64": base64.b64encode(found.text.encode()).decode()},
    }
    answer = api("service_account").post(f"{ORG}/pipeline-runs/record", body)
    assert answer.status_code in (200, 201), answer.content
    assert PipelineRun.objects.get().stages == ["Build", "Test", "Lint", "Deploy"]
    drift = api("rte").get(f"{ORG}/pipeline-drift").json()["pipelines"]
    assert [(d["service"], d["drift"]) for d in drift] == [("ledger", "same")]


def test_a_definition_that_is_not_what_it_says_is_refused(world: Any, api: Any) -> None:
    body = {
        "service": "ledger",
        "source": "ci",
        "external_id": "1",
        "commit": "a",
        "builder": "b",
        "definition_digest": "sha256:" + "0" * 64,
    }
    for bad in (
        {"definition_file": {"name": "x", "base64": "am9iczoge30="}},
        {"stages": ["x" * 200]},
        {"stages": [" "]},
    ):
        answer = api("service_account").post(f"{ORG}/pipeline-runs/record", {**body, **bad})
        assert answer.status_code == 422, (bad, answer.content)
    assert not PipelineRun.objects.exists()


BAD: list[Any] = [
    [],
    [7],
    [{"run": ["x"]}],
    [{"name": "a'b"}],
    [{"name": "A"}, {"name": "a"}],
    [{"name": "A", "run": ["two\nlines"]}],
    [{"name": "A", "run": "make"}],
    [{"name": "A", "reports": ["../../etc/passwd"]}],
    [{"name": "A", "reports": ["$(rm -rf)"]}],
    [{"name": "A", "gate": "nowhere"}],
    [{"name": "A", "required": "yes"}],
    [{"name": "A", "colour": 1}],
    [{"name": "A", "run": ["login --password=hunter2hunter2"]}],
]


def test_stages_that_cannot_be_are_refused(world: Any, api: Any) -> None:
    manager = api("release_manager")
    for bad in BAD:
        answer = manager.post(f"{ORG}/pipeline-templates", {"name": "Bad", "stages": bad})
        assert answer.status_code == 422, (bad, answer.content)
        assert b"hunter2" not in answer.content
    assert not PipelineTemplate.objects.exists()


def test_a_version_never_changes(world: Any, template: Any) -> None:
    from django.db import DatabaseError, transaction

    with pytest.raises(DatabaseError), transaction.atomic():
        PipelineTemplate.objects.filter(pk=template.pk).update(branch="other")
    with pytest.raises(Refused):
        templates.create_template(world.as_["release_manager"], name="Standard", stages=STAGES)


def test_pages_show_the_file_and_the_drift(world: Any, template: Any, web: Any, api: Any) -> None:
    templates.apply_template(
        world.as_["rte"], template, service=world.ledger, forge=PipelineTemplate.Forge.JENKINS
    )
    rte = web("rte")
    page = rte.get(
        f"/o/northwind/pipeline-templates/{template.pk}/?service=ledger&forge=jenkins"
    ).content.decode()
    assert "agent any" in page and "Jenkinsfile" in page and "required" in page
    loaded = rte.get(f"/o/northwind/pipeline-templates/{template.pk}/file?service=ledger&forge=jenkins")
    assert loaded["Content-Disposition"] == 'attachment; filename="Jenkinsfile"'
    said = api("rte").get(f"{ORG}/pipeline-templates/{template.pk}/file?service=ledger&forge=jenkins").json()
    assert said["text"] == loaded.content.decode() and said["digest"] == rules.digest_of(said["text"])
    assert (
        api("rte").get(f"{ORG}/pipeline-templates/{template.pk}/file?service=ledger&forge=x").status_code
        == 422
    )
    assert (
        rte.get(f"/o/northwind/pipeline-templates/{template.pk}/file?service=x&forge=jenkins").status_code
        == 404
    )
    drift = rte.get("/o/northwind/pipelines/drift/").content.decode()
    assert "Never reported" in drift and "web" in drift
    service = rte.get("/o/northwind/services/ledger/").content.decode()
    assert "Pipeline and template" in service
