"""Objects that lead back to themselves, and those that several names share."""

# Written as the construct demands, not as one would write it.
# ruff: noqa: SIM108

import collections
import io
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.errors import ScriptError

X = jnp.float32(2)


class Node:
    """An element of a ring."""

    def __init__(self, v: Any) -> None:
        self.v = v
        self.next: Any = self


def ring(a: Any, b: Any) -> Node:
    first, second = Node(a), Node(b)
    first.next, second.next = second, first
    return first


def in_both_branches(x: Any) -> Any:
    if x > 0:
        node = ring(x, x * 2)
    else:
        node = ring(x - 1, x * 3)
    node.next.next.v = node.v + 1
    node.next.v *= 2
    return node.v, node.next.v, node.next.next.v


def in_one_branch(x: Any) -> Any:
    y = x
    if x > 0:
        node = Node(x * 3)
        y = node.next.next.v
    return y


def a_list_in_itself(x: Any) -> Any:
    rows = [x]
    if x > 0:
        rows.append(rows)
        rows[0] = rows[1][0] + 1
    else:
        rows.append(rows)
    return rows[1][1][0]


def carried_by_a_for(x: Any) -> Any:
    node = Node(x)
    for _ in range(9):
        other = Node(node.next.v + 1)
        node = other.next
    return node.v, node.next.v


def changed_in_a_for(x: Any) -> Any:
    node = ring(x, x)
    for _ in range(9):
        node.next.next.v = node.next.v * 0.5
        node.next.v = node.v + 1
    return node.v, node.next.v


def carried_by_a_while(x: Any) -> Any:
    node = ring(x, x * 2)
    while node.v < 9:
        node = ring(node.next.v + 1, node.v)
    return node.next.next.v, node.next.v


def appended_in_a_for(x: Any) -> Any:
    nodes = []
    for k in range(9):
        nodes.append(Node(x + k))
    return nodes[-1].next.next.v, nodes[0].v


def a_function_that_calls_itself(x: Any) -> Any:
    def power(n: int) -> Any:
        return 1.0 if n == 0 else x * power(n - 1)

    if x > 0:
        x = x + 1
        found = power
    else:
        found = power
    return found(3)


@pytest.mark.parametrize(
    "fn",
    [
        in_both_branches,
        in_one_branch,
        a_list_in_itself,
        carried_by_a_for,
        changed_in_a_for,
        carried_by_a_while,
        appended_in_a_for,
        a_function_that_calls_itself,
    ],
    ids=lambda fn: fn.__name__,
)
def test_a_program_runs_as_in_python(fn: Callable[..., Any]) -> None:
    script = jaxgrad.script(fn)
    for x in (X, -X):
        found, expected = jax.tree.map(float, (script(x), fn(x)))
        assert found == pytest.approx(expected)


def one_ring_or_two(x: Any) -> Any:
    if x > 0:
        node = Node(x)
    else:
        node = ring(x, x - 1)
    node.v = node.v * 2  # also `node.next.v`, if x > 0
    return node.next.v


def one_list_or_two(x: Any) -> Any:
    if x > 0:
        row = [x]
        pair = (row, row)
    else:
        pair = ([x], [x])
    pair[0].append(x)
    return len(pair[1])


@pytest.mark.parametrize("fn", [one_ring_or_two, one_list_or_two])
def test_one_object_or_two_can_not_be_changed(fn: Callable[..., Any]) -> None:
    with pytest.raises(ScriptError, match="is another object on each path"):
        jaxgrad.script(fn)(X)


def test_one_object_or_two_can_be_read() -> None:
    def fn(x: Any) -> Any:
        if x > 0:
            node = Node(x)
        else:
            node = ring(x, x - 1)
        return node.v + 2 * node.next.v

    script = jaxgrad.script(fn)
    assert [script(X), script(-X)] == [fn(X), fn(-X)]


def test_a_list_in_a_tuple_is_changed_and_bound_anew_in_a_loop() -> None:
    def fn(x: Any) -> Any:
        pair = ([x], x)
        kept = pair[0]
        for _ in range(9):
            pair[0][0] = pair[0][0] + 1
            pair = ([pair[0][0]], x)
        return pair[0][0], kept[0]

    # A round that is traced for all of them can't change `kept` in the first one only.
    assert jaxgrad.script(fn)(X) == fn(X)


def test_a_part_of_an_object_is_not_changed_and_bound_anew_in_a_loop() -> None:
    def fn(x: Any) -> Any:
        node = ring(x, x)
        kept = node.next
        while node.v < 9:
            node.next.v = node.next.v + 1
            node.next = Node(node.next.v)
            node.v = node.v + 1
        return kept.v

    with pytest.raises(ScriptError, match="a Node is changed in place in a loop"):
        jaxgrad.script(fn)(X)


def test_several_objects_that_a_loop_changes() -> None:
    def fn(n: Any, x: Any) -> Any:
        table, rows, node = {"a": x}, [x, x], Node(x)
        for _ in range(n):
            node.v, table["a"] = node.v + 3, table["a"] + 1
            rows[0] = rows[0] + table["a"]
        return table["a"], rows[0], rows[1], node.v

    assert jaxgrad.script(fn)(jnp.int32(3), X) == fn(3, X)


def test_what_leads_back_to_itself_is_a_result() -> None:
    def fn(x: Any) -> Any:
        rows = [x]
        rows.append((rows, x))
        queue = collections.deque([x], 2)
        queue.append(queue)
        return ring(x, x * 2), rows, queue, {"a": rows}

    node, rows, queue, held = jaxgrad.script(fn)(X)
    assert (node.v, node.next.v, rows[0], rows[1][1], queue[0]) == (2, 4, 2, 2, 2)
    assert node.next.next is node
    assert rows[1][0] is rows is held["a"]
    assert queue[1] is queue


def test_what_leads_back_to_itself_is_written_back() -> None:
    def fn(owner: Any, x: Any) -> Any:
        if x > 0:
            owner.next = ring(x, x * 2)
        else:
            owner.next = ring(x + 1, x)
        owner.v = ring(x, x)
        owner.v.next.next = owner

    script = jaxgrad.script(fn)
    for x in (X, -X):
        mine, theirs = Node(X), Node(X)
        script(mine, x)
        fn(theirs, x)
        assert mine.next.next.next is mine.next
        assert mine.v.next.next is mine
        values = [(n.next.v, n.next.next.v, n.v.v) for n in (mine, theirs)]
        assert values[0] == values[1]


def test_what_leads_back_to_itself_is_in_a_file() -> None:
    script, file = jaxgrad.script(ring), io.BytesIO()
    script.save(file, (X, X))
    file.seek(0)
    node = jaxgrad.load(file)(X, X + 1)
    assert (node.v, node.next.v, node.next.next is node) == (2, 3, True)
