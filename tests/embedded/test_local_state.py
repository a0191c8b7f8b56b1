"""What is kept under var/: secrets that only we can read, stamps, and one tree at a time."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from releasetrain.embedded.fingerprint import schema_digest
from releasetrain.embedded.local_state import AlreadyRunning, LocalState
from releasetrain.embedded.provisioning import Login


@pytest.fixture
def state(tmp_path: Path) -> LocalState:
    return LocalState(tmp_path / "var")


def test_secrets_are_made_once_and_private(state: LocalState) -> None:
    assert state.secret_key() == LocalState(state.folder).secret_key()
    assert state.passwords() == LocalState(state.folder).passwords()
    assert len(set(state.passwords().values())) == 4
    for name in ("secret_key", "passwords.json"):
        assert stat.S_IMODE((state.folder / name).stat().st_mode) == 0o600


def test_a_second_tree_is_told_where_the_first_one_is(state: LocalState) -> None:
    with state.held():
        state.announce("at this address (process 1)")
        with pytest.raises(AlreadyRunning, match="at this address"), LocalState(state.folder).held():
            pytest.fail("held twice")
    with LocalState(state.folder).held():
        pass


def test_a_new_database_forgets_what_was_prepared_in_the_old_one(state: LocalState) -> None:
    for name in ("schema", "demo", "static"):
        state.set_stamp(name, "done")
    state.forget_database_stamps()
    assert [state.stamp(name) for name in ("schema", "demo", "static")] == ["", "", "done"]


def test_the_schema_digest_follows_models_migrations_guards_and_lock(tmp_path: Path) -> None:
    seen = {schema_digest(tmp_path)}
    for name in (
        "trains/migrations/0001_initial.py",
        "trains/models/release.py",
        "trains/guards.py",
        "releasetrain/tenancy/guards.py",
        "releasetrain/exchange/models/parts/hook.py",
        "requirements/run.txt",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("# changed")
        digest = schema_digest(tmp_path)
        assert digest not in seen, name
        seen.add(digest)
    page = tmp_path / "trains/pages/board.py"
    page.parent.mkdir()
    page.write_text("# a page changes no schema")
    assert schema_digest(tmp_path) in seen


def test_a_login_is_read_from_its_url() -> None:
    assert Login.of("postgresql://app:a%2Fb%40@/db?host=/run") == Login("app", "a/b@")
    assert Login.of("postgres://app@db.internal:5432/db") == Login("app", None)
