"""Group 8: complex gradients. Rules in torch's convention, results in JAX's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxgrad
from jaxgrad import Function, errors
from jaxgrad.errors import GradientTypeError
from tests.function.rows.functions import define, refuses

Z = jnp.complex64(1.3 - 0.7j)
G = jnp.complex64(0.4 + 0.9j)


class Square(Function):
    """z**2, as written in torch."""

    @staticmethod
    def forward(ctx: Any, z: Any) -> Any:
        ctx.save_for_backward(z)
        return z**2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * (2 * ctx.saved_tensors[0]).conj()


def abs_square(ctx: Any, z: Any) -> Any:
    ctx.save_for_backward(z)
    return (z * z.conj()).real


AbsSquare = define(
    forward=abs_square, backward=lambda ctx, g: 2 * g * ctx.saved_tensors[0]
)
Anti = define(forward=lambda ctx, z: G * z.conj(), backward=lambda ctx, g: g.conj() * G)


def rotate(ctx: Any, x: Any) -> Any:
    y = jnp.exp(1j * x)
    ctx.save_for_backward(y)
    return y


def rotate_back(ctx: Any, g: Any) -> Any:
    return (g * (1j * ctx.saved_tensors[0]).conj()).real


Phase = define(forward=rotate, backward=rotate_back)


def pulled(f: Any, at: Any, g: Any) -> Any:
    return jax.vjp(f, at)[1](g)[0]


def test_row_8_1() -> None:
    """|z - (2 + i)|**2: torch's gradient is -1.4 - 3.4i, `jax.grad` the conjugate."""
    f = lambda z: AbsSquare.apply(z - (2 + 1j))  # noqa: E731
    np.testing.assert_allclose(jax.grad(f)(Z), -1.4 + 3.4j, rtol=1e-6)


def test_row_8_2() -> None:
    np.testing.assert_allclose(pulled(Square.apply, Z, G), G * 2 * Z, rtol=1e-6)
    np.testing.assert_allclose(pulled(Anti.apply, Z, G), (G * G).conj(), rtol=1e-6)


def test_row_8_3() -> None:
    """What backward returns is the conjugate of JAX's pullback of the conjugate."""
    seen: dict[str, Any] = {}

    def backward(ctx: Any, g: Any) -> Any:
        seen["given"], seen["returned"] = g, Square.backward(ctx, g)
        return seen["returned"]

    f = define(forward=Square.forward, backward=backward).apply
    got = pulled(f, Z, G.conj())
    assert seen["given"] == G
    np.testing.assert_allclose(seen["returned"], got.conj(), rtol=1e-6)
    plain = pulled(lambda z: z**2, Z, G.conj())
    np.testing.assert_allclose(seen["returned"], plain.conj(), rtol=1e-6)


def test_row_8_4() -> None:
    """Complex cotangents and gradients are conjugated at the border, real ones not."""
    loss = lambda f: lambda z: ((f(z) * (2 + 1j)).real ** 2).sum()  # noqa: E731
    got = jax.grad(loss(Square.apply))(Z)
    np.testing.assert_allclose(got, jax.grad(loss(lambda z: z**2))(Z), rtol=1e-5)
    mixed = define(
        forward=lambda ctx, z, x: z * x, backward=lambda ctx, g: (1j * g, g.imag)
    )
    gz, gx = jax.vjp(mixed.apply, Z, jnp.float32(1.0))[1](G)
    np.testing.assert_allclose(gz, (1j * G.conj()).conj(), rtol=1e-6)
    np.testing.assert_allclose(gx, -G.imag, rtol=1e-6)


def test_row_8_5() -> None:
    def forward(ctx: Any, z: Any) -> Any:
        ctx.save_for_forward(z)
        return z**2

    f = define(forward=forward, jvp=lambda ctx, t: 2 * ctx.saved_tensors[0] * t)
    np.testing.assert_allclose(jax.jvp(f.apply, (Z,), (G,))[1], 2 * Z * G, rtol=1e-6)


def test_row_8_6() -> None:
    """What is saved is not conjugated; what a hook sees is, as what backward sees."""
    seen: dict[str, Any] = {}

    def forward(ctx: Any, z: Any) -> Any:
        ctx.save_for_backward(z)
        ctx.register_prehook(lambda grads: seen.update(hook=grads[0]))
        return z**2

    def backward(ctx: Any, g: Any) -> Any:
        seen["saved"], seen["given"] = ctx.saved_tensors[0], g
        return g

    pulled(define(forward=forward, backward=backward).apply, Z, G)
    assert seen["saved"] == Z
    assert seen["given"] == seen["hook"] == G.conj()


def test_row_8_7() -> None:
    """Real to complex: the gradient is real, and a complex one is refused."""
    x = jnp.float32(0.8)
    want = pulled(lambda x: jnp.exp(1j * x), x, G)
    np.testing.assert_allclose(pulled(Phase.apply, x, G), want, rtol=1e-5)
    bad = define(forward=rotate, backward=lambda ctx, g: g * ctx.saved_tensors[0])
    refuses(GradientTypeError, lambda: pulled(bad.apply, x, G), "'x'", "real", "c64[]")


def test_row_8_8() -> None:
    """Complex to real: a real cotangent, and the conjugate of torch's gradient."""
    got = pulled(AbsSquare.apply, Z, jnp.float32(3.0))
    np.testing.assert_allclose(got, 6 * Z.conj(), rtol=1e-6)


def test_row_8_9() -> None:
    def exp(ctx: Any, z: Any) -> Any:
        y = jnp.exp(z)
        ctx.save_for_backward(y)
        return y

    f = define(forward=exp, backward=lambda ctx, g: g * ctx.saved_tensors[0].conj())

    def second(f: Any) -> Any:
        first = jax.grad(lambda z: (f(z) * (2 + 1j)).real)
        return jax.grad(lambda z: (first(z) * 1j).real)(Z)

    for ours, plain in ((f.apply, jnp.exp), (Square.apply, lambda z: z**2)):
        np.testing.assert_allclose(second(ours), second(plain), rtol=1e-5)


def test_row_8_10() -> None:
    """A class may write its rule in JAX's convention instead."""

    class InJax(Square):
        complex_convention = "jax"

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2 * ctx.saved_tensors[0]

    np.testing.assert_allclose(pulled(InJax.apply, Z, G), G * 2 * Z, rtol=1e-6)


def test_row_8_11() -> None:
    with jax.enable_x64(True):
        z = jnp.asarray(np.array([1.3 - 0.7j, 0.2 + 0.5j]))
        assert jaxgrad.gradcheck(Square.apply, z)

        class Missing(Square):
            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return g * 2 * ctx.saved_tensors[0]

        refuses(
            errors.GradcheckError,
            lambda: jaxgrad.gradcheck(Missing.apply, z),
            "imaginary",
        )
