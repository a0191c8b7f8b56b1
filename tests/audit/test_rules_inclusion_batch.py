"""Batches of inclusion proofs are the proofs made one by one."""

import hashlib

import pytest

from releasetrain.audit.rules.inclusion_batch import inclusion_proofs
from releasetrain.audit.rules.merkle import ProofError, TreeNodes, inclusion_proof

LEAVES = [hashlib.sha256(bytes([n])).digest() for n in range(70)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 69])
def test_batch_and_single_proofs_agree(size: int) -> None:
    nodes = TreeNodes.of(LEAVES)
    indexes = list(range(0, size, 3))
    assert list(inclusion_proofs(indexes, size, LEAVES)) == [
        (i, inclusion_proof(i, size, nodes)) for i in indexes
    ]


def test_missing_leaves_are_no_proof() -> None:
    with pytest.raises(ProofError, match="Leaves 70 to 79"):
        list(inclusion_proofs([1], 80, LEAVES))
