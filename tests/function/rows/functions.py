"""Functions and helpers that the row tests share."""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from tests.function.functions import says


def _is_on(switch: str) -> bool:
    return os.environ.get(switch, "").lower() in ("1", "true", "yes")


# With this switch of JAX's, it takes everything for differentiated.
ALL_ASKED = _is_on("JAX_REMAT3")
# How often JAX traces a forward that is differentiated eagerly.
TRACES = 2 if _is_on("JAX_CUSTOM_VJP3") else 1

X = jnp.float32(2.0)
V = jnp.array([1.0, 2.0, 3.0], jnp.float32)


def define(**members: Any) -> type[Function]:
    """A Function named `F`; functions among the members become static methods."""
    plain = lambda v: staticmethod(v) if callable(v) else v  # noqa: E731
    return type("F", (Function,), {k: plain(v) for k, v in members.items()})


def returning(returns: Callable, **members: Any) -> type[Function]:
    """`F(a)`: the sum of an array, whose backward gives `returns(g)`."""
    forward = lambda ctx, a: jnp.real(a).sum()  # noqa: E731
    return define(
        **{"forward": forward, "backward": lambda ctx, g: returns(g), **members}
    )


def pair(returns: Callable, **members: Any) -> type[Function]:
    """`F(a, b)`: the product of two, whose backward gives `returns(g)`."""

    def forward(ctx: Any, a: Any, b: Any) -> Any:
        return (a * b).sum()

    return define(forward=forward, backward=lambda ctx, g: returns(g), **members)


def refuses(error: type[Exception], call: Callable, *parts: str) -> Any:
    """Asserts that `call()` raises `error`, whose message holds every part."""
    with pytest.raises(error) as caught:
        call()
    says(caught.value, *parts)
    return caught.value


def total(f: Callable) -> Callable:
    """`f` with its results added up, so that it can be differentiated."""
    return lambda *args: sum(v.sum() for v in jax.tree.leaves(f(*args)))


class Double(Function):
    """2 x, whose rule says 7; written with `setup_context`, and saving nothing."""

    @staticmethod
    def forward(x: Any) -> Any:
        return 2 * x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 7 * g


def twice_saved(saved: Callable) -> type[Function]:
    """`F(x)`: saves twice, last `saved(x)`; its rule says 10 times the first of it."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x, x, x)
        ctx.save_for_backward(*saved(x))
        return 2 * x

    def backward(ctx: Any, g: Any) -> Any:
        assert len(ctx.saved_tensors) == len(saved(X))
        assert all(v is None for v in ctx.saved_tensors[1:])
        return 10 * ctx.saved_tensors[0] * g

    return define(forward=forward, backward=backward)


def in_forward(say: Any, **members: Any) -> type[Function]:
    """`F(x)`: 2 x, whose forward calls `say(ctx, x)` and whose rule says 7."""

    def forward(ctx: Any, x: Any) -> Any:
        say(ctx, x)
        return 2 * x

    backward = lambda ctx, g: 7 * g  # noqa: E731
    return define(**{"forward": forward, "backward": backward, **members})


def x64(*values: complex) -> jax.Array:
    return jnp.asarray(np.array(values))


def squares(ctx: Any, x: Any) -> Any:
    ctx.save_for_backward(x)
    ctx.save_for_forward(x)
    return x * x


def right(ctx: Any, g: Any) -> Any:
    return 2 * ctx.saved_tensors[0] * g


def square(backward: Any = right, **members: Any) -> type[Function]:
    return define(forward=squares, backward=backward, **members)
