"""Dataclasses, each test under its name in torch."""

import dataclasses
from typing import Any

import pytest

import jaxgrad
from jaxgrad.errors import ScriptError
from tests.upstream.scripted import agrees, bit, compare, f32, i32

X = f32([1, 2])


@dataclasses.dataclass(order=True)
class Point:
    x: Any
    y: Any
    norm: Any = None

    def __post_init__(self) -> None:
        self.norm = (self.x**2 + self.y**2) ** 0.5


@dataclasses.dataclass
class Initial:
    x: Any
    power: dataclasses.InitVar[Any] = 2
    made: Any = None

    def __post_init__(self, power: Any) -> None:
        self.made = self.x**power


class TestDataclasses:
    def test_init_vars(self) -> None:
        def fn(x: Any, p: Any) -> Any:
            return Initial(x, p), Initial(x).made

        agrees(fn, (3.0, 3), (X, 3))

    def test__post_init__(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            return Point(x, y).norm

        agrees(fn, (3.0, 4.0), (f32(3), 4.0))

    def test_comparators(self) -> None:
        def fn(x1: Any, y1: Any, x2: Any, y2: Any) -> Any:
            one, two = Point(x1, y1), Point(x2, y2)
            return one == two, one < two, one <= two, one > two, one >= two

        agrees(fn, (1.0, 2.0, 1.0, 2.0), (1.0, 2.0, 1.0, 3.0))

    def test_default_factories(self) -> None:
        @dataclasses.dataclass
        class Foo:
            x: list[Any] = dataclasses.field(default_factory=list)

        def fn(y: Any) -> Any:
            one, two = Foo(), Foo()
            one.x.append(y)
            return one.x, two.x

        agrees(fn, (1,), (X,))

    def test_custom__eq__(self) -> None:
        @dataclasses.dataclass
        class Custom:
            a: Any
            b: Any

            def __eq__(self, other: object) -> Any:
                return self.a == other.a

        def fn(a: Any, b1: Any, b2: Any) -> Any:
            return Custom(a, b1) == Custom(a, b2)

        agrees(fn, (1, 2, 3), (i32(1), 2, 3))

    def test_no_source(self) -> None:
        """A dataclass whose methods were made by Python has no source of them."""
        made = dataclasses.make_dataclass("Made", ["a", "b"])

        def fn(x: Any) -> Any:
            return made(x, b=1)

        compare(vars(jaxgrad.script(fn)(X)), {"a": X, "b": 1})

    def test_use_unregistered_dataclass_raises(self) -> None:
        """Nothing has to be registered."""

        @dataclasses.dataclass(frozen=True)
        class Frozen:
            a: Any
            b: Any = 2

        def fn(frozen: Any, c: Any) -> Any:
            if c:
                frozen = dataclasses.replace(frozen, a=frozen.a + 1)
            return frozen.a * frozen.b

        agrees(fn, (Frozen(X), True), (Frozen(X), bit(True)), (Frozen(X), bit(False)))

        def stores(frozen: Any) -> None:
            frozen.a = 1

        with pytest.raises((dataclasses.FrozenInstanceError, ScriptError)):
            jaxgrad.script(stores)(Frozen(X))
