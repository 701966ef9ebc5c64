"""What the check of a trace finds, each test under its name in torch."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import TraceError
from jaxgrad.frontend import trace
from tests.helpers import TripledSin
from tests.upstream.helpers import Array, same
from tests.upstream.jit.helpers import kinds

X = np.float32([0.5, -1.25, 2.0])
M = np.arange(6, dtype=np.float32).reshape(2, 3)


def found(fn: Callable[..., Any], example: Array, *others: Array) -> str:
    """What the check says; that it says something is asserted."""
    with pytest.raises(TraceError) as caught:
        trace(fn, example, check_inputs=list(others))
    message = str(caught.value)
    assert isinstance(caught.value, RuntimeError)
    assert (
        re.search(r"test_tracer_checks\.py:\d+", message) or "of an earlier" in message
    )
    return message


def test_trace_checker_dot_data() -> None:
    """A value that is not of the arguments, and another one each time."""
    numbers = itertools.count()

    def fn(x: Array) -> Array:
        y = np.full(3, next(numbers), np.float32)
        return TripledSin.apply(x) + y

    message = found(fn, X, X)
    assert "another constant" in message
    assert "return TripledSin.apply(x) + y" in message
    assert "traced on the same inputs" in message


def test_trace_checker_control_flow() -> None:
    def fn(x: Array) -> Array:
        for _ in range(x.shape[0]):
            x = -x
        return x

    message = found(fn, M, jnp.ones((3, 3)))
    assert "control flow" in message
    assert "x = -x" in message
    assert "check_inputs[0]" in message
    assert "jax.lax.fori_loop" in message
    # The graph is right for all inputs of the example's type, and they are let pass.
    trace(fn, M, check_inputs=[M + 1, (M * 2,)])


def test_trace_checker_memoization() -> None:
    cache: dict[str, Array] = {}

    def fn(x: Array) -> Array:
        if "y" not in cache:
            cache["y"] = TripledSin.apply(x)
        return x + cache["y"]

    message = found(fn, X, X)
    assert "earlier trace" in message
    assert "stored" in message or "keeps" in message


def test_trace_checker_dropout_train() -> None:
    """Random numbers of a hidden state; those of an argument are the same again."""
    keys = map(jax.random.key, itertools.count())

    def dropped(x: Array, key: Array) -> Array:
        return x * jax.random.bernoulli(key, 0.5, x.shape)

    message = found(lambda x: dropped(x, next(keys)), X, X)
    assert "draws random numbers" in message
    assert "jax.random with a key" in message
    traced = trace(dropped, X, next(keys), check_inputs=[(X, next(keys))])
    assert not any(node.is_nondeterministic() for node in traced.graph.nodes())


def test_trace_checker_dropout_notrain() -> None:
    def dropout(x: Array, train: str) -> Array:
        if train == "yes":
            x = x * jax.random.bernoulli(jax.random.key(0), 0.5, x.shape)
        return x

    traced = trace(dropout, X, "no", check_inputs=[(X + 1, "no")])
    assert kinds(traced.graph) == []
    same(traced(X, "no"), X)


def test_trace_warn() -> None:
    """Where torch warns, once, that a value is baked in, nothing is traced."""

    def integer(x: Array) -> Array:
        return x * int(x[0])

    def boolean(x: Array) -> Array:
        return x if x[0] else -x

    def floating(x: Array) -> Array:
        return x * float(x[0])

    def as_list(x: Array) -> list[Any]:
        return x.tolist()

    def as_numpy(x: Array) -> Any:
        return np.asarray(x)

    def index(x: Array) -> Array:
        return [x, -x][x[0].astype(int)]

    for fn, said in (
        (integer, "`int` function"),
        (boolean, "boolean conversion"),
        (floating, "`float` function"),
        (as_list, "tolist"),
        (as_numpy, "numpy.ndarray conversion"),
        (index, "__index__"),
    ):
        with pytest.raises(TypeError, match=said):
            trace(fn, X)
    # How many there are is a size, so that a loop over an array is no guess.
    traced = trace(lambda x: sum(part for part in x), X, check_inputs=[X + 1])
    same(traced(X), X.sum())
