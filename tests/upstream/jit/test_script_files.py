"""Files, each test under its name in torch's TestSaveLoad."""

from pathlib import Path
from typing import Any, NamedTuple

import jaxgrad
from tests.upstream.jit.script_modules import Linear, works
from tests.upstream.scripted import compare, f32

X = f32([1, 2])


class Both:
    """Two loaded programs, one behind the other."""

    def __init__(self, one: Any, two: Any) -> None:
        self.one = one
        self.two = two

    def forward(self, x: Any) -> Any:
        return self.two(self.one(x))


def reloaded(fn: Any, path: Path) -> Any:
    jaxgrad.script(fn).save(path, (X,))
    return jaxgrad.load(path)


class TestSaveLoad:
    """What is loaded shares no names with the program that loads it."""

    def test_different_modules(self, tmp_path: Path) -> None:
        def first() -> Any:
            class Foo(Linear):
                pass

            return Foo(2.0)

        def second() -> Any:
            class Foo(Linear):
                def forward(self, x: Any) -> Any:
                    return x - self.weight[0]

            return Foo(3.0)

        one = reloaded(first(), tmp_path / "one.zip")
        two = reloaded(second(), tmp_path / "two.zip")
        compare(one(X), first()(X))
        compare(two(X), second()(X))
        works(Both(one, two), X)

    def test_different_functions(self, tmp_path: Path) -> None:
        def first() -> Any:
            def inner(x: Any) -> Any:
                return x * 2

            return lambda x: inner(x)

        def second() -> Any:
            def inner(x: Any) -> Any:
                return -x if x[0] > 0 else x

            return lambda x: inner(x)

        one = reloaded(first(), tmp_path / "one.zip")
        two = reloaded(second(), tmp_path / "two.zip")
        scripted = works(Both(one, two), X)
        compare(scripted(-X), -X * 2)

    def test_many_collisions(self, tmp_path: Path) -> None:
        def first() -> Any:
            class Made(NamedTuple):
                a: Any

            class Foo:
                def __init__(self) -> None:
                    self.w = X

                def forward(self, x: Any) -> Any:
                    return x + Made(self.w).a

            return Foo()

        def second() -> Any:
            class Made(NamedTuple):
                a: Any

            class Foo:
                def __init__(self) -> None:
                    self.w = X * 5

                def forward(self, x: Any) -> Any:
                    return x * Made(self.w).a

            return Foo()

        one = reloaded(first(), tmp_path / "one.zip")
        two = reloaded(second(), tmp_path / "two.zip")
        scripted = works(Both(one, two), X)
        scripted.save(tmp_path / "both.zip", (X,))
        compare(jaxgrad.load(tmp_path / "both.zip")(X), (X + X) * X * 5)
