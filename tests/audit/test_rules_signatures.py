"""Signed notes, checkpoints, envelopes and statements: what is accepted and what is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.audit.rules import dsse, intoto
from releasetrain.audit.rules.checkpoint import (
    Checkpoint,
    NoteError,
    NoteKey,
    open_checkpoint,
    open_note,
    parse_note,
    sign_note,
)
from releasetrain.audit.rules.signing import KeyUnusable, LocalSigner, PublicKey
from releasetrain.audit.verifier import verify as alone

OLD, NEW = LocalSigner.from_seed(b"o" * 32), LocalSigner.from_seed(b"n" * 32)
TREE = Checkpoint("ledger.example/northwind", 7, bytes(32))


def key(signer: LocalSigner, name: str = "ledger.example/northwind") -> NoteKey:
    return NoteKey(name, signer.public)


def test_two_keys_overlap_while_one_is_replaced() -> None:
    name = "ledger.example/northwind"
    note = sign_note(TREE.text, [(name, OLD), (name, NEW)])
    for known in (OLD, NEW):
        assert open_checkpoint(note.message, [key(known)], TREE.origin) == TREE
    assert [len(part) for part in (open_note(note.message, [key(OLD)]).unverified, note.signatures)] == [1, 2]


def test_a_witness_adds_its_signature_and_keeps_ours() -> None:
    ours = sign_note(TREE.text, [(TREE.origin, OLD)])
    both = sign_note(TREE.text, [("witness.example", NEW)], ours.signatures)
    assert parse_note(both.message) == both
    assert len(open_note(both.message, [key(OLD), key(NEW, "witness.example")]).verified) == 2
    again = sign_note(TREE.text, [("witness.example", NEW)], both.signatures)
    assert again == both


def test_another_log_and_an_unknown_key_are_refused() -> None:
    note = sign_note(TREE.text, [(TREE.origin, OLD)]).message
    with pytest.raises(NoteError, match="not of"):
        open_checkpoint(note, [key(OLD)], "ledger.example/contoso")
    with pytest.raises(NoteError, match="no signature by a known key"):
        open_checkpoint(note, [key(NEW)])


@pytest.mark.parametrize(
    "text", ["a\n01\n{r}\n", "a\n-1\n{r}\n", "a\n1\n{r}=\n", "a\n1\n{r}", "\n1\n{r}\n", "a\n1\n{r}\n\nx\n"]
)
def test_a_loose_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text.format(r=base64.b64encode(bytes(32)).decode()))


def test_a_verifier_key_reads_back_and_a_wrong_hash_is_refused() -> None:
    text = key(OLD).text
    assert NoteKey.parse(text) == key(OLD)
    with pytest.raises(NoteError):
        NoteKey.parse(text.replace("northwind", "contoso"))


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_no_note_breaks_the_reader(message: bytes | str) -> None:
    try:
        parse_note(message)
    except NoteError:
        return


def test_a_key_is_read_from_pem_and_known_by_its_fingerprint() -> None:
    public = PublicKey.from_pem(OLD.public.pem)
    assert public == OLD.public
    assert alone.Key.from_pem(OLD.public.pem.encode(), "x").keyid == public.keyid
    with pytest.raises(KeyUnusable):
        PublicKey.from_pem("no key")
    with pytest.raises(KeyUnusable):
        LocalSigner.from_pem("no key")


def test_an_envelope_counts_keys_and_not_signatures() -> None:
    envelope = dsse.Envelope.parse(dsse.sign(b"{}", "t", [OLD, OLD, NEW]).to_json())
    keys = {"old": OLD.public, "new": NEW.public}
    assert dsse.verify(envelope, keys, threshold=2).keys == ("old", "new")
    with pytest.raises(dsse.EnvelopeError, match="1 known keys signed; 2 are needed"):
        dsse.verify(envelope, {"old": OLD.public}, threshold=2)


def test_a_wrong_hint_does_not_hide_a_good_signature() -> None:
    signature = dsse.Signature(OLD.sign(dsse.pae("t", b"x")), keyid="new")
    envelope = dsse.Envelope(b"x", "t", (signature,))
    assert dsse.verify(envelope, {"new": NEW.public, "old": OLD.public}).keys == ("old",)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_no_text_breaks_the_envelope_and_statement_readers(data: bytes | str) -> None:
    for read, refusal in (
        (dsse.Envelope.parse, dsse.EnvelopeError),
        (intoto.parse_statement, intoto.StatementError),
    ):
        with pytest.raises(refusal):
            read(data)


def test_a_subject_without_digest_is_refused() -> None:
    with pytest.raises(intoto.StatementError, match="digest"):
        intoto.build_statement([intoto.Subject("a", {})], "t", {})


@given(st.binary(max_size=64), st.binary(min_size=64, max_size=64), st.binary(min_size=32, max_size=32))
def test_the_verifiers_own_ed25519_agrees_with_openssl(message: bytes, noise: bytes, public: bytes) -> None:
    good = OLD.sign(message)
    assert alone.ed25519_verify(OLD.public.raw, message, good)
    swapped = good[:32] + noise[32:]
    for signature in (noise, swapped):
        expected = OLD.public.verifies(message, signature)
        assert alone.ed25519_verify(OLD.public.raw, message, signature) == expected
    assert alone.ed25519_verify(public, message, good) == PublicKey(public).verifies(message, good)


def test_a_second_form_of_one_signature_is_refused() -> None:
    good = OLD.sign(b"x")
    scalar = int.from_bytes(good[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    other = good[:32] + scalar.to_bytes(32, "little")
    assert not alone.ed25519_verify(OLD.public.raw, b"x", other)
    assert not OLD.public.verifies(b"x", other)
