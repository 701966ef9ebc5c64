"""How statements end, and which names are needed after them.

- `endings(statements)`: the ways in which they can end, as a set of `Ending`s.
- `Liveness`: for each `if`, `for`, `while` and `with`, the names that are needed later.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable, Sequence

from jaxgrad.frontend.emit._names import reads


class Ending(enum.IntEnum):
    """How a statement ends; what `$status` holds at run time for the first four."""

    NEXT = 0
    BREAK = 1
    CONTINUE = 2
    RETURN = 3
    RAISE = 4


EXITS = frozenset({Ending.BREAK, Ending.CONTINUE, Ending.RETURN})
_NEXT = frozenset({Ending.NEXT})
_SIMPLE: dict[type, Ending] = {
    ast.Break: Ending.BREAK,
    ast.Continue: Ending.CONTINUE,
    ast.Return: Ending.RETURN,
    ast.Raise: Ending.RAISE,
}


def endings(statements: Iterable[ast.stmt]) -> frozenset[Ending]:
    """The ways in which statements, run in order, can end."""
    found: frozenset[Ending] = _NEXT
    for statement in statements:
        found = (found - _NEXT) | _ending(statement)
        if Ending.NEXT not in found:
            break
    return found


def _ending(statement: ast.stmt) -> frozenset[Ending]:
    if type(statement) in _SIMPLE:
        return frozenset({_SIMPLE[type(statement)]})
    if isinstance(statement, ast.If):
        return endings(statement.body) | endings(statement.orelse)
    if isinstance(statement, ast.With):
        return endings(statement.body)
    if isinstance(statement, ast.For | ast.While):
        return _loop_ending(statement)
    return _NEXT


def _loop_ending(loop: ast.For | ast.While) -> frozenset[Ending]:
    inner = endings(loop.body)
    left = inner & {Ending.RETURN}
    done = endings(loop.orelse) if not is_endless(loop) else frozenset()
    if Ending.BREAK in inner:
        done |= _NEXT
    return left | done or _NEXT


def is_endless(loop: ast.stmt) -> bool:
    """Whether it is a `while True`."""
    test = getattr(loop, "test", None)
    return (
        isinstance(loop, ast.While)
        and isinstance(test, ast.Constant)
        and bool(test.value)
    )


def leaving(ends: frozenset[Ending]) -> int:
    """How far statements that end so leave: 0 not always, 1 a round, 2 the call."""
    if Ending.NEXT in ends:
        return 0
    return 2 if ends <= {Ending.RETURN, Ending.RAISE} else 1


def bound_at_breaks(loop: ast.For | ast.While) -> set[str]:
    """The names that a round has surely bound wherever it meets a `break`."""
    found: list[set[str]] = []
    start = _names(loop.target) if isinstance(loop, ast.For) else set()
    _walk(loop.body, start, found)
    return set.intersection(*found) if found else set()


def _walk(
    body: Sequence[ast.stmt], bound: set[str], breaks: list[set[str]]
) -> set[str] | None:
    """The names bound after `body`; None if it never ends normally."""
    now: set[str] | None = set(bound)
    for node in body:
        assert now is not None
        if isinstance(node, ast.Break):
            breaks.append(now)
            return None
        if isinstance(node, ast.Continue | ast.Return | ast.Raise):
            return None
        if isinstance(node, ast.If):
            arms = [_walk(arm, now, breaks) for arm in (node.body, node.orelse)]
            ended = [arm for arm in arms if arm is not None]
            now = set.intersection(*ended) if ended else None
        elif isinstance(node, ast.With):
            now = _walk(node.body, now, breaks)
        elif isinstance(node, ast.For | ast.While):
            _walk(node.orelse, now, breaks)
        elif isinstance(node, ast.Delete):
            now -= _surely_bound(node)
        else:
            now |= _surely_bound(node)
        if now is None:
            return None
    return now


class Liveness:
    """The names that are needed after each statement that has blocks.

    Attributes:
        after: for such a statement, the names that may be read once it is over,
            whichever way it ends.
        head: for a loop, those that its next round may read, too.
    """

    def __init__(self, body: Sequence[ast.stmt]) -> None:
        self.after: dict[ast.stmt, set[str]] = {}
        self.head: dict[ast.stmt, set[str]] = {}
        self._block(body, set(), set(), set())

    def _block(
        self,
        body: Sequence[ast.stmt],
        out: set[str],
        left: set[str],
        again: set[str],
    ) -> set[str]:
        """The names needed before `body`; `left` after a break, `again` at the head."""
        live = out
        for statement in reversed(body):
            live = self._statement(statement, live, left, again)
        return live

    def _statement(
        self, node: ast.stmt, out: set[str], left: set[str], again: set[str]
    ) -> set[str]:
        if isinstance(node, ast.Break):
            return left
        if isinstance(node, ast.Continue):
            return again
        if isinstance(node, ast.Return | ast.Raise):
            return reads(node)
        if isinstance(node, ast.If):
            self.after[node] = out | left | again
            arms = [
                self._block(arm, out, left, again) for arm in (node.body, node.orelse)
            ]
            return reads(node.test) | arms[0] | arms[1]
        if isinstance(node, ast.With):
            self.after[node] = out | left | again
            return reads(node.items) | self._block(node.body, out, left, again)
        if isinstance(node, ast.For | ast.While):
            return self._loop(node, out, left, again)
        if isinstance(node, ast.Delete):
            # What has no value after it is told from what never had one.
            return out | _surely_bound(node) | reads(node)
        return (out - _surely_bound(node)) | reads(node)

    def _loop(
        self, node: ast.For | ast.While, out: set[str], left: set[str], again: set[str]
    ) -> set[str]:
        done = self._block(node.orelse, out, left, again)
        head = set(done)
        while True:
            inside = self._block(node.body, head, out, head)
            if isinstance(node, ast.For):
                inside = inside - _names(node.target)
            else:
                inside = inside | reads(node.test)
            if inside | done <= head:
                break
            head = head | inside | done
        self.head[node] = head
        self.after[node] = out | done | left | again
        first = reads(node.iter) if isinstance(node, ast.For) else reads(node.test)
        return head | first | done


def _names(target: ast.AST) -> set[str]:
    """The names that an assignment to `target` surely binds, and doesn't read."""
    if isinstance(target, ast.Name):
        return {target.id}
    if isinstance(target, ast.Starred):
        return _names(target.value)
    if isinstance(target, ast.Tuple | ast.List):
        return set().union(*map(_names, target.elts))
    return set()


def _surely_bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.Assign):
        return set().union(*map(_names, node.targets))
    if isinstance(node, ast.AnnAssign):
        return _names(node.target) if node.value is not None else set()
    if isinstance(node, ast.FunctionDef):
        return {node.name}
    if isinstance(node, ast.Delete):
        return set().union(*map(_names, node.targets))
    return set()
