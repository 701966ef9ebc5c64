"""Rows 4.1 to 4.12: the jvp that a class defines, what it is given and returns."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Function
from jaxgrad.errors import ForwardModeError, TangentError
from tests.function.functions import SaveInput
from tests.function.rows.functions import ALL_ASKED, V, X, define, refuses


def pushed(f: Any, at: Any, tangent: Any) -> Any:
    """The tangent of `f`."""
    return jax.jvp(f, (at,), (tangent,))[1]


def jvp_of(jvp: Any, forward: Any = lambda ctx, x: 2 * x) -> Any:
    return define(forward=forward, jvp=jvp).apply


def test_row_4_1() -> None:
    """Without a jvp the error says how to get one; the transpose of backward is one."""
    error = refuses(
        ForwardModeError,
        lambda: pushed(SaveInput.apply, X, X),
        "SaveInput",
        "jvp",
        "generate_jvp_rule = True",
    )
    assert isinstance(error, TypeError)
    derived = type("Derived", (SaveInput,), {"generate_jvp_rule": True})
    assert pushed(derived.apply, X, X) == 800.0


class Both(Function):
    """2 x; its backward says 7 and its jvp says 11."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return 2 * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 7 * g

    @staticmethod
    def jvp(ctx: Any, t: Any) -> Any:
        return 11 * t


def test_row_4_2() -> None:
    assert jax.grad(Both.apply)(X) == 7.0
    assert jax.jacrev(Both.apply)(X) == 7.0
    assert pushed(Both.apply, X, jnp.float32(1)) == 11.0
    assert jax.jacfwd(Both.apply)(X) == 11.0


def with_tangents(materialize: bool) -> tuple[Any, list]:
    seen: list = []

    def forward(ctx: Any, x: Any, y: Any, mode: Any, i: Any) -> Any:
        ctx.set_materialize_grads(materialize)
        return x * y * i

    def jvp(ctx: Any, *tangents: Any) -> Any:
        seen.append(tangents)
        return 11 * tangents[0]

    return define(forward=forward, jvp=jvp).apply, seen


def test_row_4_3() -> None:
    """One for each argument; None for static and for integer ones."""
    f, seen = with_tangents(True)
    i = jnp.int32(3)
    assert pushed(lambda x: f(x, X, "mode", i), X, jnp.float32(1)) == 11.0
    ((tx, ty, t_mode, t_i),) = seen
    assert (tx, ty) == (1.0, 0.0)
    assert t_mode is t_i is None


def test_row_4_4() -> None:
    for materialize in (True, False):
        f, seen = with_tangents(materialize)
        pushed(lambda x, f=f: f(x, X, "m", X), X, jnp.float32(1))
        ((_, ty, _, _),) = seen
        assert (ty is None) == (not materialize and not ALL_ASKED)
        if materialize:
            assert (ty, ty.dtype) == (0.0, jnp.float32)


def test_row_4_5() -> None:
    one = jvp_of(lambda ctx, t: (t, None))
    refuses(TangentError, lambda: pushed(one, X, X), "F.jvp", "Expected 1", "got 2")
    two = jvp_of(lambda ctx, t: t, lambda ctx, x: (x, 2 * x))
    refuses(TangentError, lambda: pushed(two, X, X), "F.jvp", "Expected 2", "got 1")


def test_row_4_6() -> None:
    for value, name in (("text", "str"), ([X], "list"), (object(), "object")):
        f = jvp_of(lambda ctx, t, v=value: v)
        refuses(TangentError, lambda f=f: pushed(f, X, X), "F.jvp", "output 0", name)
    assert pushed(jvp_of(lambda ctx, t: 11.0), X, X) == 11.0  # a number is an array


def test_row_4_7() -> None:
    """None is a zero tangent of a differentiable output."""
    f = jvp_of(lambda ctx, t: (None, 11 * t), lambda ctx, x: (x, 2 * x))
    assert pushed(f, X, jnp.float32(1)) == (0.0, 11.0)


def test_row_4_8() -> None:
    def marking(ctx: Any, x: Any) -> Any:
        y = 3 * x
        ctx.mark_non_differentiable(y)
        return 2 * x, y

    integer = lambda ctx, x: (2 * x, x.astype(jnp.int32))  # noqa: E731
    for forward in (marking, integer):
        f = jvp_of(lambda ctx, t: (11 * t, t), forward)
        refuses(
            TangentError,
            lambda f=f: pushed(f, X, X),
            "F.jvp",
            "output 1",
            "Expected None",
        )
        f = jvp_of(lambda ctx, t: (11 * t, None), forward)
        assert pushed(f, X, jnp.float32(1))[0] == 11.0


def test_row_4_9() -> None:
    f = jvp_of(lambda ctx, t: (11 * t, t), lambda ctx, x: (2 * x, "text"))
    assert pushed(lambda x: f(x)[0], X, jnp.float32(1)) == 11.0


def test_row_4_10() -> None:
    for shape in ((2, 3), (), (1,), (4,)):
        f = jvp_of(lambda ctx, t, s=shape: jnp.ones(s))
        refuses(
            TangentError,
            lambda f=f: pushed(f, V, V),
            "F.jvp",
            "Expected f32[3]",
            "f32[" + ",".join(map(str, shape)) + "]",
        )


def test_row_4_11() -> None:
    """A tangent is cast to the dtype of its output; complex for real is refused."""
    f = jvp_of(lambda ctx, t: jnp.ones(3, "bfloat16"))
    tangent = pushed(f, V, V)
    assert tangent.dtype == jnp.float32
    np.testing.assert_array_equal(tangent, np.ones(3))
    bad = jvp_of(lambda ctx, t: 1j * t)
    refuses(TangentError, lambda: pushed(bad, V, V), "F.jvp", "f32[3]", "c64[3]")


def test_row_4_12() -> None:
    """Forward is given plain values: a tangent in it is not of the outer jvp."""

    def forward(ctx: Any, x: Any) -> Any:
        return jax.jvp(jnp.square, (x,), (jnp.ones_like(x),))[1]

    f = jvp_of(lambda ctx, t: 11 * t, forward)
    assert jax.jvp(f, (X,), (X,)) == (4.0, 22.0)
