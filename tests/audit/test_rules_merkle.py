"""Merkle tree rules: growing, proving and verifying agree with each other at every size."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releasetrain.audit.rules.merkle import (
    CompactRange,
    ProofError,
    TreeNodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from releasetrain.audit.verifier import verify as alone

LEAVES = [leaf_hash(str(number).encode()) for number in range(70)]


def test_every_leaf_of_every_small_tree_is_proved() -> None:
    nodes = TreeNodes.of(LEAVES)
    for size in range(1, 34):
        root = tree_root(size, nodes)
        for index in range(size):
            proof = inclusion_proof(index, size, nodes)
            verify_inclusion(LEAVES[index], index, size, proof, root)
            alone.check_inclusion(LEAVES[index], index, size, proof, root)


def test_every_small_tree_continues_every_smaller_one() -> None:
    nodes = TreeNodes.of(LEAVES)
    for new in range(1, 34):
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, nodes)
            verify_consistency(old, new, tree_root(old, nodes), tree_root(new, nodes), proof)


@given(st.lists(st.integers(1, 20), max_size=8))
def test_an_edge_kept_between_batches_gives_the_same_root(batches: list[int]) -> None:
    edge, taken = CompactRange(), 0
    for batch in batches:
        # What is stored between two batches is only the size and the subtree roots.
        edge = CompactRange(edge.size, list(edge.roots))
        edge.extend(LEAVES[at % 70] for at in range(taken, taken + batch))
        taken += batch
    whole = TreeNodes.of([LEAVES[at % 70] for at in range(taken)])
    assert edge.root() == tree_root(taken, whole)


@given(st.integers(2, 70), st.data())
def test_a_wrong_index_size_or_hash_is_refused(size: int, data: st.DataObject) -> None:
    nodes = TreeNodes.of(LEAVES)
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(index, size, nodes), tree_root(size, nodes)
    at = data.draw(st.integers(0, len(proof) - 1))
    damaged = [*proof[:at], hashlib.sha256(proof[at]).digest(), *proof[at + 1 :]]
    for wrong in (
        (LEAVES[index], index, size, damaged, root),
        (LEAVES[index], index, size, [*proof, root], root),
        (LEAVES[index], index, size, proof[1:], root),
        (LEAVES[index], (index + 1) % size, size, proof, root),
        (leaf_hash(b"other"), index, size, proof, root),
        (LEAVES[index], size, size, proof, root),
    ):
        with pytest.raises(ProofError):
            verify_inclusion(*wrong)
        with pytest.raises(alone.Broken):
            alone.check_inclusion(*wrong)


def test_stored_subtrees_spare_reading_the_leaves() -> None:
    size = 100_000
    stored, edge = {}, CompactRange()
    for number in range(size):
        for node in edge.append(leaf_hash(number.to_bytes(4))):
            if node.level % 8 == 0:
                stored[node.level, node.index] = node.hash
    read = 0

    def leaves(start: int, end: int) -> list[bytes]:
        nonlocal read
        read += end - start
        return [stored[0, at] for at in range(start, end)]

    nodes = TreeNodes(leaves, lambda level, index: stored.get((level, index)) if level else None)
    proof = inclusion_proof(77_777, size, nodes)
    verify_inclusion(leaf_hash((77_777).to_bytes(4)), 77_777, size, proof, edge.root())
    # Without the stored levels all 100 000 leaves would be read; with them only blocks beside the path are.
    assert read < size


def test_an_edge_that_does_not_fit_its_size_is_refused() -> None:
    with pytest.raises(ProofError):
        CompactRange(3, [LEAVES[0]])
    with pytest.raises(ProofError):
        CompactRange().append(b"short")
    with pytest.raises(ProofError):
        TreeNodes(lambda start, end: [])(1, 0)
