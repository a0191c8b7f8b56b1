"""The image and docker-compose.yml say what the program knows: commands, settings, files; nothing unpinned, nothing unguarded."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCUMENTED = set(
    re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE)
)
# What Compose itself, or the image of another's server, understands.
OF_OTHERS = {"LISTEN", "WORKER_CONCURRENCY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD"}
OF_OTHERS |= {"DATABASE_APP_PASSWORD", "DATABASE_OWNER_PASSWORD"}
# Read by the library that speaks to the object storage.
KEYS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
# What one must be able to say about any installation.
SAID = {
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "HTTPS",
    "BEHIND_PROXY",
    "EMAIL_HOST",
    "FILES_URL",
}
# Nobody can ask these: one ends when it is done, the other ends when it cannot go on, and is started anew.
UNASKED = {"migrate", "beat"}
ENDINGS = {"DATABASE_SUPERUSER_URL", "DATABASE_OWNER_URL"}


def _command(service: Any) -> str:
    command = service.get("command", "")
    return command if isinstance(command, str) else " ".join(command)


def test_there_is_a_service_for_every_role() -> None:
    assert set(OURS) == {"migrate", "web", "worker", "beat"}
    assert set(SERVICES) == {*OURS, "postgres", "valkey"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    """Another's image by its version; ours is built here, and never fetched."""
    image = SERVICES[name]["image"]
    if name in OURS:
        assert (SERVICES[name]["build"], image) == (".", "releasetrain:latest")
    else:
        assert re.fullmatch(r"[\w/]+:\d[\w.]*", image), image


def test_the_image_is_made_from_a_pinned_one_and_from_locked_packages() -> None:
    named = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert named == {"python:3.11-slim"}
    assert DOCKERFILE.count("--require-hashes") == 2


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_do_little(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.search(r"^USER releasetrain$", DOCKERFILE, re.MULTILINE)
    assert "user" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_whoever_can_be_asked_is(name: str) -> None:
    check = SERVICES[name].get("healthcheck")
    if name in UNASKED:
        assert check == {"disable": True}
    elif name == "web":
        assert check is None
        assert "HEALTHCHECK" in DOCKERFILE
        assert re.search(r'"-m", "releasetrain\.embedded\.healthcheck"', DOCKERFILE)
    else:
        assert {"test", "interval", "timeout", "retries"} <= set(check)
        # Only Docker's shell knows $HOSTNAME; the command `hostname` is in every image.
        assert "HOSTNAME" not in " ".join(check["test"])


@pytest.mark.parametrize("name", OURS)
def test_commands_exist(name: str) -> None:
    command = _command(OURS[name])
    assert set(re.findall(r"manage\.py (\w+)", command)) <= set(get_commands())
    module = re.search(r"--app (\S+)", command)
    if module:
        assert (ROOT / (module[1].replace(".", "/") + ".py")).is_file()
    assert "releasetrain.wsgi:application" in DOCKERFILE
    assert (ROOT / "releasetrain/embedded/healthcheck.py").is_file()


@pytest.mark.parametrize("name", OURS)
def test_the_environment_is_what_the_settings_read(name: str) -> None:
    environment = OURS[name]["environment"]
    assert SAID <= set(environment) <= DOCUMENTED | KEYS
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked <= DOCUMENTED | OF_OTHERS | KEYS
    # Who serves people never holds what may change the schema.
    assert (set(environment) >= ENDINGS) == (name == "migrate")
    assert not ENDINGS & set(environment) or name == "migrate"


def test_the_image_sets_only_known_variables() -> None:
    (block,) = re.findall(r"^ENV PATH=.*?(?=^RUN)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    names = set(re.findall(r"(?:^ENV |^ {4})([A-Z_]+)=", block, re.MULTILINE))
    assert (
        names - {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "DJANGO_SETTINGS_MODULE"}
        <= DOCUMENTED
    )


def test_everything_begins_with_what_it_needs() -> None:
    for name, service in OURS.items():
        needed = service["depends_on"]
        if name == "migrate":
            assert {each["condition"] for each in needed.values()} == {"service_healthy"}
            assert set(needed) == {"postgres", "valkey"}
        else:
            assert needed == {"migrate": {"condition": "service_completed_successfully"}}
    assert {name.partition(":")[0] for s in SERVICES.values() for name in s["volumes"]} == set(
        COMPOSE["volumes"]
    )


def test_all_that_the_program_reads_is_in_the_image() -> None:
    """The list of .dockerignore names what goes in: every package of ours, templates, files and translations."""
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines[0] == "*"
    taken = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert all((ROOT / name).exists() for name in taken)
    needed = {
        app.partition(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.partition(".")[0]).is_dir()
    }
    needed |= {Path(folder).relative_to(ROOT).parts[0] for folder in settings.LOCALE_PATHS}
    folders = [folder for folder in settings.STATICFILES_DIRS if not isinstance(folder, tuple)]
    needed |= {Path(folder).relative_to(ROOT).parts[0] for folder in folders}
    needed |= {Path(d).relative_to(ROOT).parts[0] for t in settings.TEMPLATES for d in t["DIRS"]}
    needed |= {"manage.py", "requirements"}
    assert needed <= set(taken)
    assert not [name for name in taken if any(fnmatch(name, line) for line in lines if line.startswith("**"))]
