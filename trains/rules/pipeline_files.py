"""Files of pipelines rendered from a template, and the stages that a file has. The same template always gives the same file."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

GITHUB, GITLAB, JENKINS = FORGES = ("github", "gitlab", "jenkins")
MOST_STAGES, MOST_COMMANDS, LONGEST = 30, 30, 500
LARGEST_FILE = 200_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
_REPORT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")
_KEYS = {"name", "run", "reports", "gate", "required"}
DIGEST_FILE = "out/artifact.digest"


@dataclass(frozen=True, slots=True)
class Place:
    """For which service, and where the product is asked."""

    service: str
    organization: str
    url: str
    template: str
    branch: str = "main"
    image: str = "python:3.12"

    @property
    def slug(self) -> str:
        return slug(self.service)


def slug(text: str) -> str:
    """A name as identifiers of jobs and files may have it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "x"


def stages_fault(stages: Any) -> str:
    """Why these cannot be the stages of a template; empty when they can."""
    if not isinstance(stages, list) or not 1 <= len(stages) <= MOST_STAGES:
        return f"A template has 1 to {MOST_STAGES} stages."
    slugs: set[str] = set()
    for number, stage in enumerate(stages, 1):
        if fault := _stage_fault(stage):
            return f"Stage {number}: {fault}"
        if slug(stage["name"]) in slugs:
            return f"Stage {number}: another stage has the name {stage['name']}."
        slugs.add(slug(stage["name"]))
    return ""


def _stage_fault(stage: Any) -> str:
    if not isinstance(stage, dict):
        return "an object is expected."
    if unknown := sorted(map(str, set(stage) - _KEYS)):
        return f"there is no field {unknown[0][:40]}; there are {', '.join(sorted(_KEYS))}."
    name, run, reports = stage.get("name"), stage.get("run", []), stage.get("reports", [])
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "a name has letters, digits, spaces, dots and dashes, 60 at most."
    if not isinstance(run, list) or len(run) > MOST_COMMANDS:
        return f"run is a list of at most {MOST_COMMANDS} commands."
    for line in run:
        if not isinstance(line, str) or not line.strip() or len(line) > LONGEST or not line.isprintable():
            return f"a command is one line of at most {LONGEST} characters."
    if not isinstance(reports, list) or len(reports) > MOST_COMMANDS:
        return f"reports is a list of at most {MOST_COMMANDS} files."
    for path in reports:
        if not isinstance(path, str) or not _REPORT.fullmatch(path) or ".." in path:
            return "a report is a path inside the workspace."
    if not isinstance(stage.get("gate", ""), str) or not isinstance(stage.get("required", True), bool):
        return "gate is the name of an environment, required is true or false."
    return ""


def cleaned(stages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The stages with every field."""
    return [
        {
            "name": stage["name"].strip(),
            "run": [line.strip() for line in stage.get("run", [])],
            "reports": list(stage.get("reports", [])),
            "gate": stage.get("gate", "").strip(),
            "required": stage.get("required", True),
        }
        for stage in stages
    ]


def path_of(forge: str, place: Place) -> str:
    """Where the file lies in the service's repository."""
    return {
        GITHUB: f".github/workflows/release-{place.slug}.yml",
        GITLAB: ".gitlab-ci.yml",
        JENKINS: "Jenkinsfile",
    }[forge]


def digest_of(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def render(forge: str, stages: Sequence[Mapping[str, Any]], place: Place) -> str:
    """The file, ready to be committed."""
    return {GITHUB: _github, GITLAB: _gitlab, JENKINS: _jenkins}[forge](stages, place)


# -- what a stage does, in shell. Variables: RELEASETRAIN_URL, _ORG and _TOKEN; COMMIT, RUN_ID and RUN_URL by the forge.


@dataclass(frozen=True, slots=True)
class _Shell:
    commit: str
    run_id: str
    run_url: str
    builder: str

    def record(self, forge: str, place: Place) -> list[str]:
        """Tells which definition this run had: its file is sent, so that digest and stages are read from it."""
        path = path_of(forge, place)
        return [
            "mkdir -p out",
            f'printf "%s\\n" "{self.commit}" > out/commit',
            'curl -sS --fail-with-body -H "Authorization: Bearer $RELEASETRAIN_TOKEN"'
            f" -F {shlex.quote('service=' + place.service)} -F source={self.builder}"
            f' -F "external_id={self.run_id}" -F "commit={self.commit}" -F builder={self.builder}'
            f' -F "url={self.run_url}" -F {shlex.quote("definition=" + path)}'
            f' -F "definition_digest=sha256:$(sha256sum {path} | cut -d " " -f 1)"'
            f' -F "definition_file=@{path}"'
            ' "$RELEASETRAIN_URL/api/v1/orgs/$RELEASETRAIN_ORG/pipeline-runs/record"',
        ]

    def ask(self, environment: str, place: Place) -> list[str]:
        """Asks the gate. Only exit code 0 goes on: 1 is a refusal, 2 pending past its time, 3 an error."""
        return [
            'curl -sSf -o release-gate "$RELEASETRAIN_URL/release-gate"',
            f"python3 release-gate --environment {shlex.quote(environment)}"
            f' --digest "$(cat {DIGEST_FILE})" --service {shlex.quote(place.service)} --commit "{self.commit}"'
            f' --run-url "{self.run_url}" --wait 900',
        ]

    def post(self, reports: Sequence[str], place: Place) -> list[str]:
        """Posts the reports that are there, each about the build."""
        return [
            f"if [ -s {DIGEST_FILE} ] && [ -f {path} ]; then"
            ' curl -sS --fail-with-body -H "Authorization: Bearer $RELEASETRAIN_TOKEN"'
            f' -F "digest=$(cat {DIGEST_FILE})" -F {shlex.quote("service=" + place.service)}'
            f' -F "commit={self.commit}" -F "run_url={self.run_url}" -F source={path} -F file=@{path}'
            ' "$RELEASETRAIN_URL/api/v1/orgs/$RELEASETRAIN_ORG/results/post"; fi'
            for path in reports
        ]


def _head(place: Place, comment: str) -> str:
    lines = (
        f"Pipeline of {place.service}, rendered from template {place.template}.",
        "Changes are allowed and shown as drift; the required stages have to stay.",
        f"A stage writes the digest of the build (sha256:…) to {DIGEST_FILE}; what lies in out/ goes from stage to stage.",
        "The gate's command goes on with exit code 0 only: 1 fail, 2 pending past its time, 3 error.",
    )
    return "".join(f"{comment} {line}\n" for line in lines)


class _Block(str):
    """Text that is written as it stands, line by line."""


class _Dumper(yaml.SafeDumper):
    """Keeps the order of keys and writes scripts as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")
)


def _yaml(document: Mapping[str, Any], place: Place) -> str:
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000)
    return _head(place, "#") + body


def _script(lines: Sequence[str]) -> _Block:
    return _Block("".join(f"{line}\n" for line in lines))


def _github(stages: Sequence[Mapping[str, Any]], place: Place) -> str:
    shell = _Shell(
        "$GITHUB_SHA",
        "$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT",
        "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID",
        "github-actions",
    )
    jobs: dict[str, Any] = {}
    for place_of, stage in enumerate(stages):
        steps: list[dict[str, Any]] = [{"uses": "actions/checkout@v4"}]
        if place_of == 0:
            steps.append({"name": "Record the run", "run": _script(shell.record(GITHUB, place))})
        else:
            steps.append({"uses": "actions/download-artifact@v4", "with": {"name": "out", "path": "out"}})
        if stage["gate"]:
            named = f"Ask the gate of {stage['gate']}"
            steps.append({"name": named, "run": _script(shell.ask(stage["gate"], place))})
        if stage["run"]:
            steps.append({"name": stage["name"], "run": _script(stage["run"])})
        if stage["reports"]:
            posting = {"name": "Post the reports", "if": "always()"}
            steps.append({**posting, "run": _script(shell.post(stage["reports"], place))})
        kept = {"name": "out", "path": "out", "overwrite": True}
        steps.append({"uses": "actions/upload-artifact@v4", "with": kept})
        job: dict[str, Any] = {"name": stage["name"], "runs-on": "ubuntu-latest", "timeout-minutes": 60}
        if place_of:
            job["needs"] = _job(stages[place_of - 1]["name"])
        jobs[_job(stage["name"])] = {**job, "steps": steps}
    return _yaml(
        {
            "name": f"Release {place.service}",
            "on": {"push": {"branches": [place.branch]}, "workflow_dispatch": {}},
            "permissions": {"contents": "read"},
            "env": {
                "RELEASETRAIN_URL": place.url,
                "RELEASETRAIN_ORG": place.organization,
                "RELEASETRAIN_TOKEN": "${{ secrets.RELEASETRAIN_TOKEN }}",
            },
            "jobs": jobs,
        },
        place,
    )


def _job(name: str) -> str:
    """Identifiers of jobs begin with a letter, and are none of the forge's own words."""
    return f"stage-{slug(name)}"


def _gitlab(stages: Sequence[Mapping[str, Any]], place: Place) -> str:
    shell = _Shell("$CI_COMMIT_SHA", "$CI_PIPELINE_ID-$CI_JOB_ID", "$CI_PIPELINE_URL", "gitlab-ci")
    document: dict[str, Any] = {
        "stages": [stage["name"] for stage in stages],
        "default": {"image": place.image},
        "variables": {"RELEASETRAIN_URL": place.url, "RELEASETRAIN_ORG": place.organization},
        "workflow": {"rules": [{"if": f'$CI_COMMIT_BRANCH == "{place.branch}"'}]},
    }
    for place_of, stage in enumerate(stages):
        script = shell.record(GITLAB, place) if place_of == 0 else ["mkdir -p out"]
        if stage["gate"]:
            script = [*script, *shell.ask(stage["gate"], place)]
        job: dict[str, Any] = {"stage": stage["name"], "script": [*script, *stage["run"]]}
        if stage["reports"]:
            job["after_script"] = shell.post(stage["reports"], place)
        document[_job(stage["name"])] = {
            **job,
            "artifacts": {"paths": ["out/"], "when": "always", "expire_in": "1 week"},
        }
    return _yaml(document, place)


def _jenkins(stages: Sequence[Mapping[str, Any]], place: Place) -> str:
    shell = _Shell("$GIT_COMMIT", "$BUILD_TAG", "$BUILD_URL", "jenkins")
    lines = [
        "pipeline {",
        "    agent any",
        "    options {",
        "        timeout(time: 60, unit: 'MINUTES')",
        "    }",
        "    environment {",
        f"        RELEASETRAIN_URL = {_groovy(place.url)}",
        f"        RELEASETRAIN_ORG = {_groovy(place.organization)}",
        "        RELEASETRAIN_TOKEN = credentials('releasetrain-token')",
        "    }",
        "    stages {",
    ]
    for place_of, stage in enumerate(stages):
        script = shell.record(JENKINS, place) if place_of == 0 else ["mkdir -p out"]
        if stage["gate"]:
            script = [*script, *shell.ask(stage["gate"], place)]
        lines += [f"        stage({_groovy(stage['name'])}) {{", "            steps {"]
        lines += [f"                sh {_groovy(line)}" for line in [*script, *stage["run"]]]
        lines.append("            }")
        if stage["reports"]:
            lines += ["            post {", "                always {"]
            lines += [
                f"                    sh {_groovy(line)}" for line in shell.post(stage["reports"], place)
            ]
            lines += ["                }", "            }"]
        lines.append("        }")
    lines += ["    }", "}"]
    return _head(place, "//") + "\n".join(lines) + "\n"


def _groovy(text: str) -> str:
    """A literal in which nothing is interpreted."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


# -- what a file has


def stages_of(text: str) -> list[str] | None:
    """The stages that a file of any of the three kinds has, in its order; None when it cannot be read."""
    if len(text) > LARGEST_FILE:
        return None
    if re.search(r"^\s*pipeline\s*\{", text, re.MULTILINE):
        bare = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
        return [name for _, name in re.findall(r"\bstage\s*\(\s*(['\"])(.+?)\1\s*\)", bare)]
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    if not isinstance(document, dict):
        return None
    jobs = document.get("jobs")
    if isinstance(jobs, dict):
        return [str(j.get("name") or n) if isinstance(j, dict) else str(n) for n, j in jobs.items()]
    if isinstance(document.get("stages"), list):
        used = {
            j["stage"] for j in document.values() if isinstance(j, dict) and isinstance(j.get("stage"), str)
        }
        # A stage without a job does nothing.
        return [str(name) for name in document["stages"] if str(name) in used]
    return None


@dataclass(frozen=True, slots=True)
class Drift:
    """How a service's pipeline stands to its template: same, changed, outdated, missing stages, or unreported."""

    kind: str
    missing: tuple[str, ...] = ()
    out_of_order: bool = False


SAME, CHANGED, OUTDATED, MISSING, UNREPORTED = "same", "changed", "outdated", "missing", "unreported"


def drift_of(
    reported: tuple[str, Sequence[str]] | None,
    expected: str,
    required: Sequence[str],
    earlier: Sequence[str] = (),
) -> Drift:
    """Compare what ran last, (digest, stages), with the digest that the template gives and the stages that it requires.

    `earlier`: the digests that earlier versions of the template give.
    """
    if reported is None:
        return Drift(UNREPORTED)
    digest, stages = reported
    if digest == expected:
        return Drift(SAME)
    missing = tuple(name for name in required if name not in stages)
    present = [name for name in required if name in stages]
    ordered = sorted(present, key=list(stages).index) == present
    if missing or not ordered:
        return Drift(MISSING, missing, not ordered)
    return Drift(OUTDATED if digest in earlier else CHANGED)
