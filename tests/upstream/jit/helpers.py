"""What several of these tests need.

- `checked`: a callable traced, compared with itself, and traced once more.
- `slopes`: the gradients of the sum of what a callable returns.
- `kinds`: the kinds of a graph's nodes, without its constants.
- `line`: the line that a node comes from.
- `in_order`: whether parts of a text follow each other.
- `names`: the names of the inputs of a graph.
- `call`: the node of a call of a compiled function.
- `Product`: a callable object with a weight.
"""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.frontend import TracedFunction, trace
from jaxgrad.graph import Graph, Node
from tests.upstream.helpers import same


def checked(fn: Callable[..., Any], *args: Any) -> TracedFunction:
    """Trace `fn`, twice, and assert that it returns the same, in the same structure."""
    traced = trace(fn, *args, check_inputs=[args] if args else None)
    agree(traced, fn, *args)
    return traced


def agree(first: Callable[..., Any], second: Callable[..., Any], *args: Any) -> None:
    """Assert that two callables return the same, structures and dtypes included."""
    got, want = first(*args), jax.jit(second)(*args)
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert jnp.result_type(a) == jnp.result_type(b)
    same(got, want)


def slopes(fn: Callable[..., Any], *args: Any) -> tuple[Any, ...]:
    """The gradients of the sum of all that `fn` returns, for all its arguments."""

    def total(*args: Any) -> jax.Array:
        return jnp.sum(jnp.stack([jnp.sum(x) for x in jax.tree.leaves(fn(*args))]))

    return jax.jit(jax.grad(total, tuple(range(len(args)))))(*args)


def kinds(graph: Graph) -> list[str]:
    """The kinds of the nodes, without the constants."""
    every = [node.kind() for node in graph.nodes()]
    return [kind for kind in every if kind != "prim::Constant"]


def line(node: Node | None) -> str:
    """The user's line that a node comes from, without the space round it."""
    assert node is not None
    source = node.source_range()
    assert source is not None
    return source.highlight().splitlines()[0].strip()


def in_order(text: str, *parts: str) -> bool:
    """Whether the parts stand in the text, one behind the other."""
    places = [-1]
    for part in parts:
        places.append(text.find(part, places[-1] + 1))
    return all(a < b for a, b in itertools.pairwise(places))


def names(traced: TracedFunction) -> list[str]:
    """The names of the inputs of its graph."""
    return [value.debug_name() for value in traced.graph.inputs()]


def call(graph: Any, name: str) -> Node:
    """The node of a call of a compiled function."""
    (node,) = [n for n in graph.find_all_nodes("lax::jit") if n.s("name") == name]
    return node


class Product:
    """x @ weight."""

    def __init__(self, weight: Any, then: Any = None) -> None:
        self.weight = weight
        self.then = then

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x @ self.weight
        return x if self.then is None else self.then(x)
