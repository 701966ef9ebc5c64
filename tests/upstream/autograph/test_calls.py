"""Calls and expressions, each test under its name in AutoGraph's reference tests."""

# ruff: noqa: C408, E731, UP028 (the programs say what they test)

import collections
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, by_numpy, f32, i32, refused


class TestBasicList:
    def test_tensor_mutation(self) -> None:
        def fn(t: Any, n: Any) -> Any:
            for i in range(n):
                t[i] = i
            return t

        agrees(fn, ([0] * 3, 3))
        scripted = jaxgrad.script(fn)
        assert scripted(jnp.zeros(5), 5).tolist() == [0, 1, 2, 3, 4]
        assert scripted(jnp.zeros(5), i32(3)).tolist() == [0, 1, 2, 0, 0]

    def test_basic(self) -> None:
        def access(x: Any) -> Any:
            values = []
            values.append(1)
            values.append(x)
            values[0] = 5
            return 2 * values[1], values

        def fill(n: Any) -> Any:
            values = []
            for i in range(n):
                values.append(i)
            return jnp.stack([jnp.asarray(x) for x in values])

        def read_write(n: Any, x: Any) -> Any:
            values = [x, 1]
            for i in range(2, n):
                values.append(values[i - 1] + values[i - 2])
                values[i - 2] = -values[i - 2]
            return values

        def empty(n: Any, x: Any) -> Any:
            values = [1, 2, x]
            s = 0
            for _ in range(n):
                s += values.pop()
            return values, s

        agrees(access, (2,), (i32(2),))
        agrees(fill, (3,))
        assert jaxgrad.script(fill)(12).tolist() == list(range(12))
        agrees(read_write, (4, 1), (4, i32(1)))
        agrees(empty, (2, 3), (0, i32(3)), (3, i32(3)))


class TestExtSlice:
    def test_basic_ext_slice(self) -> None:
        def fn(n: Any) -> Any:
            return n[:, :], n[0, :], n[:, 0], n[..., -1], n[::-1, 1:]

        agrees(fn, (jnp.eye(3),), want=by_numpy(fn))

    def test_basic_expand_dims(self) -> None:
        def fn(n: Any) -> Any:
            return n[:, None] - n[jnp.newaxis, :]

        agrees(fn, (jnp.eye(3),))

    def test_slice_of_application(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            return n(x)[:, None] - n(x)[None, :]

        agrees(fn, (lambda x: x, jnp.eye(3)))


class TestGenerator:
    def test_basic_generator(self) -> None:
        def fn() -> Any:
            yield 1

        refused(fn, at="yield 1", says=("yield",))

    def test_generator_in_for(self) -> None:
        def fn(n: Any) -> Any:
            for i in range(n):
                yield i

        refused(fn, 3, at="yield i", says=("yield",))

    def test_generator_in_while(self) -> None:
        def fn(n: Any) -> Any:
            i = 0
            while i < n:
                i += 1
                yield i

        refused(fn, i32(3), at="yield i", says=("yield",))


def called(x: Any) -> Any:
    return dict(foo=x)


def called_by_alias(x: Any) -> Any:
    def fake(x: Any) -> Any:
        return x

    len = fake
    return len(x)


def called_dynamically(x: Any) -> Any:
    def gives() -> Any:
        return len

    measure = gives()
    return measure(x), list(range(len(x)))


class TestCallToBuiltinFunction:
    def test_basic(self) -> None:
        agrees(called, (1,))
        agrees(called_by_alias, ([1, 2],))
        agrees(called_dynamically, ([1, 2],), ([],))

    def test_basic_tensor(self) -> None:
        agrees(called, (i32(1),))
        agrees(called_by_alias, (i32([1, 2]),))
        agrees(called_dynamically, (i32([1, 2]),), (i32([]),))

        def cast(x: Any) -> Any:
            return float(int(x))

        agrees(cast, (2.5,), (f32(2.5),))


class TestCallToLambdaFunction:
    def test_inline(self) -> None:
        def fn(x: Any) -> Any:
            f = lambda x: x * x if x > 0 else -x
            return f(x)

        agrees(fn, (1,), (i32(3),), (i32(-3),))

    def test_external(self) -> None:
        def fn(x: Any, f: Any) -> Any:
            return f(x)

        agrees(fn, (1, lambda x: x == 0), (i32(1), lambda x: 7 if x > 0 else 8))


Pair = collections.namedtuple("Pair", ("a", "b"))


class Longer(collections.namedtuple("Longer", ("a",))):
    __slots__ = ()

    def foo(self) -> Any:
        return self.a + 1 if self.a > 0 else self.a - 1


class TestCallToNamedTuple:
    def test_inline(self) -> None:
        def fn(x: Any) -> Any:
            made = collections.namedtuple("made", ("a", "b"))
            n = made(a=1, b=x)
            return n.a, n.b, n[1], len(n)

        agrees(fn, (1,), (i32(1),))

    def test_external(self) -> None:
        def fn(x: Any, kind: Any) -> Any:
            return kind(a=1, b=x)

        agrees(fn, (1, Pair), (i32(1), Pair))

    def test_subclass(self) -> None:
        def fn(x: Any) -> Any:
            return Longer(x).foo()

        agrees(fn, (1,), (i32(1),), (i32(-1),))


def prints(fn: Any, out: pytest.CaptureFixture[str], *args: Any) -> list[str]:
    jaxgrad.script(fn)(*args)
    jax.effects_barrier()
    return out.readouterr().out.splitlines()


class TestCallToPrintFunction:
    def test_lone_print(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(x: Any) -> None:
            print(x)

        assert prints(fn, capfd, 1) == ["1"]
        assert prints(fn, capfd, i32([1, 2, 3])) == ["[1 2 3]"]

    def test_print_multiple_values(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(x: Any) -> None:
            print("x is", x)

        assert prints(fn, capfd, 1) == ["x is 1"]
        assert prints(fn, capfd, i32(5)) == ["x is 5"]

    def test_multiple_prints(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(x: Any, y: Any) -> None:
            print("x is", x)
            print("y is", y)

        # Static parts are printed while it is compiled, traced ones when it runs.
        assert prints(fn, capfd, i32(1), i32(2)) == ["x is 1", "y is 2"]
        assert sorted(prints(fn, capfd, i32(1), 4)) == ["x is 1", "y is 4"]

    def test_print_with_nontf_values(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(x: Any) -> None:
            print("x is", x, {"foo": "bar"})

        assert prints(fn, capfd, i32(1)) == ["x is 1 {'foo': 'bar'}"]

    def test_print_in_cond(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(x: Any) -> None:
            if x == 0:
                print("zero", x)

        assert prints(fn, capfd, i32(0)) == ["zero 0"]
        assert prints(fn, capfd, i32(1)) == []

    def test_tf_print(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(x: Any) -> Any:
            jax.debug.print("{} there", x)
            return x

        assert prints(fn, capfd, i32(3)) == ["3 there"]


def one(x: Any) -> Any:
    return x * x * x


def two(x: Any) -> Any:
    return -1 * x + 11


def factory(n: Any) -> Any:
    if n == 1:
        return one
    return two


def static(x: Any) -> Any:
    return one(x) + two(x)


def from_factory(x: Any) -> Any:
    f = factory(1)
    a = f(x)
    f = factory(2)
    return a + f(x)


def parameter(f: Any, x: Any) -> Any:
    return f(x) + f(x=x)


def variable(x: Any) -> Any:
    f = one
    a = f(x)
    f = jnp.negative
    return a + f(x)


class TestCallToUserFunction:
    def test_basic(self) -> None:
        for fn in (static, from_factory):
            agrees(fn, (1,), (3,))
        agrees(parameter, (one, 2))
        agrees(variable, (2,))

    def test_basic_tensor(self) -> None:
        for fn in (static, from_factory, variable):
            agrees(fn, (i32(3),))
        agrees(parameter, (one, i32(2)), (two, i32(2)))
