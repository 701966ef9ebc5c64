"""A loop without a bound refuses reverse mode, where reverse mode reaches it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import LoopGradientError
from jaxgrad.lower._while import while_loop

X = jnp.array([1.0, 2.0])
STEPS = 4


def refuse() -> Exception:
    return LoopGradientError("the while of line 7")


def loop(x: Any, start: Any = 0) -> tuple[Any, Any, Any]:
    """A counter, a carry that depends on `x`, and one that does not."""
    init = (jnp.int32(start), x, jnp.float32(0))
    body = lambda c: (c[0] + 1, c[1] * 1.5, c[2] + 1)  # noqa: E731
    return while_loop(lambda c: c[0] < STEPS, body, init, refuse=refuse)[0]


def total(x: Any) -> Any:
    return jnp.sum(loop(x)[1])


def scanned(x: Any, part: int) -> Any:
    step = lambda c, _: (c * loop(c)[part], None)  # noqa: E731
    return jnp.sum(jax.lax.scan(step, x, length=2)[0])


def mapped(x: Any) -> Any:
    starts = jnp.arange(2)
    return jnp.sum(jax.vmap(lambda s: loop(x, s)[1])(starts))


REACHED: dict[str, Callable[[Any], Any]] = {
    "grad": jax.grad(total),
    "jit of grad": jax.jit(jax.grad(total)),
    "grad of jit": jax.grad(jax.jit(total)),
    "checkpoint": jax.grad(jax.checkpoint(total)),
    "scan": jax.grad(functools.partial(scanned, part=1)),
    "cond": jax.grad(lambda x: jax.lax.cond(x[0] > 0, total, jnp.sum, x)),
    "vmap of grad": lambda x: jax.vmap(jax.grad(total))(x[None]),
    "grad of vmap": jax.grad(mapped),
    "jacrev": jax.jacrev(lambda x: loop(x)[1]),
    "vjp": lambda x: jax.vjp(total, x)[1](1.0),
    "grad of jvp": jax.grad(lambda x: jax.jvp(total, (x,), (x,))[1]),
    "jvp of grad": lambda x: jax.jvp(jax.grad(total), (x,), (x,)),
    "linear_transpose": lambda x: jax.linear_transpose(total, x)(1.0),
}


@pytest.mark.parametrize("name", REACHED)
def test_reverse_mode_is_refused_with_the_callers_error(name: str) -> None:
    with pytest.raises(LoopGradientError, match="line 7"):
        REACHED[name](X)


UNREACHED: dict[str, tuple[Callable[[Any], Any], float]] = {
    "an integer carry": (lambda x: loop(x)[0] * jnp.sum(x), STEPS),
    "another carry": (lambda x: loop(x)[2] * jnp.sum(x), STEPS),
    "under jit": (jax.jit(lambda x: loop(x)[2] * jnp.sum(x)), STEPS),
    "by a jit": (lambda x: jax.jit(loop)(x)[2] * jnp.sum(x), STEPS),
    "by a checkpoint": (lambda x: jax.checkpoint(loop)(x)[2] * jnp.sum(x), STEPS),
    "in a scan": (functools.partial(scanned, part=2), STEPS**2),
    "a constant": (lambda x: jnp.sum(loop(jnp.ones(2))[1] * x), 1.5**STEPS),
    "a stopped input": (
        lambda x: jnp.sum(loop(jax.lax.stop_gradient(x))[1] / x * x) * 0 + jnp.sum(x),
        1.0,
    ),
}


@pytest.mark.parametrize("name", UNREACHED)
def test_what_reverse_mode_does_not_reach_is_no_error(name: str) -> None:
    loss, slope = UNREACHED[name]
    np.testing.assert_allclose(jax.grad(loss)(X), [slope, slope])


def test_forward_mode_works() -> None:
    factor = 1.5**STEPS
    by_start = lambda x, s: jax.jvp(lambda x: loop(x, s)[1], (x,), (x,))[1]  # noqa: E731
    found = jax.jit(jax.vmap(by_start, (None, 0)))(X, jnp.arange(2))
    np.testing.assert_allclose(found, [factor * X, factor / 1.5 * X])
    np.testing.assert_allclose(jax.jacfwd(lambda x: loop(x)[1])(X), factor * np.eye(2))
    np.testing.assert_allclose(jax.linearize(total, X)[1](X), factor * jnp.sum(X))


def test_compiled_and_exported_programs_hold_no_guard() -> None:
    lowered = jax.jit(total).lower(X)
    plain = jax.jit(
        lambda x: jnp.sum(
            jax.lax.while_loop(
                lambda c: c[0] < STEPS,
                lambda c: (c[0] + 1, c[1] * 1.5, c[2] + 1),
                (jnp.int32(0), x, jnp.float32(0)),
            )[1]
        )
    ).lower(X)
    ours, theirs = lowered.as_text(), plain.as_text()
    assert ours.split("{", 1)[1] == theirs.split("{", 1)[1]
    exported = jax.export.export(jax.jit(total), platforms=("cpu", "cuda", "tpu"))(X)
    np.testing.assert_allclose(exported.call(X), 1.5**STEPS * jnp.sum(X))
    with pytest.raises(LoopGradientError, match="line 7"):
        exported.vjp()


def test_without_an_error_of_the_caller_it_is_jaxs() -> None:
    def plain(x: Any) -> Any:
        return while_loop(lambda c: c < 4, lambda c: c * 1.5, x)[0]

    with pytest.raises(ValueError, match="Reverse-mode"):
        jax.grad(plain)(1.0)
