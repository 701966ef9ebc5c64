"""`Placed`: where a node stands in its block, and how it moves.

The nodes of a block are a ring of links round its return node. Each has a number that
grows along the block, so that two are compared at once; the numbers have gaps, and are
dealt anew when a gap is used up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxgrad.errors import GraphError

if TYPE_CHECKING:
    from jaxgrad.graph._node import Node

# Python's ints are long: gaps that inserting at one place halves 128 times.
_GAP = 1 << 128


class Placed:
    """The part of a node that knows its place."""

    __slots__ = ("_block", "_graph", "_next", "_position", "_prev")

    _block: Any
    _graph: Any
    _next: Any
    _position: int
    _prev: Any

    def insert_before(self, node: Node) -> Node:
        """Put it, which is in no block yet, right before `node`.

        Returns:
            The node itself.

        Raises:
            GraphError: it is in a block already, or `node` is in none.
        """
        self._check_detached()
        self._check_before(node)
        return self._link(node)

    def insert_after(self, node: Node) -> Node:
        """Put it, which is in no block yet, right after `node`.

        Returns:
            The node itself.

        Raises:
            GraphError: it is in a block already, `node` is in none, or returns.
        """
        self._check_detached()
        self._check_after(node)
        return self._link(_following(node))

    def move_before(self, node: Node) -> None:
        """Take it from its place to right before `node`."""
        if node is not self:
            self._check_before(node)
            self._leave(node)
            self._link(node)

    def move_after(self, node: Node) -> None:
        """Take it from its place to right after `node`."""
        if node is not self:
            self._check_after(node)
            self._leave(node)
            self._link(_following(node))

    def is_before(self, node: Node) -> bool:
        """Whether it comes before `node`; in nested blocks, where their owners stand.

        Returns:
            False for the node itself, and for the nodes round it.

        Raises:
            GraphError: the two are in no common graph.
        """
        return _order(self, node) < 0

    def is_after(self, node: Node) -> bool:
        """Whether it comes after `node`; in nested blocks, where their owners stand.

        Returns:
            False for the node itself, and for the nodes round it.

        Raises:
            GraphError: the two are in no common graph.
        """
        return _order(self, node) > 0

    def prev(self) -> Node | None:
        """The node before it in its block; None for the first one."""
        _check_attached(self)
        before = self._prev
        return None if before is self._block._end else before

    def next(self) -> Node | None:
        """The node after it in its block, the return node at last; None after that."""
        _check_attached(self)
        return None if self is self._block._end else self._next

    def _link(self, before: Any) -> Any:
        """Put it before `before`, which is the return node for the last place."""
        block = before._block
        self._graph._edited(block)
        last = before._prev
        self._prev, self._next, self._block = last, before, block
        last._next = before._prev = self
        low = last._position if last is not block._end else 0
        high = before._position if before is not block._end else low + 2 * _GAP
        if high - low < 2:
            _renumber(block)
        else:
            self._position = (low + high) // 2
        return self

    def _unlink(self) -> None:
        self._prev._next, self._next._prev = self._next, self._prev
        self._prev = self._next = self._block = None

    def _leave(self, target: Any) -> None:
        """Take it from its block, to put it near `target`."""
        _check_attached(self)
        if self in (self._block._param, self._block._end):
            raise GraphError("A block's inputs and outputs can't be moved.")
        # Both, before anything is changed: either may not be editable.
        self._graph._edited(self._block)
        self._graph._edited(target._block)
        self._unlink()

    def _check_before(self, node: Any) -> None:
        self._check_target(node)
        if node is node._block._param:
            raise GraphError("Nothing can come before the inputs of a block.")

    def _check_after(self, node: Any) -> None:
        self._check_target(node)
        if node is node._block._end:
            raise GraphError("Nothing can come after the outputs of a block.")

    def _check_target(self, node: Any) -> None:
        _check_attached(node)
        if node._graph is not self._graph:
            raise GraphError(
                f"{self._kind} belongs to another graph than "  # type: ignore[attr-defined]
                f"{node._kind}, beside which it should stand.\n"
                "  Copy it with graph.create_clone."
            )
        if node._block._owner is not None and self in node._path():
            raise GraphError(
                f"{self._kind} can't stand "  # type: ignore[attr-defined]
                "in one of its own blocks."
            )

    def _check_detached(self) -> None:
        if self._block is not None:
            raise GraphError(
                f"{self._kind} is in a block already.\n"  # type: ignore[attr-defined]
                "  Use move_before or move_after to move it."
            )

    def _path(self) -> list[Any]:
        """The owners of the blocks round it, from the outside, and itself."""
        path: list[Any] = [self]
        while path[-1]._block is not None and path[-1]._block._owner is not None:
            path.append(path[-1]._block._owner)
        return path[::-1]


def _check_attached(node: Any) -> None:
    if node._block is None:
        raise GraphError(f"{node._kind} is in no block yet: insert it first.")


def _following(node: Any) -> Any:
    """The node after `node`; after a block's inputs, its first one."""
    block = node._block
    return block._end._next if node is block._param else node._next


def _rank(node: Any) -> float:
    """Where a node stands in its block."""
    if node is node._block._param:
        return -1
    return float("inf") if node is node._block._end else node._position


def _order(a: Any, b: Any) -> int:
    """-1, 0 or 1: whether `a` comes before `b`, is it or is round it, or after."""
    _check_attached(a)
    _check_attached(b)
    for mine, theirs in zip(a._path(), b._path(), strict=False):
        if mine is theirs:
            continue
        if mine._block is not theirs._block:
            if mine._block._owner is not theirs._block._owner or mine._graph is not (
                theirs._graph
            ):
                raise GraphError("The two nodes are in different graphs.")
            blocks = mine._block._owner.blocks()
            return -1 if blocks.index(mine._block) < blocks.index(theirs._block) else 1
        left, right = _rank(mine), _rank(theirs)
        return (left > right) - (left < right)
    return 0


def _renumber(block: Any) -> None:
    node, position = block._end._next, _GAP
    while node is not block._end:
        node._position = position
        node, position = node._next, position + _GAP
