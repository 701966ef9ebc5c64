"""Threads: concurrent applications and gradients of the same and of other classes."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Context, Function, detect_anomaly
from jaxgrad.errors import AnomalyError
from tests.function.functions import dual

THREADS = 8
X = jnp.array([1.0, 2.0, 3.0])


def together(work: Callable[[int], Any]) -> list[Any]:
    """What `work(i)` returns in thread `i`; all start at the same moment."""
    barrier = threading.Barrier(THREADS)

    def run(i: int) -> Any:
        barrier.wait(60)
        return work(i)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def power() -> type[Function]:
    """x**n, whose rule says 10 n x**(n - 1)."""

    class Power(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array, n: int) -> jax.Array:
            ctx.n = n
            ctx.save_for_backward(x)
            return x**n

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, None]:
            (x,) = ctx.saved_tensors
            return 10 * ctx.n * x ** (ctx.n - 1) * g, None

    return Power


@pytest.fixture(params=["reverse", "dual"])
def cls(request: pytest.FixtureRequest) -> type[Function]:
    """A class that nobody has used yet."""
    return power() if request.param == "reverse" else dual(power())


def rule(n: int) -> np.ndarray:
    return 10 * n * np.asarray(X) ** (n - 1)


def test_the_start_is_together() -> None:
    inside = threading.Barrier(THREADS)
    assert sorted(together(lambda i: inside.wait(60))) == list(range(THREADS))


def test_the_first_use_may_race(cls: type[Function]) -> None:
    got = together(lambda i: [cls.apply(X, 3) for _ in range(5)])
    np.testing.assert_allclose(got, np.broadcast_to(X**3, (THREADS, 5, 3)), rtol=1e-6)
    info = cls.cache_info()
    assert info.currsize == 1


def test_the_first_gradient_may_race(cls: type[Function]) -> None:
    grad = jax.grad(lambda x: cls.apply(x, 3).sum())
    got = together(lambda i: [grad(X), jax.jit(grad)(X), jax.vmap(grad)(X[None])[0]])
    np.testing.assert_allclose(got, np.broadcast_to(rule(3), (THREADS, 3, 3)))


def test_static_arguments_are_not_mixed_up(cls: type[Function]) -> None:
    def work(i: int) -> list[Any]:
        found = []
        for step in range(6):
            n = 1 + (i + step) % 4
            value = cls.apply(X, n)
            slope = jax.grad(lambda x, n=n: cls.apply(x, n).sum())(X)
            found.append((value - X**n, slope - rule(n)))
        return found

    np.testing.assert_allclose(together(work), 0, atol=1e-4)


def test_one_jitted_function_serves_all(cls: type[Function]) -> None:
    @jax.jit
    def ask(x: jax.Array) -> jax.Array:
        return jax.grad(lambda x: cls.apply(cls.apply(x, 2), 1).sum())(x)

    got = together(lambda i: ask(X + i))
    for i, slope in enumerate(got):
        np.testing.assert_allclose(slope, 10 * 20 * (X + i), rtol=1e-6)


def test_second_order_in_every_thread(cls: type[Function]) -> None:
    twice = jax.grad(lambda x: jax.grad(lambda y: cls.apply(y, 3).sum())(x).sum())
    got = together(lambda i: twice(X + i))
    for i, slope in enumerate(got):
        np.testing.assert_allclose(slope, 60 * (X + i), rtol=1e-6)


def test_a_backward_may_run_in_another_thread(cls: type[Function]) -> None:
    pulls = together(lambda i: jax.vjp(lambda x: cls.apply(x, 1 + i), X)[1])
    got = together(lambda i: pulls[THREADS - 1 - i](jnp.ones(3))[0])
    for i, slope in enumerate(got):
        np.testing.assert_allclose(slope, rule(THREADS - i), rtol=1e-6)


def test_many_values_race_for_the_cache() -> None:
    """More than it holds; half of the calls share their values with other threads."""

    class Tag(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array, tag: int) -> tuple[jax.Array, int]:
            return x, tag

    size = Tag.cache_info().maxsize
    count = size // 4

    def work(i: int) -> bool:
        own = [Tag.apply(X, k + i * count)[1] for k in range(count)]
        shared = [Tag.apply(X, k % 5)[1] for k in range(count)]
        return own == [k + i * count for k in range(count)] and shared == [
            k % 5 for k in range(count)
        ]

    assert all(together(work))
    assert Tag.cache_info().currsize <= size


def test_a_class_may_change_while_it_is_used() -> None:
    base = power()
    base.apply(X, 2)
    done = threading.Event()

    def work(i: int) -> bool:
        if i:
            while not done.is_set():
                value = float(base.apply(X, 2)[1])
                if value not in (4.0, 40.0):
                    done.set()
                    return False
            return True
        try:
            for k in range(20):
                by = 10 if k % 2 else 1
                base.forward = staticmethod(lambda ctx, x, n, by=by: by * x**n)
        finally:
            done.set()
        return True

    assert all(together(work))
    assert float(base.apply(X, 2)[1]) == 40.0


def test_classes_may_be_made_in_threads() -> None:
    def work(i: int) -> Any:
        own = dual(power()) if i % 2 else power()
        return jax.grad(lambda x: own.apply(own.apply(x, 2), 1).sum())(X + i)

    for i, slope in enumerate(together(work)):
        np.testing.assert_allclose(slope, 200 * (X + i), rtol=1e-6)


class Times:
    """A pair of hooks that is seen in the gradient."""

    def __init__(self, by: int) -> None:
        self.by = by

    def pack(self, value: jax.Array) -> jax.Array:
        return value * self.by

    def unpack(self, value: jax.Array) -> jax.Array:
        return value


def test_hooks_belong_to_their_thread(cls: type[Function]) -> None:
    """Each thread packs in its own way, every second one not at all."""
    hooks = [Times(1 + i) for i in range(THREADS)]
    inside = threading.Barrier(THREADS)

    def work(i: int) -> list[Any]:
        ask = jax.grad(lambda x: cls.apply(x, 2).sum())
        if i % 2:
            inside.wait(60)  # while the others are inside their hooks
            return [ask(X), jax.jit(ask)(X)]
        with jaxgrad.saved_tensors_hooks(hooks[i].pack, hooks[i].unpack):
            inside.wait(60)
            return [ask(X), jax.jit(ask)(X)]

    for i, slopes in enumerate(together(work)):
        by = 1 if i % 2 else 1 + i
        np.testing.assert_allclose(slopes, [rule(2) * by] * 2, rtol=1e-6)


def test_an_anomaly_belongs_to_its_thread() -> None:
    """One jitted function in all threads; the odd ones go wrong."""

    class Inverse(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            ctx.save_for_backward(x)
            return x

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return g / ctx.saved_tensors[0]

    ask = jax.jit(jax.grad(lambda x: jnp.sqrt(Inverse.apply(x).sum())))

    def work(i: int) -> str:
        start = X * [1.0, jnp.array([0.0, 1.0, 1.0]), 1.0, 0.0][i % 4]
        for _ in range(3):
            try:
                with detect_anomaly():
                    ask(start)
            except AnomalyError as error:
                found = str(error)
            else:
                found = "none"
        return " ".join(found.split()[:3])

    made, passed = "Inverse.backward made Inf", "Inverse.backward passed on"
    assert together(work) == ["none", made, "none", passed] * (THREADS // 4)
