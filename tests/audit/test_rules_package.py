"""Evidence packages: built the same twice, verified alone, and every damage caught and named."""

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releasetrain.audit.rules.checkpoint import Checkpoint, NoteKey, sign_note
from releasetrain.audit.rules.merkle import ProofError, TreeNodes, inclusion_proof, leaf_hash, tree_root
from releasetrain.audit.rules.package import (
    LedgerExtract,
    LedgerLine,
    Member,
    Package,
    PackageError,
    build_package,
    build_zip,
)
from releasetrain.audit.rules.signing import LocalSigner
from releasetrain.audit.verifier import verify as alone
from releasetrain.kernel.canonical import canonical

ORIGIN = "ledger.example/northwind"
SIGNER, LOG, STRANGER = (LocalSigner.from_seed(letter * 32) for letter in (b"p", b"l", b"s"))
BODIES = [canonical({"verb": "release.freeze", "number": number}).decode() for number in range(11)]
RECORDS = [
    {"id": f"change/CHG-{number}", "risk": 0.5 + number, "title": "Zahlung – ä"} for number in (3, 1, 2)
]


def extract(*indexes: int, body: str | None = None) -> LedgerExtract:
    leaves = [leaf_hash(text.encode()) for text in BODIES]
    nodes = TreeNodes.of(leaves)
    tree = Checkpoint(ORIGIN, len(leaves), tree_root(len(leaves), nodes))
    lines = [LedgerLine(at, body or BODIES[at], inclusion_proof(at, len(leaves), nodes)) for at in indexes]
    return LedgerExtract(sign_note(tree.text, [(ORIGIN, LOG)]).message, lines, [NoteKey(ORIGIN, LOG.public)])


def build(**changes: object) -> Package:
    given: dict[str, object] = {
        "package_id": "EVP-7",
        "subject": {"kind": "release", "key": "REL-12"},
        "records": RECORDS,
        "files": [
            Member("attachments/plan.txt", b"the plan", "text/plain"),
            Member("index.html", b"<!doctype html>", "text/html", evidence=False),
        ],
        "ledger": extract(2, 9, 4),
        "signers": [SIGNER],
    }
    return build_package(**(given | changes))  # type: ignore[arg-type]


PACKAGE = build()


def members(data: bytes = PACKAGE.data) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def check(data: bytes, tmp_path: Path, *signers: LocalSigner) -> list[str]:
    path = tmp_path / "package.zip"
    path.write_bytes(data)
    return alone.verify(str(path), [alone.Key(signer.public.raw) for signer in signers]).problems


def damaged(tmp_path: Path, change: Callable[[dict[str, bytes]], object], *signers: LocalSigner) -> str:
    parts = members()
    change(parts)
    return "\n".join(check(build_zip(parts), tmp_path, *signers))


def test_the_same_facts_give_the_same_bytes() -> None:
    again = build(records=RECORDS[::-1], ledger=extract(9, 4, 2))
    assert again.data == PACKAGE.data
    assert again.sha256 == PACKAGE.sha256


def test_facts_do_not_depend_on_signer_or_rendering() -> None:
    other = build(signers=[STRANGER], files=[Member("attachments/plan.txt", b"the plan", "text/plain")])
    assert other.facts == PACKAGE.facts
    assert build(records=RECORDS[:2]).facts != PACKAGE.facts


def test_an_intact_package_verifies_with_and_without_known_keys(tmp_path: Path) -> None:
    assert check(PACKAGE.data, tmp_path) == []
    assert check(PACKAGE.data, tmp_path, SIGNER, LOG) == []
    assert check(build(ledger=None, files=[]).data, tmp_path, SIGNER) == []
    assert check(build(signers=[SIGNER, STRANGER]).data, tmp_path, STRANGER, LOG) == []


def test_strange_keys_are_not_enough(tmp_path: Path) -> None:
    problems = "\n".join(check(PACKAGE.data, tmp_path, STRANGER))
    assert "manifest.dsse.json: is not signed by any key given with --key" in problems
    assert "checkpoint.txt: is not signed by any key given with --key" in problems


def test_the_command_runs_alone_and_ends_with_its_verdict(tmp_path: Path) -> None:
    package, pem = tmp_path / "p.zip", tmp_path / "k.pem"
    package.write_bytes(PACKAGE.data)
    pem.write_text(SIGNER.public.pem)
    # -I -S: neither our packages nor any installed one can be imported.
    command = [sys.executable, "-I", "-S", alone.__file__, str(package)]
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout.splitlines()[0]) == (0, "INTACT")
    assert SIGNER.public.keyid in good.stdout
    package.write_bytes(PACKAGE.data.replace(b"the plan", b"the plot"))
    bad = subprocess.run([*command, "--key", str(pem)], capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "attachments/plan.txt" in bad.stdout
    assert subprocess.run([*command, "--key", "absent.pem"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize("signers", [[SIGNER], [SIGNER, STRANGER]])
def test_the_readme_commands_verify_and_refuse(signers: list[LocalSigner], tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(build(signers=signers).data)) as archive:
        archive.extractall(tmp_path)
    readme = (tmp_path / "README.txt").read_text()
    commands = re.findall(r"^   ((?:openssl|sha256sum|sed|printf) .*)$", readme, re.MULTILINE)
    assert len(commands) == 9
    script = "set -e\n" + "\n".join(commands)
    assert (
        SIGNER.public.keyid
        in subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout
    )
    (tmp_path / "records.json").write_bytes(b"{}")
    assert (
        subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, check=False).returncode != 0
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda m: m.pop("attachments/plan.txt"), "attachments/plan.txt: was removed"),
        (lambda m: m.update({"attachments/new.txt": b""}), "attachments/new.txt: was inserted"),
        (lambda m: m.update({"index.html": b"other"}), "index.html: was altered"),
        (lambda m: m.update({"manifest.json": b"{}"}), "manifest.json: is not the manifest that was signed"),
        (lambda m: m.pop("manifest.dsse.json"), "manifest.dsse.json: is missing"),
        (
            lambda m: m.pop("keys/package-1.pem"),
            "the key " + SIGNER.public.keyid + " that signed it is missing",
        ),
        (
            lambda m: m.update({"keys/package-1.pem": STRANGER.public.pem.encode()}),
            "keys/package-1.pem: is not the key",
        ),
        (lambda m: m.pop("checkpoint.txt"), "checkpoint.txt: was removed"),
        (lambda m: m.update({"SHA256SUMS": b""}), "SHA256SUMS: does not list"),
        (lambda m: m.update({"SHA256SUMS.sig": bytes(64)}), "SHA256SUMS.sig: is no signature"),
    ],
)
def test_damage_to_files_is_named(
    change: Callable[[dict[str, bytes]], object], named: str, tmp_path: Path
) -> None:
    assert named in damaged(tmp_path, change)


@pytest.mark.parametrize(
    ("records", "named"),
    [
        (RECORDS[:2], "records.json: the record change/CHG-2 was removed"),
        ([*RECORDS, {"id": "change/CHG-9"}], "records.json: the record change/CHG-9 was inserted"),
        ([RECORDS[0] | {"risk": 0}, *RECORDS[1:]], "records.json: the record change/CHG-3 was altered"),
        ([*RECORDS, RECORDS[0]], "records.json: the record change/CHG-3 was inserted"),
    ],
)
def test_damage_to_records_is_named(records: list[dict[str, object]], named: str, tmp_path: Path) -> None:
    text = canonical({"records": records})
    assert named in damaged(tmp_path, lambda parts: parts.update({"records.json": text}))


def test_damage_to_the_ledger_is_named(tmp_path: Path) -> None:
    lines = members()["ledger/entries.jsonl"].splitlines(keepends=True)

    def put(*rows: bytes) -> str:
        return damaged(tmp_path, lambda parts: parts.update({"ledger/entries.jsonl": b"".join(rows)}))

    assert "the ledger entry 4 was removed" in put(lines[0], lines[2])
    assert "the ledger entry 9 was inserted" in put(*lines, lines[2])
    assert "the ledger entry 4 was altered" in put(lines[0], lines[1].replace(b"freeze", b"freezE"), lines[2])
    assert "the proof of ledger entry 2 is wrong" in put(
        lines[0].replace(b'"proof":["', b'"proof":["00'), *lines[1:]
    )
    strange = canonical({"index": 5, "body": BODIES[5], "proof": []}) + b"\n"
    assert "the ledger entry 5 was inserted" in put(*lines, strange)


def test_a_checkpoint_by_a_stranger_is_refused(tmp_path: Path) -> None:
    text = members()["checkpoint.txt"].decode().split("\n\n")[0] + "\n"
    forged = sign_note(text, [(ORIGIN, STRANGER)]).message.encode()
    named = damaged(tmp_path, lambda parts: parts.update({"checkpoint.txt": forged}))
    assert "checkpoint.txt: the key that signed it is missing" in named


def test_a_package_rebuilt_by_a_stranger_is_only_caught_by_a_known_key(tmp_path: Path) -> None:
    forged = build(signers=[STRANGER], records=RECORDS[:2]).data
    assert check(forged, tmp_path) == []
    assert "is not signed by any key" in "\n".join(check(forged, tmp_path, SIGNER, LOG))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_flipped_byte_in_any_member_passes(tmp_path: Path, data: st.DataObject) -> None:
    parts = members()
    name = data.draw(st.sampled_from(sorted(parts)))
    at, bit = data.draw(st.integers(0, len(parts[name]) - 1)), data.draw(st.integers(0, 7))
    flipped = bytearray(parts[name])
    flipped[at] ^= 1 << bit
    problems = check(
        build_zip(parts | {name: bytes(flipped)}), tmp_path, *data.draw(st.sampled_from([(), (SIGNER, LOG)]))
    )
    assert problems
    if name not in {"manifest.dsse.json"}:
        assert any(name in problem for problem in problems)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(PACKAGE.data) - 1), st.integers(0, 7))
def test_a_flipped_byte_in_the_archive_passes_only_where_it_carries_no_content(
    tmp_path: Path, at: int, bit: int
) -> None:
    flipped = bytearray(PACKAGE.data)
    flipped[at] ^= 1 << bit
    if not check(bytes(flipped), tmp_path):
        assert members(bytes(flipped)) == members()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400))
def test_no_file_breaks_the_verifier(tmp_path: Path, data: bytes) -> None:
    assert check(data, tmp_path)
    assert check(build_zip({"manifest.dsse.json": data}), tmp_path)


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../b", "a\\b", "a//b", ".hidden", "C:x"])
def test_unsafe_paths_are_refused_when_read_and_when_built(name: str, tmp_path: Path) -> None:
    assert "unsafe path" in check(build_zip({name: b""}), tmp_path)[0]
    with pytest.raises(PackageError):
        build(files=[Member(name, b"", "text/plain")])


def test_bombs_links_duplicates_and_odd_compression_are_refused(tmp_path: Path) -> None:
    def archive(add: Callable[[zipfile.ZipFile], None]) -> str:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as target:
            add(target)
        return check(buffer.getvalue(), tmp_path)[0]

    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    assert "is a link" in archive(lambda target: target.writestr(link, "/etc/passwd"))
    assert "unpacks to more" in archive(
        lambda target: target.writestr("bomb", bytes(50 << 20), zipfile.ZIP_DEFLATED)
    )
    assert "unknown way" in archive(lambda target: target.writestr("a", b"a" * 99, zipfile.ZIP_LZMA))
    with pytest.warns(UserWarning, match="Duplicate name"):
        assert "twice" in archive(lambda target: [target.writestr("a", b"x") for _ in "ab"])


def test_what_would_not_verify_is_not_built() -> None:
    with pytest.raises(ProofError):
        build(ledger=extract(3, body="another text"))
    with pytest.raises(PackageError, match="id of its own"):
        build(records=[{"id": "a"}, {"id": "a"}])
    with pytest.raises(PackageError, match="signer"):
        build(signers=[])
    with pytest.raises(PackageError, match="cannot be used"):
        build(files=[Member("records.json", b"", "text/plain")])
