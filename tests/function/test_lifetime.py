"""What the library keeps: bounded caches that die with the class."""

import contextlib
import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from tests.function.functions import dual

X = jnp.ones(3)
COMPILED = "/jax/core/compile/backend_compile_duration"


@contextlib.contextmanager
def compilations() -> Iterator[list[str]]:
    """The compilations that happen inside, one entry each."""
    found: list[str] = []

    def listener(event: str, duration_s: float, **_: Any) -> None:
        if event == COMPILED:
            found.append(event)

    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        yield found
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)


def scale() -> type[Function]:
    class Scale(Function):
        @staticmethod
        def forward(ctx, x, by, more=None):
            ctx.by = by
            ctx.save_for_backward(x)
            return x * (by if isinstance(by, int | float) else 2)

        @staticmethod
        def backward(ctx, g):
            return 7 * g, None, None

    return Scale


def test_the_count_of_compilations_can_fail() -> None:
    with compilations() as found:
        jax.jit(lambda x: x * 3 + 1.25)(X).block_until_ready()
    assert len(found) == 1


def test_the_same_call_compiles_once() -> None:
    cls = scale()
    cls.apply(X, 2.0)
    cls.apply(X, 2.0)
    cls.apply(X, 2.0)
    with compilations() as found:
        for _ in range(20):
            cls.apply(X, 2.0)
    assert found == []


def test_an_annealed_float_does_not_compile_at_each_call() -> None:
    cls = scale()
    for i in range(3):  # what one call compiles of the operators that it is made of
        cls.apply(X, 0.123 + i)
    with compilations() as found:
        for i in range(100):
            y = cls.apply(X, 1.0 / (i + 7))
            np.testing.assert_allclose(y, np.full(3, 1.0 / (i + 7)), rtol=1e-6)
    assert len(found) <= 2


def test_caches_are_bounded_under_10_000_static_values() -> None:
    cls = scale()
    for i in range(5_000):
        cls.apply(X, i)
    full = cls.cache_info()
    gc.collect()
    tracemalloc.start()
    for i in range(5_000, 10_000):
        cls.apply(X, i)
    gc.collect()
    grown_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    info = cls.cache_info()
    assert info.maxsize is not None
    assert 0 < info.maxsize <= 4096
    assert info.currsize <= info.maxsize
    assert full.currsize <= full.maxsize
    assert grown_bytes < 2_000_000


def test_programs_that_were_compiled_are_evicted_too() -> None:
    class Free(Function):
        @staticmethod
        def forward(ctx, x, by):
            return x  # nothing to compute, so that it compiles fast

    size = Free.cache_info().maxsize
    for i in range(size):
        Free.apply(X, i)
    for i in range(size, size + 20):
        for _ in range(3):  # a program is compiled at the second use of its values
            Free.apply(X, i)
    assert Free.cache_info().currsize <= size


def test_cache_info_counts_hits_and_misses() -> None:
    cls = scale()
    start = cls.cache_info()
    assert (start.hits, start.misses, start.currsize) == (0, 0, 0)
    for _ in range(6):
        cls.apply(X, 2.0)
    info = cls.cache_info()
    assert info.hits + info.misses == 6
    assert info.hits >= 4
    assert info.currsize >= 1
    assert scale().cache_info().hits == 0  # a class has its own


def test_a_subclass_has_its_own_cache() -> None:
    base = scale()
    for _ in range(4):
        base.apply(X, 2.0)

    class Child(base):
        @staticmethod
        def forward(ctx, x, by, more=None):
            return x * by * 10

    for _ in range(4):
        np.testing.assert_array_equal(Child.apply(X, 2.0), np.full(3, 20.0))
        np.testing.assert_array_equal(base.apply(X, 2.0), np.full(3, 2.0))


class Unhashable:
    """A static value with state, which can't be hashed."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, by: float) -> None:
        self.by = by

    def __eq__(self, other: object) -> bool:
        return True


class ByObject(Function):
    @staticmethod
    def forward(ctx, x, value):
        return x * value.by

    @staticmethod
    def backward(ctx, g):
        return 7 * g, None


def test_unhashable_static_values_are_told_apart() -> None:
    """Also where one takes the place in memory of another that is gone."""
    for i in range(30):
        value = Unhashable(i)
        for _ in range(3):
            np.testing.assert_array_equal(ByObject.apply(X, value), np.full(3, i))
        del value
    cls = scale()
    for value in ({1, 2}, bytearray(b"x"), {"a": {3}}, [set()]):
        for _ in range(3):
            np.testing.assert_array_equal(cls.apply(X, value), np.full(3, 2.0))


class Hashable:
    """Mutable, and hashed by identity, as most objects are."""

    def __init__(self, by: float) -> None:
        self.by = by


@pytest.mark.parametrize("kind", [Hashable, Unhashable])
def test_a_static_object_that_changed_is_read_again(kind: type) -> None:
    value = kind(2.0)
    for by in (2.0, 5.0, 2.0, 7.0):
        value.by = by
        for _ in range(3):
            np.testing.assert_array_equal(ByObject.apply(X, value), np.full(3, by))


def test_a_mutable_static_container_that_changed_is_read_again() -> None:
    class Length(Function):
        @staticmethod
        def forward(ctx, x, values):
            return x * len(values)

    for values in ([1], {"a": 1}, {1}, bytearray(b"1")):
        for _ in range(3):
            np.testing.assert_array_equal(Length.apply(X, values), np.full(3, 1.0))
        grow = {list: "append", set: "add", bytearray: "append"}.get(type(values))
        getattr(values, grow)(2) if grow else values.update(b=2)
        for _ in range(3):
            np.testing.assert_array_equal(Length.apply(X, values), np.full(3, 2.0))


def used(cls: type[Function]) -> None:
    cls.apply(X, 2)
    cls.apply(X, 2)
    cls.apply(X, 2, more={"k": X})
    cls.apply(X, 2, more={"k": X})
    cls.apply(X, by={1})


def differentiated(cls: type[Function]) -> None:
    loss = lambda x: cls.apply(x, 2).sum()  # noqa: E731
    jax.grad(loss)(X)
    jax.grad(lambda x: jax.grad(loss)(x).sum())(X)
    jax.jit(jax.grad(loss))(X)
    jax.vmap(jax.grad(loss))(X[None])


def failed(cls: type[Function]) -> None:
    for _ in range(3):
        with pytest.raises(TypeError):
            cls.apply(X, bad=1)
        with pytest.raises(TypeError):
            cls.apply(X, 2, 3, 4)


def collected(cls_ref: weakref.ref) -> bool:
    for _ in range(3):
        gc.collect()
    return cls_ref() is None


@pytest.mark.parametrize("use", [lambda cls: None, used, failed])
def test_a_class_is_collected_after_use(use: Callable) -> None:
    cls = scale()
    use(cls)
    gone = weakref.ref(cls)
    del cls
    assert collected(gone)


@pytest.mark.parametrize("lower", [lambda cls: cls, dual], ids=["reverse", "dual"])
@pytest.mark.parametrize("use", [used, differentiated])
def test_a_differentiated_class_is_collected_once_jax_lets_go(
    use: Callable, lower: Callable
) -> None:
    base = scale()
    cls = lower(base)
    use(cls)
    gone = [weakref.ref(cls), weakref.ref(base)]
    del cls, base
    jax.clear_caches()
    assert all(map(collected, gone))


def test_arrays_of_a_call_are_not_kept() -> None:
    cls = scale()
    x = jnp.arange(7.0)
    for _ in range(3):
        cls.apply(x, 2.0)
    gone = weakref.ref(x)
    del x
    gc.collect()
    assert gone() is None
