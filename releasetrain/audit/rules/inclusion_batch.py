"""Many inclusion proofs in one pass over the leaves.

Made one by one, proofs over a large tree read its leaves into memory. Here the nodes that the proofs need are found
first, from the shape of the tree alone, then picked up while the leaves stream by.
"""

from collections.abc import Iterable, Iterator, Sequence

from .merkle import CompactRange, ProofError, inclusion_proof

_NOWHERE = bytes(32)


def inclusion_proofs(
    indexes: Sequence[int], size: int, leaves: Iterable[bytes]
) -> Iterator[tuple[int, list[bytes]]]:
    """(index, audit path) of each leaf in the tree of the first `size` leaves; `leaves` come in order from 0."""
    wanted: set[tuple[int, int]] = set()

    def note(level: int, index: int) -> bytes:
        wanted.add((level, index))
        return _NOWHERE

    for index in indexes:
        inclusion_proof(index, size, note)
    found = _gather(wanted, size, leaves)
    for index in indexes:
        yield index, inclusion_proof(index, size, lambda level, at: found[level, at])


def _gather(wanted: set[tuple[int, int]], size: int, leaves: Iterable[bytes]) -> dict[tuple[int, int], bytes]:
    tree = CompactRange()
    found: dict[tuple[int, int], bytes] = {}
    for leaf in leaves:
        for node in tree.append(leaf):
            if (node.level, node.index) in wanted:
                found[node.level, node.index] = node.hash
        if tree.size == size:
            break
    if tree.size != size:
        raise ProofError(f"Leaves {tree.size} to {size - 1} are not all there.")
    return found
