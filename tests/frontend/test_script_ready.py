"""Calls with arrays alone: they skip what other calls go through, and nothing else."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Final
from jaxgrad.frontend.script import _function

X, Y = jnp.arange(3.0), jnp.float32(2.0)
factor = 3
offset = jnp.float32(1.0)


def scaled(x: Any, y: Any, power: Any = 2) -> Any:
    return x * y**power


def of_globals(x: Any) -> Any:
    return x * factor + offset


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The calls that go the long way."""
    found: list[Any] = []
    real = _function.ScriptFunction._find

    def find(self: Any, args: Any, kwargs: Any) -> Any:
        found.append(args)
        return real(self, args, kwargs)

    monkeypatch.setattr(_function.ScriptFunction, "_find", find)
    return found


def test_the_second_call_is_a_short_one(slow: list[Any]) -> None:
    f = jaxgrad.script(scaled)
    for _ in range(3):
        np.testing.assert_array_equal(f(X, Y), X * 4)
    assert len(slow) == 1
    np.testing.assert_array_equal(f(X, jnp.int32(3)), X * 9)
    np.testing.assert_array_equal(f(X[:2], Y), X[:2] * 4)
    assert len(slow) == 3
    np.testing.assert_array_equal(f(X, Y), X * 4)
    assert len(slow) == 3


def test_weak_types_are_told_apart() -> None:
    f = jaxgrad.script(lambda x: x * jnp.float16(1))
    weak, strong = jnp.asarray(2.0), jnp.float32(2.0)
    for _ in range(2):
        assert (f(weak).dtype, f(strong).dtype) == (jnp.float16, jnp.float32)


def test_other_arguments_take_the_long_way(slow: list[Any]) -> None:
    f = jaxgrad.script(scaled)
    for _ in range(2):
        np.testing.assert_array_equal(f(X, Y, 3), X * 8)
        np.testing.assert_array_equal(f(X, y=Y), X * 4)
        np.testing.assert_array_equal(f(np.arange(3.0, dtype="f4"), Y), X * 4)
    assert len(slow) == 6


def test_a_new_default_counts() -> None:
    def f(x: Any, n: Any = 2) -> Any:
        return x * n

    scripted = jaxgrad.script(f)
    assert scripted(Y) == scripted(Y) == 4
    f.__defaults__ = (5,)
    assert scripted(Y) == scripted(Y) == 10
    f.__defaults__ = (jnp.float32(7),)
    assert scripted(Y) == scripted(Y) == 14


def test_new_globals_count(monkeypatch: pytest.MonkeyPatch) -> None:
    f = jaxgrad.script(of_globals)
    module = globals()
    assert f(Y) == f(Y) == 7
    monkeypatch.setitem(module, "factor", 5)
    assert f(Y) == f(Y) == 11
    monkeypatch.setitem(module, "offset", jnp.float32(10.0))
    assert f(Y) == f(Y) == 20
    monkeypatch.setitem(module, "offset", jnp.arange(2.0))
    np.testing.assert_array_equal(f(Y), [10, 11])
    monkeypatch.setitem(module, "factor", 3)
    np.testing.assert_array_equal(f(Y), [6, 7])


def test_an_edit_of_the_graph_counts() -> None:
    f = jaxgrad.script(lambda x: -x)
    assert f(Y) == f(Y) == -2
    node = f.graph.find_node("py::operator.neg")
    node.output().replace_all_uses_with(node.input())
    assert f(Y) == f(Y) == 2


def test_what_a_final_says_counts() -> None:
    @jaxgrad.script
    def f(x: Any, n: Final[int]) -> Any:
        return [x] * int(n)

    for n in (1, 2, 1):
        assert len(f(Y, jnp.int32(n))) == n


def test_a_check_still_raises() -> None:
    @jaxgrad.script
    def f(x: Any) -> Any:
        assert x > 0, "not positive"
        return x

    for _ in range(2):
        assert f(Y) == 2
        with pytest.raises(AssertionError, match="not positive"):
            f(-Y)


def test_tracers_and_other_modes() -> None:
    f = jaxgrad.script(scaled)
    f(X, Y)
    np.testing.assert_array_equal(jax.jit(f)(X, Y), X * 4)
    np.testing.assert_array_equal(jax.vmap(f, (0, None))(X, Y), X * 4)
    np.testing.assert_array_equal(jax.grad(lambda x: f(x, Y).sum())(X), [4, 4, 4])
    f.clear_cache()
    np.testing.assert_array_equal(f(X, Y), X * 4)
    with jax.enable_x64(True):
        assert f(jnp.arange(3.0), jnp.float64(2)).dtype == jnp.float64
    np.testing.assert_array_equal(f(X, Y), X * 4)
