"""What forges are told and how: the published shapes of GitHub's and GitLab's APIs; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

GITHUB_STATUS, GITHUB_CHECK = "github-status", "github-check"
GITLAB_STATUS, GITLAB_CHECK = "gitlab-status", "gitlab-check"
FORMS = [
    (GITHUB_STATUS, "GitHub commit status"),
    (GITHUB_CHECK, "GitHub check run"),
    (GITLAB_STATUS, "GitLab commit status"),
    (GITLAB_CHECK, "GitLab external status check"),
]
ADDRESSES = {
    GITHUB_STATUS: "https://api.github.com",
    GITHUB_CHECK: "https://api.github.com",
    GITLAB_STATUS: "https://gitlab.com/api/v4",
    GITLAB_CHECK: "https://gitlab.com/api/v4",
}
# From good to bad: of several answers about one commit, the worst is shown.
SAYS = [
    ("pass", "Pass"),
    ("asked", "Being evaluated"),
    ("pending", "Pending"),
    ("outdated", "Outdated"),
    ("error", "Error"),
    ("fail", "Fail"),
]
_RANK = {value: rank for rank, (value, _) in enumerate(SAYS)}
LONGEST = 140
OUTDATED = "The verdict has run out or what it read has changed. Ask the gate again."
ASKED = "The gate is being evaluated."

# What each form calls a state. Only `pass` is ever a success.
WORDS: dict[str, dict[str, str]] = {
    GITHUB_STATUS: {
        "pass": "success",
        "asked": "pending",
        "pending": "pending",
        "outdated": "pending",
        "error": "error",
        "fail": "failure",
    },
    # A check run that is completed never runs again: an answer that no longer counts asks for an act.
    GITHUB_CHECK: {
        "pass": "success",
        "asked": "",
        "pending": "action_required",
        "outdated": "action_required",
        "error": "failure",
        "fail": "failure",
    },
    GITLAB_STATUS: {
        "pass": "success",
        "asked": "pending",
        "pending": "pending",
        "outdated": "pending",
        "error": "failed",
        "fail": "failed",
    },
    GITLAB_CHECK: {
        "pass": "passed",
        "asked": "pending",
        "pending": "pending",
        "outdated": "pending",
        "error": "failed",
        "fail": "failed",
    },
}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SEGMENT = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True)
class Post:
    """One state of one commit, as it is posted."""

    form: str
    url: str
    repository: str
    commit: str
    context: str
    says: str
    description: str
    page: str
    # The same for every post about one evaluation.
    identity: str

    @property
    def word(self) -> str:
        return WORDS[self.form][self.says]


def is_github(form: str) -> bool:
    return form in (GITHUB_STATUS, GITHUB_CHECK)


def postable(commit: str) -> bool:
    """Whether a forge can find the commit: by its whole name only."""
    return bool(_COMMIT.fullmatch(commit))


def repository_fault(form: str, repository: str) -> str:
    """What is wrong with the name of a repository; empty: nothing."""
    if not is_github(form) and re.fullmatch(r"[1-9][0-9]{0,14}", repository):
        return ""
    parts = repository.split("/")
    good = all(_SEGMENT.fullmatch(part) and part.strip(".") for part in parts)
    if is_github(form):
        return "" if good and len(parts) == 2 else f"{repository[:80]} is not of the form owner/repository."
    if not good or not 2 <= len(parts) <= 20:
        return f"{repository[:80]} is neither group/project nor a project's number."
    return ""


def repository_of(
    form: str, host: str, service: str, address: str, named: dict[str, str], listed_only: bool
) -> str:
    """The repository of a service at the forge, or empty: as it is named, else by the service's own address."""
    if service in named:
        return named[service]
    if listed_only:
        return ""
    parts = urlsplit(address if "//" in address else f"//{address}")
    if (parts.hostname or "") != host:
        return ""
    found = parts.path.strip("/").removesuffix(".git")
    return "" if repository_fault(form, found) else found


def worst(says: Iterable[str]) -> str:
    return max(says, key=_RANK.__getitem__)


def short(text: str) -> str:
    """Cut to what every forge takes."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def github_status(post: Post) -> tuple[str, dict[str, Any]]:
    """Address and body of `POST /repos/{owner}/{repo}/statuses/{sha}`."""
    return f"{post.url}/repos/{post.repository}/statuses/{post.commit}", {
        "state": post.word,
        "target_url": post.page,
        "description": post.description,
        "context": post.context,
    }


def check_runs(post: Post) -> tuple[str, str]:
    """Where check runs are made, and where those of the commit with this name are."""
    root = f"{post.url}/repos/{post.repository}"
    named = quote(post.context, safe="")
    return (
        f"{root}/check-runs",
        f"{root}/commits/{post.commit}/check-runs?check_name={named}&filter=all&per_page=100",
    )


def github_check(post: Post) -> dict[str, Any]:
    """The body of a check run: under way without a conclusion, or completed with one."""
    found: dict[str, Any] = {
        "name": post.context,
        "details_url": post.page,
        "external_id": post.identity,
        "status": "completed" if post.word else "in_progress",
        "output": {"title": post.description, "summary": f"{post.description}\n\n[Why]({post.page})"},
    }
    return found | ({"conclusion": post.word} if post.word else {})


def own_check_run(listed: Any, identity: str) -> int | None:
    """The run among those of the commit that is about this evaluation."""
    runs = listed.get("check_runs", []) if isinstance(listed, dict) else []
    found = [
        r["id"] for r in runs if isinstance(r, dict) and r.get("external_id") == identity and r.get("id")
    ]
    return int(found[0]) if found else None


def project(post: Post) -> str:
    return f"{post.url}/projects/{quote(post.repository, safe='')}"


def gitlab_status(post: Post) -> tuple[str, dict[str, Any]]:
    """Address and body of `POST /projects/:id/statuses/:sha`."""
    return f"{project(post)}/statuses/{post.commit}", {
        "state": post.word,
        "name": post.context,
        "target_url": post.page,
        "description": post.description,
    }


def says_so_already(status: int, text: str) -> bool:
    """GitLab refuses a state that the commit is in already: it has what it shall have."""
    return status == 400 and "Cannot transition status" in text


def merge_requests(post: Post) -> str:
    return f"{project(post)}/repository/commits/{post.commit}/merge_requests?per_page=100"


def open_at(listed: Any, commit: str) -> list[int]:
    """The open merge requests whose head is this commit: of an earlier commit nothing may be said any more."""
    rows = listed if isinstance(listed, list) else []
    return [
        int(r["iid"])
        for r in rows
        if isinstance(r, dict) and r.get("state") == "opened" and r.get("sha") == commit and r.get("iid")
    ]


def status_checks(post: Post, iid: int) -> str:
    return f"{project(post)}/merge_requests/{iid}/status_checks?per_page=100"


def check_named(listed: Any, name: str) -> int | None:
    rows = listed if isinstance(listed, list) else []
    found = [r["id"] for r in rows if isinstance(r, dict) and r.get("name") == name and r.get("id")]
    return int(found[0]) if found else None


def gitlab_check(post: Post, iid: int, check: int) -> tuple[str, dict[str, Any]]:
    """Address and body of `POST /projects/:id/merge_requests/:iid/status_check_responses`."""
    return f"{project(post)}/merge_requests/{iid}/status_check_responses", {
        "sha": post.commit,
        "external_status_check_id": check,
        "status": post.word,
    }
