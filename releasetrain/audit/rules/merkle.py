"""RFC 6962 Merkle tree: hashing, incremental append, roots, proofs of inclusion and consistency."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

# A node is the hash of a perfect subtree: (level, index) covers leaves index·2^level up to (index+1)·2^level.
NodeLookup = Callable[[int, int], bytes]
LeafRange = Callable[[int, int], Sequence[bytes]]


class ProofError(ValueError):
    """The proof cannot be made or does not hold."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of one entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two neighbouring subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Node:
    """A perfect subtree that an append completed (level 0 is the leaf itself)."""

    level: int
    index: int
    hash: bytes


@dataclass(slots=True)
class CompactRange:
    """The right edge of a tree: its perfect subtrees' roots, largest first. Appending n leaves costs O(n)."""

    size: int = 0
    roots: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.roots) != self.size.bit_count():
            raise ProofError(
                f"A tree of {self.size} leaves has {max(self.size, 0).bit_count()} subtree roots."
            )
        _check_hashes(self.roots)

    def append(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash; the subtrees completed by it, leaf first, for the caller to store."""
        _check_hashes([leaf])
        level, index, current = 0, self.size, leaf
        completed = [Node(level, index, current)]
        while index & 1:
            current = node_hash(self.roots.pop(), current)
            level, index = level + 1, index >> 1
            completed.append(Node(level, index, current))
        self.roots.append(current)
        self.size += 1
        return completed

    def extend(self, leaves: Iterable[bytes]) -> list[Node]:
        """Add many leaf hashes; every subtree completed by them."""
        return [node for leaf in leaves for node in self.append(leaf)]

    def root(self) -> bytes:
        """Root of the whole tree."""
        if not self.roots:
            return EMPTY_ROOT
        current = self.roots[-1]
        for left in reversed(self.roots[:-1]):
            current = node_hash(left, current)
        return current


class TreeNodes:
    """Node lookup over stored leaf hashes, helped by stored perfect subtrees where there are some."""

    def __init__(self, leaves: LeafRange, stored: Callable[[int, int], bytes | None] | None = None) -> None:
        """``leaves(start, end)`` reads leaf hashes; ``stored(level, index)`` a kept subtree root or None."""
        self._leaves = leaves
        self._stored = stored
        self._seen: dict[tuple[int, int], bytes] = {}

    @classmethod
    def of(cls, leaves: Sequence[bytes]) -> "TreeNodes":
        """Over leaf hashes held in memory."""
        return cls(lambda start, end: leaves[start:end])

    def __call__(self, level: int, index: int) -> bytes:
        if (level, index) in self._seen:
            return self._seen[level, index]
        kept = self._stored(level, index) if self._stored else None
        if kept is None:
            kept = self._build(level, index)
        self._seen[level, index] = kept
        return kept

    def _build(self, level: int, index: int) -> bytes:
        start, end = index << level, (index + 1) << level
        row = list(self._leaves(start, end))
        if len(row) != end - start:
            raise ProofError(f"Leaves {start} to {end - 1} are not all there.")
        _check_hashes(row)
        for height in range(level):
            # Remembered, so that further proofs over the same leaves cost nothing.
            self._seen.update({(height, (start >> height) + at): value for at, value in enumerate(row)})
            row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        return row[0]


def tree_root(size: int, node: NodeLookup) -> bytes:
    """Root of the first ``size`` leaves."""
    if size < 0:
        raise ProofError("A tree size is not negative.")
    return _range_root(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: NodeLookup) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves."""
    if not 0 <= index < size:
        raise ProofError(f"Leaf {index} is not in a tree of {size} leaves.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, node))
            end = middle
        else:
            path.append(_range_root(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, node: NodeLookup) -> list[bytes]:
    """Proof that the tree of ``new`` leaves continues the tree of ``old`` leaves."""
    if not 0 < old <= new:
        raise ProofError(f"There is no consistency proof from {old} to {new} leaves.")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(middle, end, node))
            end = middle
        else:
            path.append(_range_root(start, middle, node))
            start, whole = middle, False
    if not whole:
        path.append(_range_root(start, end, node))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofError unless the proof shows the leaf hash at ``index`` in the tree of size and root."""
    if not 0 <= index < size:
        raise ProofError(f"Leaf {index} is not in a tree of {size} leaves.")
    _check_hashes([leaf, root, *proof])
    inner = (index ^ (size - 1)).bit_length()
    border = (index >> inner).bit_count()
    if len(proof) != inner + border:
        raise ProofError(f"The inclusion proof has {len(proof)} hashes; {inner + border} were expected.")
    current = _chain_inner(leaf, proof[:inner], index)
    if _chain_left(current, proof[inner:]) != root:
        raise ProofError("The inclusion proof does not lead to the root.")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise ProofError unless the proof shows that the new tree continues the old one."""
    if not 0 <= old <= new:
        raise ProofError(f"A tree of {new} leaves cannot continue one of {old}.")
    _check_hashes([old_root, new_root, *proof])
    if old == new:
        if proof:
            raise ProofError("Trees of equal size need no proof.")
        if old_root != new_root:
            raise ProofError("Two trees of one size have different roots.")
        return
    if old == 0:
        raise ProofError("Consistency with the empty tree says nothing.")
    if not proof:
        raise ProofError("The consistency proof is empty.")
    shift = (old & -old).bit_length() - 1
    inner = ((old - 1) ^ (new - 1)).bit_length() - shift
    border = ((old - 1) >> (inner + shift)).bit_count()
    # An old tree whose size is a power of two is a node of the new one; its root then starts both chains.
    seed, rest = (old_root, list(proof)) if old == 1 << shift else (proof[0], list(proof[1:]))
    if len(rest) != inner + border:
        raise ProofError(f"The consistency proof has {len(proof)} hashes; another number was expected.")
    mask = (old - 1) >> shift
    first = _chain_left(_chain_inner_left(seed, rest[:inner], mask), rest[inner:])
    if first != old_root:
        raise ProofError("The consistency proof does not lead to the old root.")
    second = _chain_left(_chain_inner(seed, rest[:inner], mask), rest[inner:])
    if second != new_root:
        raise ProofError("The consistency proof does not lead to the new root.")


def _split(width: int) -> int:
    """Largest power of two below the width."""
    return 1 << ((width - 1).bit_length() - 1)


def _range_root(start: int, end: int, node: NodeLookup) -> bytes:
    """Root over [start, end), where start is a multiple of every subtree the range is made of."""
    parts: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(node(level, start >> level))
        start += 1 << level
    current = parts.pop()
    while parts:
        current = node_hash(parts.pop(), current)
    return current


def _chain_inner(seed: bytes, proof: Sequence[bytes], index: int) -> bytes:
    for height, sibling in enumerate(proof):
        right = (index >> height) & 1
        seed = node_hash(sibling, seed) if right else node_hash(seed, sibling)
    return seed


def _chain_inner_left(seed: bytes, proof: Sequence[bytes], index: int) -> bytes:
    for height, sibling in enumerate(proof):
        if (index >> height) & 1:
            seed = node_hash(sibling, seed)
    return seed


def _chain_left(seed: bytes, proof: Sequence[bytes]) -> bytes:
    for sibling in proof:
        seed = node_hash(sibling, seed)
    return seed


def _check_hashes(hashes: Iterable[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise ProofError(f"A hash has {HASH_SIZE} bytes, not {len(value)}.")
