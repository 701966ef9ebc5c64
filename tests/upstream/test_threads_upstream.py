"""Threads and the errors that cross them, under the names of the tests in torch."""

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function
from tests.upstream.helpers import same

X = jnp.float32([0.5, -1.25])


class Fails(Function):
    """The identity, whose rule raises."""

    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        raise ValueError("something")


def test_preserve_backtrace() -> None:
    """The traceback of an error in a rule leads to its line."""
    for grad in (jax.grad(lambda x: Fails.apply(x).sum()),):
        for run in (grad, jax.jit(grad)):
            with pytest.raises(ValueError, match="something") as raised:
                run(X)
            frames = traceback.extract_tb(raised.value.__traceback__)
            own = [f for f in frames if f.filename == __file__]
            assert own[-1].line == 'raise ValueError("something")'


def test_custom_function_propagates_errors_from_device_thread() -> None:
    """Errors cross from every thread, with their type, and harm no other."""

    class Right(Fails):
        @staticmethod
        def backward(ctx, g):
            return 3 * g

    def run(i: int) -> jax.Array:
        cls = Fails if i % 2 else Right
        return jax.grad(lambda x: cls.apply(x * i).sum())(X)

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(run, i) for i in range(8)]
    for i, future in enumerate(futures):
        if i % 2:
            with pytest.raises(ValueError, match="something"):
                future.result()
        else:
            same(future.result(), jnp.full(2, 3.0 * i))


def test_backward_single_threaded() -> None:
    """Backward runs in the thread that asks for it."""
    threads = []

    class Looks(Function):
        @staticmethod
        def forward(ctx, x):
            threads.append(threading.get_ident())
            return x

        @staticmethod
        def backward(ctx, g):
            threads.append(threading.get_ident())
            return g

    grad = jax.grad(lambda x: Looks.apply(x).sum())
    with ThreadPoolExecutor(1) as pool:
        pool.submit(grad, X).result()
        other = pool.submit(threading.get_ident).result()
    assert set(threads) == {other}
    threads.clear()
    grad(X)
    assert set(threads) == {threading.get_ident()}


def test_backward_tls_stash() -> None:
    """What a thread keeps for itself is there in backward."""
    local = threading.local()

    class Writes(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            local.notes["written"] = True
            return g * local.factor

    def run(factor: float) -> tuple:
        local.notes, local.factor = {}, factor
        slope = jax.grad(lambda x: Writes.apply(x).sum())(X)
        return slope, local.notes

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, [2.0, 3.0]))
    for factor, (slope, notes) in zip([2.0, 3.0], results, strict=True):
        same(slope, jnp.full(2, factor))
        assert notes == {"written": True}
