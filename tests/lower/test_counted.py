"""`counted`: a `for` that may end early."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.lower._bounded import counted
from tests.helpers import TripledSin

X = jnp.array([0.5, -0.2])


def items(length: int) -> Any:
    steps = jnp.arange(2.0 * length).reshape(length, 2)
    return {"a": steps / length, "n": jnp.arange(length)}


def looped(x: Any, xs: Any, length: Any, limit: int) -> Any:
    """The last carry and the results, of at most `limit` steps."""

    def body(c: Any, x: Any) -> Any:
        y = TripledSin.apply(c[1] * x["a"]) + 1.0
        return (c[0] + 1, y), (jnp.sum(c[1]), x["n"])

    return counted(body, (0, x), xs, length, lambda c: c[0] < limit)


def unrolled(x: Any, xs: Any, length: int, limit: int) -> Any:
    sums, counts = jnp.zeros(length), np.zeros(length, np.int32)
    for i in range(min(length, limit)):
        sums, counts[i] = sums.at[i].set(jnp.sum(x)), i
        x = TripledSin.apply(x * xs["a"][i]) + 1.0
    return (min(length, limit), x), (sums, counts)


def gradients(run: Any, length: int, limit: int) -> Any:
    def loss(x: Any, a: Any) -> Any:
        (count, x), (sums, counts) = run(x, {**items(length), "a": a}, length, limit)
        return jnp.sum(x**2) + jnp.sum(sums * jnp.cos(sums)), (count, x, sums, counts)

    run_both = jax.value_and_grad(loss, (0, 1), has_aux=True)
    return jax.jit(run_both)(X, items(length)["a"])


# One scan, and nested ones with a rest.
@pytest.mark.parametrize(("length", "limit"), [(6, 3), (35, 5)])
def test_equals_the_unrolled_loop(length: int, limit: int) -> None:
    found = gradients(looped, length, limit)
    want = gradients(unrolled, length, limit)
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-5)  # noqa: E731
    jax.tree.map(close, found, want)


def test_no_element() -> None:
    (count, x), (sums, _) = looped(X, items(0), 0, 3)
    assert (int(count), sums.shape) == (0, (0,))
    np.testing.assert_array_equal(x, X)


def test_second_derivative_and_vmap() -> None:
    def loss(x: Any, limit: Any) -> Any:
        body = lambda c, x: ((c[0] + 1, jnp.sin(c[1] * x)), None)  # noqa: E731
        xs = jnp.linspace(1.0, 2.0, 40)
        return counted(body, (0, x), xs, 40, lambda c: c[0] < limit)[0][1]

    def plain(x: Any, limit: int) -> Any:
        for scale in jnp.linspace(1.0, 2.0, 40)[:limit]:
            x = jnp.sin(x * scale)
        return x

    both = lambda f: jax.grad(lambda x, n: jax.grad(f)(x, n) ** 2)  # noqa: E731
    found = jax.jit(jax.vmap(both(loss), (None, 0)))(0.7, jnp.array([3, 2]))
    np.testing.assert_allclose(found, [both(plain)(0.7, n) for n in (3, 2)], rtol=1e-4)


def test_symbolic_length_is_exported_with_its_gradient() -> None:
    def total(xs: Any) -> Any:
        body = lambda c, x: (c + x * x, c)  # noqa: E731
        return counted(body, jnp.float32(0), xs, xs.shape[0], lambda c: c < 5.0)[0]

    shape = jax.export.symbolic_shape("n")
    exported = jax.export.export(jax.jit(total))(
        jax.ShapeDtypeStruct(shape, jnp.float32)
    )
    xs = jnp.arange(5.0)
    assert float(exported.call(xs)) == 5.0
    pulled = exported.vjp().call(xs, jnp.float32(1))
    np.testing.assert_allclose(pulled[0], [0.0, 2.0, 4.0, 0.0, 0.0])


def test_what_every_step_shares_is_not_kept_for_each() -> None:
    n, length = 16, 256

    def loss(x: Any, w: Any) -> Any:
        body = lambda c, _: ((c[0] + 1, jnp.sin(w @ c[1])), None)  # noqa: E731
        return jnp.sum(counted(body, (0, x), None, length, lambda c: c[0] < 9)[0][1])

    x, w = jnp.zeros(n), jnp.zeros((n, n))
    compiled = jax.jit(jax.grad(loss, (0, 1))).lower(x, w).compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    # Three rows a step, and the matrix once for each block of 16.
    blocks = (length // 16 + 8) * w.nbytes
    assert memory.temp_size_in_bytes <= 3 * length * x.nbytes + blocks
