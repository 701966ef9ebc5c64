"""`generate_jvp_rule`: backward is transposed, so one that is not linear is refused."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import NonLinearBackwardError
from tests.function.functions import says

X = jnp.array([0.75, -1.25, 2.0])


class Doubled(Function):
    """A linear Function, for use inside the backward of another."""

    generate_jvp_rule = True

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, g):
        return 2 * g


def elementwise(rule: Callable) -> type[Function]:
    """sin(x), whose backward is `rule(x, g)`."""

    class Bends(Function):
        generate_jvp_rule = True

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return jnp.sin(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return rule(x, g)

    return Bends


NOT_LINEAR = {
    "square": lambda x, g: g * g,
    "affine": lambda x, g: g + 1,
    "affine-residual": lambda x, g: g + x,
    "constant": lambda x, g: jnp.ones_like(g),
    "constant-residual": lambda x, g: x,
    "constant-host": lambda x, g: np.ones(3, np.float32),
    "round": lambda x, g: jnp.round(g),
    "abs": lambda x, g: jnp.abs(g),
    "where": lambda x, g: jnp.where(g > 0, g, 0),
    "relu": lambda x, g: jax.nn.relu(g),
    "clip": lambda x, g: jnp.clip(g, -1, 1),
    "sign": lambda x, g: jnp.sign(g),
    "normalized": lambda x, g: g / jnp.linalg.norm(g),
    "max": lambda x, g: g * g.max(),
    "cond": lambda x, g: jax.lax.cond(g.sum() > 0, lambda v: v, lambda v: 2 * v, g),
    "to-integer": lambda x, g: g.astype(jnp.int32).astype(g.dtype),
    "affine-in-jit": lambda x, g: jax.jit(lambda v: v + 1)(g),
    "affine-in-scan": lambda x, g: jax.lax.scan(
        lambda c, _: (c + 1, None), g, None, length=2
    )[0],
    "affine-in-checkpoint": lambda x, g: jax.checkpoint(lambda v: v + x)(g),
    "affine-in-fori": lambda x, g: jax.lax.fori_loop(0, 2, lambda i, c: c + i, g),
    "affine-in-vmap": lambda x, g: jax.vmap(lambda v: v + 1)(g),
    "affine-carry": lambda x, g: jax.lax.scan(
        lambda c, v: (c + v, c), jnp.float32(1), g
    )[1],
}
LINEAR = {
    "scaled": (lambda x, g: 3 * jnp.cos(x) * g, lambda x: 3 * np.cos(x)),
    "zeros": (lambda x, g: jnp.zeros_like(g), lambda x: 0 * x),
    "none": (lambda x, g: None, lambda x: 0 * x),
    "mask": (lambda x, g: jnp.where(x > 0, g, 0), lambda x: (x > 0) * 1.0),
    "negated": (lambda x, g: -g + 3 * g, lambda x: np.full(3, 2.0)),
    "plus-zero": (lambda x, g: g + 0, lambda x: np.ones(3)),
    "in-jit": (lambda x, g: jax.jit(lambda v: v * 2)(g), lambda x: np.full(3, 2.0)),
    "masked-by-cond": (
        lambda x, g: jax.lax.cond(x.sum() > 0, lambda v: v, lambda v: 2 * v, g),
        lambda x: np.ones(3),
    ),
    "in-scan": (
        lambda x, g: jax.lax.scan(lambda c, _: (2 * c, None), g, None, length=2)[0],
        lambda x: np.full(3, 4.0),
    ),
    "in-checkpoint": (
        lambda x, g: jax.checkpoint(lambda v: v * 2)(g),
        lambda x: np.full(3, 2.0),
    ),
    "in-fori": (
        lambda x, g: jax.lax.fori_loop(0, 2, lambda i, c: c * 2, g),
        lambda x: np.full(3, 4.0),
    ),
    "in-vmap": (lambda x, g: jax.vmap(lambda v: v * 2)(g), lambda x: np.full(3, 2.0)),
    "counted-in-scan": (
        lambda x, g: jax.lax.scan(lambda c, v: (c + 1, v * c), jnp.float32(1), g)[1],
        lambda x: np.arange(1.0, 4.0),
    ),
    "another-function": (
        lambda x, g: Doubled.apply(g),
        lambda x: np.full(3, 2.0),
    ),
    "selected": (lambda x, g: g[jnp.argsort(x)][jnp.argsort(jnp.argsort(x))], None),
    "cast": (lambda x, g: g.astype(jnp.bfloat16) * 2, lambda x: np.full(3, 2.0)),
}
RUNS = {
    "jvp": lambda f: jax.jvp(f, (X,), (X,)),
    "jit-jvp": lambda f: jax.jit(lambda x: jax.jvp(f, (x,), (x,)))(X),
    "jacfwd": lambda f: jax.jacfwd(f)(X),
    "linearize": lambda f: jax.linearize(f, X)[1](X),
    "vmap-jvp": lambda f: jax.vmap(lambda x: jax.jvp(f, (x,), (x,)))(X[None]),
}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("name", NOT_LINEAR)
def test_a_backward_that_is_not_linear_is_refused(name: str, run: Callable) -> None:
    with pytest.raises(NonLinearBackwardError) as caught:
        run(elementwise(NOT_LINEAR[name]).apply)
    says(caught.value, "Bends", "backward", "linear", "generate_jvp_rule", "jvp")
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_backward_is_transposed(name: str, run: Callable) -> None:
    rule, slope = LINEAR[name]
    slopes = np.ones(3) if slope is None else slope(np.asarray(X))
    f = elementwise(rule).apply
    want = np.diag(slopes) if run is RUNS["jacfwd"] else slopes * X
    got = run(f)
    tangent = got[1] if isinstance(got, tuple) else got
    np.testing.assert_allclose(tangent.reshape(want.shape), want, rtol=1e-5)
    grad = jax.grad(lambda x: f(x).sum())(X)
    np.testing.assert_allclose(grad, slopes, rtol=1e-5)


def test_reverse_mode_of_a_plain_class_asks_for_nothing() -> None:
    """Without `generate_jvp_rule` a backward may do what it likes."""
    for name, want in (("affine", np.full(3, 2.0)), ("square", np.ones(3))):
        cls = elementwise(NOT_LINEAR[name])
        cls.generate_jvp_rule = False
        plain = type("Plain", (cls,), {})
        grad = jax.grad(lambda x, f=plain.apply: f(x).sum())(X)
        np.testing.assert_array_equal(grad, want)


def test_a_matrix_rule_is_transposed() -> None:
    m = jnp.arange(6.0).reshape(2, 3)

    class MatVec(Function):
        generate_jvp_rule = True

        @staticmethod
        def forward(ctx, m, x):
            ctx.save_for_backward(m, x)
            return m @ x

        @staticmethod
        def backward(ctx, g):
            m, x = ctx.saved_tensors
            return 2 * jnp.outer(g, x), 2 * g @ m

    _, t = jax.jvp(MatVec.apply, (m, X), (jnp.ones_like(m), X))
    np.testing.assert_allclose(t, 2 * (np.ones((2, 3)) @ X + m @ X), rtol=1e-6)
    np.testing.assert_allclose(jax.jacfwd(MatVec.apply, 1)(m, X), 2 * m, rtol=1e-6)
    np.testing.assert_allclose(jax.jacrev(MatVec.apply, 1)(m, X), 2 * m, rtol=1e-6)


@pytest.mark.parametrize(
    "rule", [lambda g: 3 * g.conj(), lambda g: (2 - 1j) * g], ids=["conj", "scaled"]
)
def test_a_complex_rule_is_transposed_over_the_reals(rule: Callable) -> None:
    class F(Function):
        generate_jvp_rule = True

        @staticmethod
        def forward(ctx, z):
            return 2 * z

        @staticmethod
        def backward(ctx, g):
            return rule(g)

    z = jnp.complex64(1 + 2j)
    # In torch's convention <J t, g> = Re(conj(g) J t) = Re(conj(backward(g)) t).
    _, t = jax.jvp(F.apply, (z,), (jnp.complex64(1 - 1j),))
    for g in (1.0, 1j, 2 - 3j):
        left = (np.conj(g) * t).real
        right = (np.conj(np.asarray(rule(np.complex64(g)))) * (1 - 1j)).real
        np.testing.assert_allclose(left, right, rtol=1e-5)
