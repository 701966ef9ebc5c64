"""What is left behind: no tracers, arrays or programs, and caches that are bounded.

Sizes are counted in objects, never in time. `test_lifetime` has the values of `apply`.
"""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Context, Function, _compat, detect_anomaly
from jaxgrad.function._application import Application
from jaxgrad.function._spec import Spec
from tests.function.functions import dual

X = jnp.array([1.0, 2.0, 3.0])


def scale() -> type[Function]:
    class Scale(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array, by: int) -> jax.Array:
            ctx.by = by
            ctx.save_for_backward(x)
            return x * by

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, None]:
            return 7 * ctx.by * g, None

    return Scale


LOWERINGS = pytest.mark.parametrize(
    "lower", [lambda cls: cls, dual], ids=["reverse", "dual"]
)


def alive(*types: type) -> int:
    """How many instances there are, after a collection."""
    gc.collect()
    return sum(type(o) in types for o in gc.get_objects())


def chain(cls: type[Function], values: range) -> Callable[[jax.Array], jax.Array]:
    def loss(x: jax.Array) -> jax.Array:
        return sum(cls.apply(x, by) for by in values).sum()

    return loss


def test_the_counts_can_fail() -> None:
    before = alive(Application, Spec)
    kept = jax.make_jaxpr(jax.grad(chain(scale(), range(50))))(X)
    assert alive(Application, Spec) >= before + 50
    assert kept.eqns


# Under the coming switches JAX traces what it otherwise runs eagerly, and keeps some of
# it in caches that are bounded: this many more fill them.
TRACED = 1_100 if _compat.switched_on() else 0


@LOWERINGS
def test_static_values_under_traced_grad_are_forgotten(lower: Callable) -> None:
    """JAX's own caches hold parameters of primitives for a while, and are bounded.

    Once they are full, as many values again make no difference.
    """
    cls = lower(scale())

    def trace(start: int) -> None:
        for first in range(start, start + 1_250, 250):
            jax.make_jaxpr(jax.grad(chain(cls, range(first, first + 250))))(X)

    trace(0)
    full, objects = alive(Application, Spec), len(gc.get_objects())
    trace(1_250)
    assert cls.cache_info().currsize <= cls.cache_info().maxsize
    assert alive(Application, Spec) <= full + 300
    assert len(gc.get_objects()) <= objects + 5_000


def test_static_values_under_eager_grad_leave_nothing() -> None:
    cls = scale()

    def step(by: int) -> None:
        slope = jax.grad(lambda x: cls.apply(x, by).sum())(X)
        np.testing.assert_array_equal(slope, np.full(3, 7.0 * by))

    first = cls.cache_info().maxsize + 20 + TRACED
    for by in range(first):
        step(by)
    full = alive(Application, Spec)
    for by in range(first, first + 200):
        step(by)
    assert alive(Application, Spec) <= full + 5


def test_watched_applications_leave_nothing() -> None:
    """Under detect_anomaly each application has a Spec of its own."""
    cls = scale()
    loss = chain(cls, range(1, 3))
    with detect_anomaly():
        for _ in range(20 + TRACED):
            jax.grad(loss)(X)
        full = alive(Application, Spec)
        for _ in range(60):
            jax.grad(loss)(X)
    assert alive(Application, Spec) <= full + 5


def in_hooks(cls: type[Function]) -> None:
    with jaxgrad.saved_tensors_hooks(jaxgrad.packers.bfloat16):
        jax.jit(jax.grad(chain(cls, range(2))))(X)


def watched(cls: type[Function]) -> None:
    with detect_anomaly():
        jax.jit(jax.grad(chain(cls, range(2))))(X)
        jax.grad(chain(cls, range(2)))(X)


USES: dict[str, Callable[[type[Function]], Any]] = {
    "apply": lambda cls: [cls.apply(X, 2) for _ in range(3)],
    "grad": lambda cls: jax.grad(chain(cls, range(2)))(X),
    "jit of grad": lambda cls: jax.jit(jax.grad(chain(cls, range(2))))(X),
    "vmap of grad": lambda cls: jax.vmap(jax.grad(chain(cls, range(2))))(X[None]),
    "hessian": lambda cls: jax.jit(jax.jacrev(jax.grad(chain(cls, range(2)))))(X),
    "checkpoint": lambda cls: jax.grad(jax.checkpoint(chain(cls, range(2))))(X),
    "scan": lambda cls: jax.grad(
        lambda x: jax.lax.scan(lambda c, _: (cls.apply(c, 2), None), x, length=2)[
            0
        ].sum()
    )(X),
    "to_custom_vjp": lambda cls: jax.grad(lambda x: cls.to_custom_vjp(by=2)(x).sum())(
        X
    ),
    "hooks": in_hooks,
    "detect_anomaly": watched,
}


@LOWERINGS
@pytest.mark.parametrize("name", USES)
def test_no_tracer_leaks(name: str, lower: Callable) -> None:
    with jax.checking_leaks():
        USES[name](lower(scale()))


def test_a_leaked_tracer_would_be_found() -> None:
    kept = []

    class Leaky(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            kept.append(x)
            return x

    with pytest.raises(Exception, match="Leaked"), jax.checking_leaks():
        jax.jit(lambda x: Leaky.apply(x * 2))(X)


@LOWERINGS
@pytest.mark.parametrize("name", USES)
def test_nothing_of_a_class_is_left(name: str, lower: Callable) -> None:
    """No class, Spec or Application once JAX's own caches are empty."""
    jax.clear_caches()
    before = alive(Application, Spec)
    base = scale()
    cls = lower(base)
    USES[name](cls)
    gone = [weakref.ref(cls), weakref.ref(base)]
    del cls, base
    jax.clear_caches()
    assert alive(Application, Spec) <= before
    assert [ref() for ref in gone] == [None, None]


@LOWERINGS
@pytest.mark.parametrize("name", USES)
def test_no_array_is_left(name: str, lower: Callable) -> None:
    """The class and JAX's caches stay; what was computed goes."""
    cls = lower(scale())
    USES[name](cls)  # constants that JAX itself keeps
    gc.collect()
    before = {id(array) for array in jax.live_arrays()}
    USES[name](cls)
    gc.collect()
    assert [a for a in jax.live_arrays() if id(a) not in before] == []


def test_compiled_programs_go_with_the_class() -> None:
    cls = scale()
    for _ in range(3):
        cls.apply(X, 2)
    (compiled,) = cls._dispatch.compiled.values()
    gone = weakref.ref(compiled)
    del compiled, cls
    gc.collect()
    assert gone() is None


def test_residuals_go_with_the_pullback() -> None:
    big = jnp.ones(1000)
    before = {id(a) for a in jax.live_arrays()}  # other tests' arrays too
    y, pull = jax.vjp(lambda x: scale().apply(x * 2, 3), big)
    new = [a for a in jax.live_arrays() if id(a) not in before]
    saved = [a for a in new if a.shape == (1000,)]
    gone = [weakref.ref(a) for a in saved]
    assert gone
    del new, saved, y, pull
    gc.collect()
    assert [ref() for ref in gone if ref() is not None] == []
