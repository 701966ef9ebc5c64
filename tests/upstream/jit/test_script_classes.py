"""Classes, each test under its name in torch's TestClassType."""

from pathlib import Path
from typing import Any

import jaxgrad
from tests.upstream.scripted import agrees, bit, compare, f32, i32, refused

X = f32([1, 2])


class Foo:
    def __init__(self, x: Any) -> None:
        self.x = x

    def get(self) -> Any:
        return self.x

    def add(self, y: Any) -> None:
        self.x = self.x + y

    def clone(self) -> Any:
        return Foo(self.x)


class Pair:
    def __init__(self, x: Any, y: Any) -> None:
        self.x = x
        self.y = y


class TestClassType:
    def test_get_with_method(self) -> None:
        def fn(x: Any) -> Any:
            return Foo(x).get()

        agrees(fn, (X,), (3,))

    def test_get_attr(self) -> None:
        def fn(x: Any) -> Any:
            return Foo(x).x

        agrees(fn, (X,))

    def test_in(self) -> None:
        class Has:
            def __contains__(self, key: Any) -> Any:
                return key == "hi"

        def fn() -> Any:
            has = Has()
            return "hi" in has, "no" in has

        agrees(fn, ())

    def test_set_attr_in_method(self) -> None:
        def fn(x: Any) -> Any:
            foo = Foo(x)
            foo.add(2)
            return foo.x

        agrees(fn, (1,), (X,))

    def test_staticmethod(self) -> None:
        class Has:
            @staticmethod
            def identity(x: Any) -> Any:
                return x if x > 0 else -x

        def fn(x: Any) -> Any:
            return Has.identity(x), Has().identity(x + 1)

        agrees(fn, (1,), (i32(-3),))

    def test_classmethod(self) -> None:
        class Has:
            @classmethod
            def named(cls, x: Any) -> Any:
                return cls.__name__, x + 1

        def fn(x: Any) -> Any:
            return Has.named(x), Has().named(x)

        agrees(fn, (i32(1),))

    def test_set_attr_type_mismatch(self) -> None:
        """An attribute may change its type, but not in one traced branch alone."""

        class Changes:
            def __init__(self, x: Any) -> None:
                self.foo = x
                self.foo = "text"

        def fn(x: Any) -> Any:
            return Changes(x).foo

        def branch(x: Any, c: Any) -> Any:
            foo = Foo(x)
            if c:
                foo.x = f32([1, 2, 3])
            return foo.x

        agrees(fn, (X,))
        refused(branch, X, bit(True), at="if c:", says=("x", "f32[2]", "f32[3]"))

    def test_get_attr_not_initialized(self) -> None:
        def fn(x: Any) -> Any:
            return Foo(x).missing

        agrees(fn, (X,))

    def test_set_attr_non_initialized(self) -> None:
        """torch refuses it; Python makes the attribute."""

        def fn(x: Any) -> Any:
            foo = Foo(x)
            foo.bar = x + 1
            return foo.bar

        agrees(fn, (X,))

    def test_type_annotations(self) -> None:
        class Says:
            def __init__(self, x: bool) -> None:
                self.x = x

        def fn(x: Any) -> Any:
            return Says(x).x

        agrees(fn, (2,), (i32(2),))

    def test_conditional_set_attr(self) -> None:
        class Sets:
            def __init__(self, x: Any, c: Any) -> None:
                if c:
                    self.attr = x
                else:
                    self.attr = -x

        def fn(x: Any, c: Any) -> Any:
            return Sets(x, c).attr

        agrees(fn, (X, True), (X, bit(True)), (X, bit(False)))

    def test_class_type_as_param(self) -> None:
        def reads(foo: Foo) -> Any:
            return foo.x

        def fn(x: Any) -> Any:
            return reads(Foo(x))

        agrees(fn, (X,))

    def test_out_of_order_methods(self) -> None:
        class Orders:
            def __init__(self, x: Any) -> None:
                self.x = x
                self.x = self.later(x)

            def later(self, y: Any) -> Any:
                return self.x + y

        def fn(x: Any) -> Any:
            return Orders(x).x

        agrees(fn, (X,))

    def test_save_load_with_classes(self, tmp_path: Path) -> None:
        def fn(a: Any) -> Any:
            return Foo(a).get()

        saved(fn, tmp_path)

    def test_save_load_with_classes_returned(self, tmp_path: Path) -> None:
        def fn(a: Any) -> Any:
            foo = Foo(a).clone()
            foo.add(a)
            return foo.x

        saved(fn, tmp_path)

    def test_save_load_with_classes_nested(self, tmp_path: Path) -> None:
        def fn(a: Any) -> Any:
            nested = Foo(Pair(Foo(a), a * 2))
            return nested.x.x.x + nested.x.y

        saved(fn, tmp_path)

    def test_python_interop(self) -> None:
        def same(foo: Any) -> Any:
            return foo

        def changes(foo: Any) -> None:
            foo.x = foo.x + foo.y

        pair = Pair(X, f32([0, 1]))
        compare(jaxgrad.script(same)(pair), pair)
        assert jaxgrad.script(changes)(pair) is None
        compare(pair.x, f32([1, 3]))

    def test_class_specialization(self) -> None:
        def fn(foo: Any, foo2: Any, pair: Any) -> Any:
            a, b = pair
            return foo.x + foo2.y + a.x + b.y

        one, two, three = Pair(X, X), Pair(X * 2, X * 3), Pair(X * 4, X * 5)
        agrees(fn, (one, two, (one, three)), (one, one, (one, one)))

    def test_class_sorting(self) -> None:
        class Sorts(Foo):
            def __lt__(self, other: Any) -> Any:
                return self.x < other.x

        def fn(values: Any, reverse: Any) -> Any:
            before = [v.get() for v in sorted(values)]
            values.sort(reverse=reverse)
            return before, [v.get() for v in values]

        agrees(fn, ([Sorts(2), Sorts(1), Sorts(3)], True), ([], False))

    def test_class_inheritance(self) -> None:
        """torch refuses it; methods are found as Python finds them."""

        class Base:
            def __init__(self) -> None:
                self.b = 2

            def two(self, x: Any) -> Any:
                return x + self.b

        class Derived(Base):
            def two(self, x: Any) -> Any:
                if x > 0:
                    x = -x
                return super().two(x) * 10 + self.b

        def fn(x: Any) -> Any:
            return Derived().two(x)

        agrees(fn, (1,), (i32(1),), (i32(-3),))

    def test_imported_classes(self, tmp_path: Path) -> None:
        class Nested:
            class Foo:
                def __init__(self, y: Any) -> None:
                    self.y = y * 2

        def fn(a: Any) -> Any:
            return Foo(a).x + Nested.Foo(a).y

        saved(fn, tmp_path)

    def test_interface(self) -> None:
        class One:
            def go(self, x: Any) -> Any:
                return 2 * x

        class Two:
            def go(self, x: Any) -> Any:
                return 2 / x

        def fn(x: Any) -> Any:
            for one in [One(), Two()]:
                x = one.go(x)
            return x

        def missing(x: Any) -> Any:
            return Foo(x).go(x)

        agrees(fn, (f32(3),))
        agrees(missing, (f32(3),))


def saved(fn: Any, tmp_path: Path) -> None:
    """Assert that a file of a function gives what the function gives."""
    jaxgrad.script(fn).save(tmp_path / "program.zip", (X,))
    compare(jaxgrad.load(tmp_path / "program.zip")(X), fn(X))
