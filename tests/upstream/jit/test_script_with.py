"""with statements, each test under its name in torch."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.errors import ScriptError
from tests.upstream.scripted import agrees, compare, f32, i32, refused

X = f32([1, 2])


class Manager:
    """Counts by 0.25 while it is entered."""

    def __init__(self, start: Any) -> None:
        self.count = jnp.float32(start)

    def __enter__(self) -> Any:
        self.count = self.count + 0.25
        return self.count

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self.count = self.count - 0.25


def in_loop(x: Any, c: Any, values: Any) -> Any:
    with c as mult:
        for a in values:
            if a == 0:
                break
            if a == 1:
                continue
            x = x + a * mult
    return x, c.count


class TestWith:
    def test_with_as(self) -> None:
        def basic(x: Any) -> Any:
            c = Manager(1)
            with c as mult:
                y = x + mult
            return y * c.count

        def empty(x: Any) -> Any:
            c = Manager(1)
            with c as mult:
                pass
            return x * c.count + mult

        def early(x: Any, c: Any) -> Any:
            with c as mult:
                y = x + mult
                return y
            return y + y

        def nested(x: Any) -> Any:
            c = Manager(1)
            with c as m:
                with c as n:
                    y = x + n
                y = y * m
            return y, c.count

        def combined(x: Any) -> Any:
            with Manager(1) as m, Manager(2) as n:
                return x + (m + n)

        for fn in (basic, empty, nested, combined):
            agrees(fn, (X,))
        agrees(early, (X, Manager(2)))
        agrees(in_loop, (X, Manager(2), [2, 3, 1, 0, 5]))
        agrees(in_loop, (X, Manager(2), i32([2, 3, 1, 0, 5])))

    def test_with_no_as(self) -> None:
        def serial(x: Any) -> Any:
            c = Manager(1)
            with c:
                y = x + c.count
            with c:
                y = y * c.count
            return y, c.count

        def nested(x: Any, c: Any) -> Any:
            with c:
                with c:
                    if x[0] > 0:
                        x = x + c.count
                x = x * c.count
            return x

        agrees(serial, (X,))
        agrees(nested, (X, Manager(1)), (-X, Manager(1)))

    def test_with_exceptions(self) -> None:
        def fn(x: Any, c: Any) -> Any:
            with c as mult:
                if x[0] > 0:
                    raise ValueError("within")
                x = x + mult
            return x

        scripted = jaxgrad.script(fn)
        compare(scripted(-X, Manager(1)), -X + 1.25)
        with pytest.raises(ValueError, match="within"):
            scripted(X, Manager(1))

    def test_with_errors(self) -> None:
        class NoMethods:
            pass

        class BadEnter(Manager):
            def __enter__(self, more: Any) -> Any:
                return more

        def fn(x: Any, c: Any) -> Any:
            with c as _:
                pass
            return x

        for bad in (NoMethods(), BadEnter(1)):
            with pytest.raises((TypeError, AttributeError, ScriptError)):
                jaxgrad.script(fn)(X, bad)

    def test_with_no_grad(self) -> None:
        """Arrays have no flag; `jax.lax.stop_gradient` says it of a value."""

        def fn(x: Any, y: Any) -> Any:
            with jax.named_scope("no_grad"):
                w = jax.lax.stop_gradient(x * y)
            return (w + x).sum()

        compare(jax.grad(jaxgrad.script(fn))(X, X), f32([1, 1]))

    def test_with_record_function(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            with jax.named_scope("my_scope"):
                return jnp.sin(x) + y

        scripted = agrees(fn, (X, X))
        text = jax.jit(scripted).lower(X, X).as_text(debug_info=True)
        assert "my_scope" in text


class TestIgnoreContextManager:
    """torch runs such a block in Python; here is `ignore` for a function."""

    def test_with_ignore_context_manager_with_just_inp(self) -> None:
        seen = []

        @jaxgrad.ignore
        def outside(a: Any, b: Any) -> None:
            seen.append([int(a) + i for i in range(int(b)) if i > 2])

        def fn(a: Any, b: Any) -> Any:
            outside(a, b)
            return a

        assert jaxgrad.script(fn)(i32(4), 5) == 4
        jax.effects_barrier()
        assert seen == [[7, 8]]
        refused(lambda x: missing(x), X, at="missing(x)")  # noqa: F821
