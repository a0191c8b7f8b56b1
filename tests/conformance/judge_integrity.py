"""Judges of folder 04_integrity: Merkle proofs, notes, envelopes, statements, canonical JSON, Ed25519."""

import base64
import json
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers

from governance.rules.intake.provenance import read_provenance
from releasetrain.audit.rules import checkpoint, dsse, intoto, merkle
from releasetrain.audit.rules.signing import LocalSigner, PublicKey
from releasetrain.audit.verifier import verify as alone
from releasetrain.kernel.canonical import canonical

from .vectors import Tally, folder, judge, load, refuses

ELIDED = "a documentation example whose digest is elided with dots; a digest we cannot compare is refused"


def _raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


@judge("04_integrity/merkle/inclusion")
def inclusion() -> Tally:
    cases = load("04_integrity", "merkle", "inclusion.json")
    tally = Tally(len(cases))
    for case in cases:
        proof = [_raw(value) for value in case["proof"] or []]
        args = (_raw(case["leafHash"]), case["leafIdx"], case["treeSize"], proof, _raw(case["root"]))
        both = {
            refuses(merkle.ProofError, merkle.verify_inclusion, *args),
            refuses(alone.Broken, alone.check_inclusion, *args),
        }
        tally.case(case["case"], both == {case["wantErr"]})
    return tally


@judge("04_integrity/merkle/consistency")
def consistency() -> Tally:
    cases = load("04_integrity", "merkle", "consistency.json")
    tally = Tally(len(cases))
    for case in cases:
        proof = [_raw(value) for value in case["proof"] or []]
        args = (case["size1"], case["size2"], _raw(case["root1"]), _raw(case["root2"]), proof)
        tally.case(
            case["case"], refuses(merkle.ProofError, merkle.verify_consistency, *args) == case["wantErr"]
        )
    return tally


@judge("04_integrity/merkle/reference_tree")
def reference_tree() -> Tally:
    tree = load("04_integrity", "merkle", "reference_tree.json")
    levels, roots = tree["node_hashes_by_level"], tree["root_hash_by_tree_size"]
    tally = Tally(sum(map(len, levels)) + len(roots) + len(tree["primitive"]))
    leaves = [merkle.leaf_hash(bytes.fromhex(text)) for text in tree["leaf_inputs_hex"]]
    edge = merkle.CompactRange()
    grown = [edge.root()]
    completed = {}
    for leaf in leaves:
        completed |= {(node.level, node.index): node.hash for node in edge.append(leaf)}
        grown.append(edge.root())
    for level, row in enumerate(levels):
        for index, want in enumerate(row):
            tally.case(f"node {level}/{index}", completed[level, index].hex() == want)
    for size, want in enumerate(roots):
        node = merkle.TreeNodes.of(leaves)
        tally.case(f"root {size}", want == grown[size].hex() == merkle.tree_root(size, node).hex())
    primitive = tree["primitive"]
    tally.case("empty root", merkle.EMPTY_ROOT.hex() == primitive["empty_root"])
    tally.case("empty leaf", merkle.leaf_hash(b"").hex() == primitive["empty_leaf"])
    tally.case("leaf", merkle.leaf_hash(b"L123456").hex() == primitive['leaf("L123456")'])
    tally.case("node", merkle.node_hash(b"N123", b"N456").hex() == primitive['node("N123","N456")'])
    return tally


@judge("04_integrity/tlog")
def notes() -> Tally:
    data = load("04_integrity", "tlog", "signed_note_and_tree_text.json")
    tree = data["tree_text"]
    tally = Tally(len(data["verifier_keys"]) + 1 + len(data["open_cases"]) + 1 + len(tree["bad"]) + 2)
    keys = {name: checkpoint.NoteKey.parse(text) for name, text in data["verifier_keys"].items()}
    for name, text in data["verifier_keys"].items():
        tally.case(f"key {name}", keys[name].text == text)
    seed = base64.b64decode(data["signer_private_key"].split(" ")[0].split("+", 4)[4])[1:]
    signed = checkpoint.sign_note(data["text"], [("PeterNeumann", LocalSigner.from_seed(seed))]).message
    tally.case("sign", signed == data["open_cases"][2]["msg"])
    for number, case in enumerate(data["open_cases"]):
        tally.case(f"open {number}", _opens(case, keys))
    golden = checkpoint.Checkpoint.parse(tree["golden"], "go.sum database tree")
    root = merkle.leaf_hash(b"hello world")
    tally.case("tree golden", (golden.size, golden.root, golden.text) == (tree["size"], root, tree["golden"]))
    for number, text in enumerate(tree["bad"]):
        refused = refuses(checkpoint.NoteError, checkpoint.Checkpoint.parse, text, "go.sum database tree")
        tally.case(f"tree bad {number}", refused)
    longer = checkpoint.Checkpoint.parse(tree["golden"] + "other\nlines\n", "go.sum database tree")
    tally.case("trailing lines", longer.root == root and tree["trailing_lines_ignored"])
    note = checkpoint.parse_note(data["checkpoint_example_c2sp"])
    read = checkpoint.Checkpoint.parse(note.text)
    whole = checkpoint.Note(read.text, note.signatures).message
    tally.case("C2SP example", whole == data["checkpoint_example_c2sp"] and read.size == 20852163)
    return tally


def _opens(case: dict[str, Any], keys: dict[str, checkpoint.NoteKey]) -> bool:
    try:
        opened = checkpoint.open_note(case["msg"], [keys[name] for name in case["verifiers"]])
    except checkpoint.NoteError:
        return case["expected"].startswith("error")
    names = (
        [signature.name for signature in opened.verified],
        [signature.name for signature in opened.unverified],
    )
    wanted = case.get("verified", names[0]), case.get("unverified", names[1])
    return case["expected"] == "ok" and names == wanted


@judge("04_integrity/dsse")
def envelopes() -> Tally:
    data = load("04_integrity", "dsse", "vectors.json")
    tally = Tally(2 + len(data["must_rules"]))
    payload = data["payload"].encode()
    tally.case("pae", dsse.pae(data["payloadType"], payload) == data["pae"].encode())
    numbers = data["ecdsa_p256_sha256_rfc6979"]
    key = EllipticCurvePublicNumbers(int(numbers["x"]), int(numbers["y"]), SECP256R1()).public_key()
    envelope = dsse.Envelope.parse(json.dumps(data["envelope"]))
    tally.case("envelope", dsse.verify(envelope, {"a": key}).payload == payload)
    for rule, kept in zip(data["must_rules"], _rules(data["envelope"], key), strict=True):
        tally.case(rule, kept)
    return tally


def _rules(envelope: dict[str, Any], key: dsse.VerificationKey) -> list[bool]:
    signer = LocalSigner.from_seed(bytes(32))
    safe = envelope | {
        "signatures": [{"sig": envelope["signatures"][0]["sig"].replace("+", "-").replace("/", "_")}]
    }
    both = all(dsse.verify(dsse.Envelope.parse(json.dumps(form)), {"a": key}) for form in (envelope, safe))
    twice = dsse.sign(b"{}", "t", [signer, signer])
    keys = {"one": signer.public, "same key, other name": signer.public}
    once = refuses(dsse.EnvelopeError, lambda: dsse.verify(twice, keys, threshold=2))
    wrong_type = refuses(dsse.EnvelopeError, lambda: dsse.verify(twice, keys, payload_types=["u"]))
    handed_on = dsse.verify(twice, keys, payload_types=["t"]).payload == b"{}"
    return [both, once, wrong_type, handed_on, dsse.pae("é", b"\xc3\xa9") == "DSSEv1 2 é 2 é".encode()]


@judge("04_integrity/intoto")
def statements() -> Tally:
    data = load("04_integrity", "intoto", "statement_validation_cases.json")
    examples = sorted(folder("04_integrity", "intoto").glob("*.statement.json"))
    elided = {path.name: ELIDED for path in examples if b'..."' in path.read_bytes()}
    tally = Tally(len(data["statements"]) + len(data["resource_descriptors"]) + len(examples), known=elided)
    for number, case in enumerate(data["statements"]):
        refused = refuses(intoto.StatementError, intoto.parse_statement, case["input"])
        tally.case(f"statement {number}", refused != (case["expected"] == "valid"))
    for case in data["resource_descriptors"]:
        refused = refuses(intoto.StatementError, intoto.validate_resource, case["input"])
        tally.case(case["name"], refused != (case["expected"] == "valid"))
    for path in examples:
        tally.case(path.name, not refuses(intoto.StatementError, intoto.parse_statement, path.read_bytes()))
    return tally


@judge("04_integrity/slsa")
def provenance() -> Tally:
    """The listed statements, put together again from what the list says of them, and the published summary statement."""
    listed = load("04_integrity", "slsa", "provenance_policy_cases.json")["provenance_files"]
    example = folder("04_integrity", "slsa") / "vsa_v1_example.statement.json"
    tally = Tally(len(listed) + 1, known={example.name: ELIDED})
    for case in listed:
        statement = {
            "_type": intoto.STATEMENT_V01,
            "subject": [{"name": name, "digest": digest} for name, digest in case["subjects"].items()],
            "predicateType": case["predicateType"],
            "predicate": {
                "builder": {"id": case["builder"]},
                "invocation": {
                    "configSource": {
                        "uri": case["source"]["uri"],
                        "digest": case["source"]["digest"],
                        "entryPoint": case["source"]["entryPoint"],
                    }
                },
            },
        }
        read = read_provenance(json.dumps(statement).encode())
        matches = f"sha256:{case['artifact_sha256_computed']}" in read.subjects
        said = (read.builder, read.commit, read.source)
        wanted = (case["builder"], case["source"]["digest"]["sha1"], case["source"]["uri"])
        tally.case(case["file"], matches == case["subject_matches_artifact"] and said == wanted, said)
    tally.case(example.name, not refuses(intoto.StatementError, intoto.parse_statement, example.read_bytes()))
    return tally


@judge("04_integrity/jcs")
def canonical_json() -> Tally:
    base = folder("04_integrity", "jcs")
    inputs = sorted((base / "input").glob("*.json"))
    numbers = (base / "es6_numbers_10000.txt").read_text().split()
    tally = Tally(2 * len(inputs) + len(numbers))
    for path in inputs:
        value = json.loads(path.read_bytes())
        written = {canonical(value), alone.canonical(value)}
        tally.case(path.name, written == {(base / "output" / path.name).read_bytes()})
        wanted = bytes.fromhex((base / "outhex" / path.with_suffix(".txt").name).read_text())
        tally.case(f"{path.name} hex", written == {wanted})
    for line in numbers:
        bits, want = line.split(",")
        value = struct.unpack(">d", bytes.fromhex(bits.rjust(16, "0")))[0]
        tally.case(line, {canonical(value), alone.canonical(value)} == {want.encode()})
    return tally


@judge("04_integrity/ed25519")
def ed25519() -> Tally:
    cases = load("04_integrity", "ed25519", "rfc8032_vectors.json")["vectors"]
    tally = Tally(len(cases))
    for case in cases:
        message, signature = bytes.fromhex(case["message"]), bytes.fromhex(case["signature"])
        signer = LocalSigner.from_seed(bytes.fromhex(case["secret"]))
        public = bytes.fromhex(case["public"])
        good = PublicKey(public).verifies(message, signature) and alone.ed25519_verify(
            public, message, signature
        )
        bad = PublicKey(public).verifies(message + b"x", signature) or alone.ed25519_verify(
            public, message + b"x", signature
        )
        tally.case(
            case["name"],
            signer.public.raw == public and signer.sign(message) == signature and good and not bad,
        )
    return tally
