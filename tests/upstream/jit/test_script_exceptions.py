"""Exceptions and warnings, each test under its name in torch."""

# ruff: noqa: F821 (the programs say what they test)

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad import Context, Function
from tests.upstream.jit import elsewhere
from tests.upstream.scripted import Array, agrees, bit, compare, f32, i32, refused


class MyValueError(ValueError):
    pass


class Fails(Function):
    """Its forward knows what it wants."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        if x.shape != (2,):
            raise RuntimeError(f"expected two elements, got {x.shape}")
        return x

    @staticmethod
    def backward(ctx: Context, g: Array) -> Array:
        return g


class TestException:
    def test_pyop_exception_message(self) -> None:
        def fn(x: Any) -> Any:
            return Fails.apply(x)

        scripted = jaxgrad.script(fn)
        compare(scripted(f32([1, 2])), f32([1, 2]))
        with pytest.raises(RuntimeError, match=r"expected two elements, got \(3,\)"):
            scripted(jnp.ones(3))

    def test_builtin_error_messsage(self) -> None:
        def wrong(x: Any) -> Any:
            return jnp.reshape(x)

        def unknown(x: Any) -> Any:
            return jnp.no_such_function(x)

        agrees(wrong, (f32(1),))
        agrees(unknown, (f32(1),))

    def test_exceptions(self) -> None:
        def conditional(c: Any) -> Any:
            if bool(c):
                raise ValueError(3)
            return 1

        agrees(conditional, (bit(False),), (bit(True),), (True,))

        def unknown(c: Any) -> Any:
            if c:
                raise ArbitraryError("hi")
            return 3

        refused(unknown, bit(False), at="raise ArbitraryError", says=("Arbitrary",))

        def always() -> Any:
            raise RuntimeError("Hi")

        def no_exception() -> Any:
            raise 3 + 4

        def two_arguments(x: Any) -> Any:
            if x > 0:
                raise RuntimeError("hello", "goodbye")
            return x

        def no_message(x: Any) -> Any:
            if x > 0:
                raise RuntimeError
            return x

        agrees(always, ())
        agrees(no_exception, ())
        agrees(two_arguments, (i32(1),), (i32(0),))
        agrees(no_message, (i32(1),), (i32(0),))

        def escapes(c: Any) -> Any:
            if c:
                a = 1
            else:
                if c:
                    raise ValueError("Hi")
                else:
                    raise ValueError("Ho")
            return a

        agrees(escapes, (bit(True),), (bit(False),))

    def test_assertions(self) -> None:
        unit = jaxgrad.CompilationUnit("""
            def foo(cond):
                assert bool(cond), "hi"
                return 0
        """)
        assert unit.foo(bit(True)) == 0
        with pytest.raises(AssertionError, match="hi"):
            unit.foo(bit(False))

        def foo(c: Any) -> None:
            assert bool(c), "hi"

        agrees(foo, (i32(1),), (i32(0),), (0,))

    def test_python_op_exception(self) -> None:
        @jaxgrad.ignore
        def python_op(x: Any) -> None:
            raise KeyError("bad!")

        def fn(x: Any) -> Any:
            python_op(x)
            return x

        def run() -> None:
            jax.block_until_ready(jaxgrad.script(fn)(i32(4)))
            jax.effects_barrier()

        with pytest.raises(Exception, match="bad!"):
            run()

    def test_dict_expansion_raises_error(self) -> None:
        """torch refuses it."""

        def fn(x: Any) -> Any:
            d = {"foo": 1, "bar": x}
            return {**d, "baz": 3}

        agrees(fn, (i32(2),))

    def test_custom_python_exception(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                raise MyValueError("test custom exception")
            return x

        agrees(fn, (1,), (i32(1),), (i32(0),))

    def test_custom_python_exception_defined_elsewhere(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                raise elsewhere.MyKeyError("a key error of another module")
            return elsewhere.scaled(x)

        agrees(fn, (i32(1),), (i32(0),))


def one() -> None:
    warnings.warn("I am warning you", stacklevel=2)


def two() -> None:
    warnings.warn("I am warning you too", stacklevel=2)


def warned(fn: Callable[..., Any], *args: Any, times: int = 1) -> list[str]:
    """The warnings of some calls."""
    scripted = jaxgrad.script(fn)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(times):
            jax.block_until_ready(scripted(*args))
            jax.effects_barrier()
    return [str(w.message) for w in caught if w.category is UserWarning]


class TestWarn:
    """Python code that is called runs while a program is compiled."""

    def test_warn(self) -> None:
        def fn(x: Any) -> Any:
            warnings.warn("I am warning you", stacklevel=2)
            return x

        assert warned(fn, i32(1)) == ["I am warning you"]

    def test_warn_only_once(self) -> None:
        def fn(x: Any) -> Any:
            for _ in range(10):
                warnings.warn("I am warning you", stacklevel=2)
                x = x + 1
            return x

        assert set(warned(fn, i32(1))) == {"I am warning you"}

    def test_warn_only_once_in_loop_func(self) -> None:
        def fn(x: Any) -> Any:
            for _ in range(10):
                one()
                x = x + 1
            return x

        assert set(warned(fn, i32(1))) == {"I am warning you"}

    def test_warn_once_per_func(self) -> None:
        def fn(x: Any) -> Any:
            one()
            two()
            return x

        assert warned(fn, i32(1)) == ["I am warning you", "I am warning you too"]

    def test_warn_once_per_func_in_loop(self) -> None:
        def fn(x: Any) -> Any:
            while x < 3:
                one()
                two()
                x = x + 1
            return x

        assert set(warned(fn, i32(1))) == {"I am warning you", "I am warning you too"}

    def test_warn_multiple_calls_multiple_warnings(self) -> None:
        """The second call runs what the first compiled."""

        def fn(x: Any) -> Any:
            one()
            return x

        assert warned(fn, i32(1), times=2) == ["I am warning you"]

    def test_warn_multiple_calls_same_func_diff_stack(self) -> None:
        def warns(caller: str) -> None:
            warnings.warn("I am warning you from " + caller, stacklevel=2)

        def foo(x: Any) -> Any:
            warns("foo")
            return x

        def bar(x: Any) -> Any:
            warns("bar")
            return x

        assert warned(foo, i32(1)) == ["I am warning you from foo"]
        assert warned(bar, i32(1)) == ["I am warning you from bar"]
