"""Complex rules: torch's convention by default, JAX's on request."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import FunctionDefinitionError, GradientTypeError
from tests.function.functions import dual, says

Z = jnp.complex64(1.3 - 0.7j)
W = jnp.complex64(0.4 + 0.9j)


class Square(Function):
    """z**2, as written in torch: g times the conjugate of the derivative."""

    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z**2

    @staticmethod
    def backward(ctx, g):
        (z,) = ctx.saved_tensors
        return g * (2 * z).conj()


class SquareJax(Square):
    """The same in JAX's convention."""

    complex_convention = "jax"

    @staticmethod
    def backward(ctx, g):
        (z,) = ctx.saved_tensors
        return g * 2 * z


class Exp(Function):
    @staticmethod
    def forward(ctx, z):
        y = jnp.exp(z)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].conj()


class Conj(Function):
    @staticmethod
    def forward(ctx, z):
        return z.conj()

    @staticmethod
    def backward(ctx, g):
        return g.conj()


class AbsSquare(Function):
    """|z|**2: complex to real."""

    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return (z * z.conj()).real

    @staticmethod
    def backward(ctx, g):
        (z,) = ctx.saved_tensors
        return 2 * g * z


class Phase(Function):
    """exp(i x): real to complex, so the gradient is the real part."""

    @staticmethod
    def forward(ctx, x):
        y = jnp.exp(1j * x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return (g * (1j * y).conj()).real


class Times(Function):
    @staticmethod
    def forward(ctx, z, w):
        ctx.save_for_backward(z, w)
        return z * w

    @staticmethod
    def backward(ctx, g):
        z, w = ctx.saved_tensors
        return g * w.conj(), g * z.conj()


TWINS: dict[str, tuple[Callable, Callable, Any]] = {
    "square": (Square.apply, lambda z: z**2, Z),
    "square-jax": (SquareJax.apply, lambda z: z**2, Z),
    "exp": (Exp.apply, jnp.exp, Z),
    "conj": (Conj.apply, jnp.conj, Z),
    "abs-square": (AbsSquare.apply, lambda z: (z * z.conj()).real, Z),
    "phase": (Phase.apply, lambda x: jnp.exp(1j * x), jnp.float32(0.8)),
    "times": (lambda z: Times.apply(z, W), lambda z: z * W, Z),
    "times-itself": (lambda z: Times.apply(z, z), lambda z: z * z, Z),
    "composed": (
        lambda z: Square.apply(Conj.apply(Exp.apply(z))),
        lambda z: jnp.exp(z).conj() ** 2,
        Z,
    ),
    "dual": (dual(Square).apply, lambda z: z**2, Z),
    "dual-conj": (dual(Conj).apply, jnp.conj, Z),
    "dual-abs-square": (dual(AbsSquare).apply, lambda z: (z * z.conj()).real, Z),
    "dual-phase": (dual(Phase).apply, lambda x: jnp.exp(1j * x), jnp.float32(0.8)),
}
twins = pytest.mark.parametrize(("f", "twin", "at"), TWINS.values(), ids=TWINS)


def loss(f: Callable) -> Callable:
    """A real function that is neither holomorphic nor symmetric in what `f` gives."""
    return lambda z: ((f(z) * (2 + 1j)).real ** 2 + 3 * (f(z) * 1j).real).sum()


@twins
@pytest.mark.parametrize("wrap", [lambda g: g, jax.jit], ids=["eager", "jit"])
def test_gradients_are_those_of_jax(
    f: Callable, twin: Callable, at: Any, wrap: Callable
) -> None:
    np.testing.assert_allclose(f(at), twin(at), rtol=1e-6)
    got, want = wrap(jax.grad(loss(f)))(at), jax.grad(loss(twin))(at)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=2e-5)


@twins
def test_a_pullback_is_that_of_jax(f: Callable, twin: Callable, at: Any) -> None:
    y, pull = jax.vjp(f, at)
    _, pull_twin = jax.vjp(twin, at)
    for c in (1.0, 1j, 2 - 3j):
        c = jnp.asarray(c if jnp.iscomplexobj(y) else abs(c), y.dtype)
        np.testing.assert_allclose(pull(c), pull_twin(c), rtol=2e-5)


@twins
def test_second_derivatives_are_those_of_jax(
    f: Callable, twin: Callable, at: Any
) -> None:
    def second(f: Callable) -> Any:
        inner = jax.grad(loss(f))
        return jax.grad(lambda z: (inner(z) * (0.3 - 2j)).real)(at)

    np.testing.assert_allclose(second(f), second(twin), rtol=1e-4)


@twins
def test_batched_gradients_are_those_of_jax(
    f: Callable, twin: Callable, at: Any
) -> None:
    batch = jnp.stack([at, 2 * at])
    got = jax.vmap(jax.grad(loss(f)))(batch)
    np.testing.assert_allclose(got, jax.vmap(jax.grad(loss(twin)))(batch), rtol=2e-5)
    got = jax.grad(lambda v: jax.vmap(loss(f))(v).sum())(batch)
    want = jax.grad(lambda v: jax.vmap(loss(twin))(v).sum())(batch)
    np.testing.assert_allclose(got, want, rtol=2e-5)


@pytest.mark.parametrize("name", [name for name in TWINS if name.startswith("dual")])
def test_tangents_are_those_of_jax(name: str) -> None:
    f, twin, at = TWINS[name]
    for t in (1.0, 1j, 2 - 3j):
        t = jnp.asarray(t if jnp.iscomplexobj(at) else abs(t), at.dtype)
        got, want = jax.jvp(f, (at,), (t,)), jax.jvp(twin, (at,), (t,))
        np.testing.assert_allclose(got[1], want[1], rtol=2e-5)
        assert got[1].dtype == want[1].dtype


def test_a_jvp_needs_no_conjugation() -> None:
    class Both(Square):
        @staticmethod
        def jvp(ctx, t):
            (z,) = ctx.saved_tensors
            return 2 * z * t

        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            ctx.save_for_forward(z)
            return z**2

    t = jnp.complex64(2 - 3j)
    np.testing.assert_allclose(jax.jvp(Both.apply, (Z,), (t,))[1], 2 * Z * t, rtol=1e-6)
    grad = jax.grad(loss(Both.apply))(Z)
    np.testing.assert_allclose(grad, jax.grad(loss(lambda z: z**2))(Z), rtol=1e-5)


def test_backward_sees_the_cotangent_of_torch() -> None:
    """torch hands in the conjugate of what JAX calls the cotangent."""
    seen = {}

    class Notes(Square):
        name = "torch"

        @classmethod
        def backward(cls, ctx, g):
            seen[cls.name] = np.asarray(g)
            return g

    class NotesJax(Notes):
        name = "jax"
        complex_convention = "jax"

    for cls in (Notes, NotesJax):
        _, pull = jax.vjp(cls.apply, Z)
        np.testing.assert_allclose(pull(jnp.complex64(2 - 3j))[0], 2 - 3j)
    assert seen == {"torch": 2 + 3j, "jax": 2 - 3j}


def test_what_is_saved_is_not_conjugated() -> None:
    class Keeps(Square):
        @staticmethod
        def backward(ctx, g):
            np.testing.assert_array_equal(ctx.saved_tensors[0], Z)
            return g

    _, pull = jax.vjp(Keeps.apply, Z)
    assert pull(jnp.complex64(1j)) == (1j,)


def test_a_complex_gradient_of_a_real_argument_is_refused() -> None:
    class Bad(Phase):
        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            return g * (1j * y).conj()

    for grad in (jax.grad(loss(Bad.apply)), jax.jit(jax.grad(loss(Bad.apply)))):
        with pytest.raises(GradientTypeError) as caught:
            grad(jnp.float32(0.8))
        says(caught.value, "Bad", "'x'", "f32[]", "c64[]", "real")


@pytest.mark.parametrize("value", ["Torch", "numpy", 3, None])
def test_an_unknown_convention_is_an_error(value: Any) -> None:
    def use() -> None:
        bad = type("Bad", (Square,), {"complex_convention": value})
        jax.grad(loss(bad.apply))(Z)

    with pytest.raises(FunctionDefinitionError, match="complex_convention") as caught:
        use()
    says(caught.value, "Bad", "torch", "jax", repr(value))


def test_the_numbers_of_torch() -> None:
    """L = |z - (2 + i)|**2 at 1.3 - 0.7i: torch has -1.4 - 3.4i, JAX its conjugate."""
    grad = jax.grad(lambda z: AbsSquare.apply(z - (2 + 1j)))(Z)
    np.testing.assert_allclose(grad, -1.4 + 3.4j, rtol=1e-6)
