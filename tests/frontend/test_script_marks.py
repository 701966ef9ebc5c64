"""What is said about scripts: `ignore`, `unused`, `is_scripting`, and the rest."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import ArgumentError, GraphError, ScriptError

X = jnp.array([3.0, 1.0, 3.0])
SEEN: list[Any] = []


@jaxgrad.ignore
def distinct(x: Any, more: int = 0) -> jax.ShapeDtypeStruct((), jnp.int32):  # type: ignore[valid-type]
    return np.int64(len(set(x.tolist())) + more)


@jaxgrad.ignore
def told(*args: Any) -> None:
    SEEN.append([np.asarray(a).tolist() for a in args])


@jaxgrad.ignore
def total(x: Any) -> float:
    return sum(x.tolist())


@jaxgrad.ignore(result=lambda x, n: {"a": jax.ShapeDtypeStruct((n,), x.dtype)})
def first(x: Any, n: int) -> Any:
    return {"a": x[:n]}


@jaxgrad.ignore
def unannotated(x: Any):  # type: ignore[no-untyped-def]
    return x


@jaxgrad.ignore(result=jax.ShapeDtypeStruct((2,), jnp.float32))
def wrong(x: Any) -> Any:
    return x


class Held:
    def __init__(self, scale: float) -> None:
        self.scale = scale

    @jaxgrad.ignore
    def outside(self, x: Any) -> float:
        return float(x) * self.scale

    def run(self, x: Any) -> Any:
        return self.outside(x) + 1 if x > 0 else x

    @jaxgrad.unused
    def never(self) -> Any:
        yield 1

    def calls(self, x: Any, deep: bool) -> Any:
        if deep and x > 0:
            return self.never()
        return x


def test_ignored_functions_run_in_python() -> None:
    assert distinct(X) == 2
    script = jaxgrad.script(lambda x: 10 * distinct(x, more=1))
    assert script(X) == 30
    assert script(X).dtype == jnp.int32
    np.testing.assert_array_equal(jax.vmap(script)(jnp.stack([X, 0 * X])), [30, 20])
    found = jaxgrad.script(lambda x: total(x) * x)(X)
    np.testing.assert_array_equal(found, 7 * X)
    np.testing.assert_array_equal(jaxgrad.script(lambda x: first(x, 2)["a"])(X), X[:2])


def test_ignored_functions_without_a_result_run_on_the_paths_taken() -> None:
    def fn(x: Any) -> Any:
        if x > 0:
            told(x, 5)
        return x

    script = jaxgrad.script(fn)
    SEEN.clear()
    for value in (2, -2, 3):
        script(jnp.int32(value))
    jax.effects_barrier()
    assert SEEN == [[2, 5], [3, 5]]


def test_ignored_methods() -> None:
    assert Held(4.0).outside(2.0) == 8.0
    assert jaxgrad.script(Held(4.0).run)(jnp.float32(2)) == 9


def test_ignored_functions_have_no_derivative_and_say_so() -> None:
    def fn(x: Any) -> Any:
        return x.sum() * total(x)

    script = jaxgrad.script(fn)
    with pytest.raises(ScriptError, match=r"total is marked .*no derivative") as caught:
        jax.grad(script)(X)
    assert caught.value.lineno == fn.__code__.co_firstlineno + 1
    stopped = jaxgrad.script(lambda x: x.sum() * total(jax.lax.stop_gradient(x)))
    np.testing.assert_array_equal(jax.grad(stopped)(X), [7, 7, 7])
    with pytest.raises(ScriptError, match=r"total is marked .*which no file has"):
        script.export(X)


def test_results_of_ignored_functions_are_checked() -> None:
    with pytest.raises(ScriptError, match="does not say what it returns"):
        jaxgrad.script(lambda x: unannotated(x))(X)
    with pytest.raises(Exception, match=r"wrong.* returned .*; it declares"):
        jax.block_until_ready(jaxgrad.script(lambda x: wrong(x))(X))

    @jaxgrad.ignore
    def text(x: Any) -> str:
        return str(x)

    with pytest.raises(ScriptError, match="returns <class 'str'>, which is no type"):
        jaxgrad.script(lambda x: text(x))(X)
    with pytest.raises(ArgumentError, match="marks functions and methods; got int"):
        jaxgrad.ignore(3)


def test_unused_functions_raise_where_they_are_called() -> None:
    calls = jaxgrad.script(Held(1.0).calls)
    assert calls(jnp.float32(1), False) == 1
    assert calls(jnp.float32(-1), True) == -1
    with pytest.raises(NotImplementedError, match=r"never is marked @jaxgrad\.unused"):
        calls(jnp.float32(1), True)
    assert list(Held(1.0).never()) == [1]


def test_is_scripting_and_annotate() -> None:
    def mode(x: Any) -> Any:
        items: jaxgrad.Final[list[Any]] = jaxgrad.annotate(list[Any], [x])
        return items if jaxgrad.is_scripting() else "python"

    assert mode(X) == "python"
    (found,) = jaxgrad.script(mode)(X)
    np.testing.assert_array_equal(found, X)


def test_final_arguments_are_static() -> None:
    def power(x: Any, n: jaxgrad.Final[int]) -> Any:  # type: ignore[valid-type]
        for _ in range(n):
            x = x * x
        return x, n

    script = jaxgrad.script(power)
    for n in (2, np.int64(2), jnp.int32(2)):
        y, got = script(jnp.float32(3), n)
        assert (float(y), type(got), got) == (81.0, int, 2)
    assert len(script.debug_state) == 1
    with pytest.raises(ArgumentError, match="a traced value for 'n', which is Final"):
        jax.jit(script)(3.0, 2)
    with pytest.raises(ArgumentError, match=r"an array \(3,\) for 'n'"):
        script(3.0, X)


def test_compiled_only_if_traced() -> None:
    ran: list[Any] = []

    @jaxgrad.script_if_tracing
    def count(xs: Any) -> Any:
        told(1)
        if not jaxgrad.is_scripting():
            ran.append(xs)
        n = 0
        while xs[n] > 0:
            n += 1
        return n

    xs = jnp.array([1, 2, 0, 3])
    assert type(count(xs)) is int
    assert len(ran) == 1
    assert jax.jit(count)(xs) == 2
    assert jax.vmap(count)(jnp.stack([xs, 0 * xs])).tolist() == [2, 0]
    assert len(ran) == 1


def test_a_compilation_unit() -> None:
    unit = jaxgrad.CompilationUnit("""
        def double(x):
            return x + x

        class Pair:
            def __init__(self, x):
                self.x = x
    """)
    unit.define(
        "def grow(x):\n    while x < 10:\n        x = double(x)\n    return x\n"
    )
    assert unit.grow(jnp.int32(3)) == 12
    assert unit.find_function("grow") is unit.grow
    assert unit.find_function("other") is None
    assert [f.name for f in unit.get_functions()] == ["double", "grow"]
    assert unit.get_class("Pair") is unit.Pair
    assert "double" in unit
    assert "Pair" not in unit
    unit.define("def double(x):\n    return x + 7\n")
    assert unit.grow(jnp.int32(3)) == 10
    with pytest.raises(AttributeError, match="no function 'shrink'; it has double, gr"):
        unit.shrink  # noqa: B018
    unit.drop_all_functions()
    assert unit.get_functions() == []
    assert "double" not in unit


def test_functions_of_graphs() -> None:
    unit = jaxgrad.CompilationUnit("def double(x, n):\n    return x * n\n")
    made = unit.create_function("times", unit.double.graph.copy())
    assert unit.times is made
    assert made(X, 3).tolist() == [9, 3, 9]
    unit.define("def calls(x):\n    return times(x, 2)\n")
    assert unit.calls(X).tolist() == [6, 2, 6]
    traced = jaxgrad.trace(lambda x: jnp.sin(x) * x, X)
    sine = unit.create_function("sine", traced.graph)
    np.testing.assert_array_equal(jax.jit(sine)(X), traced(X))
    with pytest.raises(GraphError, match="Expected a Graph; got str"):
        unit.create_function("bad", "graph()")  # type: ignore[arg-type]
