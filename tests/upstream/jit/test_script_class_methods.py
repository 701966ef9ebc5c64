"""What methods of classes are called for, under the names of torch's TestClassType."""

# ruff: noqa: B006 (the programs say what they test)

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, compare, f32, i32, refused

X = f32([1, 2])


class Foo:
    def __init__(self, x: Any) -> None:
        self.x = x


class Over:
    """Every operator, of which each shows its name and its operand."""

    __hash__ = None

    def __init__(self, x: Any) -> None:
        self.x = x

    def __add__(self, other: Any) -> Any:
        return self.x + other

    def __sub__(self, other: Any) -> Any:
        return self.x - other

    def __mul__(self, other: Any) -> Any:
        return self.x * other

    def __pow__(self, other: Any) -> Any:
        return self.x**other

    def __truediv__(self, other: Any) -> Any:
        return self.x / other

    def __mod__(self, other: Any) -> Any:
        return self.x % other

    def __and__(self, other: Any) -> Any:
        return self.x & other

    def __or__(self, other: Any) -> Any:
        return self.x | other

    def __xor__(self, other: Any) -> Any:
        return self.x ^ other

    def __eq__(self, other: object) -> Any:
        return self.x == other

    def __ne__(self, other: object) -> Any:
        return self.x != other

    def __lt__(self, other: Any) -> Any:
        return self.x < other

    def __gt__(self, other: Any) -> Any:
        return self.x > other

    def __le__(self, other: Any) -> Any:
        return self.x <= other

    def __ge__(self, other: Any) -> Any:
        return self.x >= other

    def __neg__(self) -> Any:
        return -self.x

    def __getitem__(self, i: Any) -> Any:
        return self.x + i

    def __setitem__(self, i: Any, value: Any) -> None:
        self.x = value * i

    def __call__(self, value: Any) -> Any:
        return self.x * value * 3

    def __len__(self) -> int:
        return 7


def operators(a: Any) -> Any:
    a[1] = 5
    return (
        (a + 3, a - 3, a * 3, a**3, a / 3, a % 3, a & 3, a | 3, a ^ 3),
        (a != 3, a == 3, a < 3, a > 3, a <= 3, a >= 3),
        (-a, a[1], a(2), len(a)),
    )


class TestClassType:
    def test_overloaded_fn(self) -> None:
        agrees(lambda a: operators(Over(a)), (4,), (i32(4),))
        agrees(lambda a: Foo(a) + Foo(a), (4,), (i32(4),))

    def test_cast_overloads(self) -> None:
        class Casts:
            def __init__(self, value: Any) -> None:
                self.value = value

            def __int__(self) -> int:
                return int(self.value)

            def __float__(self) -> float:
                return float(self.value)

            def __bool__(self) -> bool:
                return bool(self.value)

            def __str__(self) -> str:
                return str(self.value)

        def fn(x: Any) -> Any:
            casts = Casts(x)
            if casts:
                pass
            return int(casts), float(casts), bool(casts), str(casts)

        agrees(fn, (0.5,), (0.0,))

    def test_init_compiled_first(self) -> None:
        class Orders:
            def early(self) -> Any:
                return self.x

            def __init__(self, x: Any) -> None:
                self.x = x

        agrees(lambda x: Orders(x).early(), (X,))

    def test_class_constructs_itself(self) -> None:
        class Stack:
            def __init__(self, n: Any) -> None:
                self.state = jnp.zeros(n)
                self.values = [self.state]

            def copy(self) -> Any:
                other = Stack(2)
                other.values = [*self.values, self.state + 1]
                return other

        agrees(lambda n: Stack(n).copy().values, (2,))

    def test_optional_type_promotion(self) -> None:
        class Tree:
            def __init__(self) -> None:
                self.child = None

            def add(self, child: Any) -> None:
                self.child = child

        def fn(x: Any) -> Any:
            tree = Tree()
            if tree.child is None:
                tree.add(Foo(x))
            return tree.child.x

        agrees(fn, (X,))

    def test_recursive_class(self) -> None:
        class Tree:
            def __init__(self, value: Any, parent: Any) -> None:
                self.value = value
                self.parent = parent

            def total(self) -> Any:
                if self.parent is None:
                    return self.value
                return self.value + self.parent.total()

        agrees(lambda x: Tree(x, Tree(x * 2, Tree(1.0, None))).total(), (X,))

    def test_class_constant(self, tmp_path: Path) -> None:
        class Mod:
            def __init__(self, w: Any) -> None:
                self.w = w
                self.array = X

            def forward(self, x: Any) -> Any:
                return x + self.array, self.w

        for i, c in enumerate((None, [5.9, 7.3])):
            scripted = jaxgrad.script(Mod(c))
            assert scripted(X)[1] == scripted.w == c
            scripted.save(tmp_path / str(i), (X,))
            assert jaxgrad.load(tmp_path / str(i))(X)[1] == c

    def test_properties(self) -> None:
        class Has:
            def __init__(self, a: Any) -> None:
                self.a = a

            @property
            def attr(self) -> Any:
                return self.a + 1

            @attr.setter
            def attr(self, value: Any) -> None:
                if value > 0:
                    self.a = value
                else:
                    self.a = 0

        def fn(has: Any, x: Any) -> Any:
            has.attr = x
            return has.attr

        agrees(fn, (Has(1), 3), (Has(1), i32(3)), (Has(1), i32(-3)))

        class ReadOnly:
            @property
            def attr(self) -> Any:
                return 1

        def sets(has: Any) -> None:
            has.attr = 2

        agrees(sets, (ReadOnly(),))

    def test_custom_delete(self) -> None:
        class Deletes:
            def __init__(self) -> None:
                self.data = {"1": 1.0, "2": 2.0}

            def __delitem__(self, key: Any) -> None:
                del self.data[key]

        def fn(x: Any) -> Any:
            deletes = Deletes()
            del deletes["1"]
            return deletes.data, x

        agrees(fn, (i32(1),))

        def none(x: Any) -> None:
            del x["1"]

        agrees(none, (Foo(1),))

    def test_default_args(self) -> None:
        class Defaults:
            def __init__(self, a: Any = 1, b: Any = 2.0) -> None:
                self.a = a
                self.b = b

            def forward(self, x: Any = 3) -> Any:
                return self.a + self.b + x

        def fn(x: Any) -> Any:
            return Defaults(b=x).forward(), Defaults(x).forward(x=1)

        agrees(fn, (4,), (f32(4),))

        def mutable(x: Any, found: Any = []) -> Any:
            found.append(x)
            return found

        refused(mutable, i32(1), at="found", says=("found",))

    def test_recursive_scripting(self) -> None:
        """A class that nobody scripted is compiled where it is used."""

        class Inner:
            def __init__(self, x: Any) -> None:
                self.x = x

            def attr(self) -> Any:
                return self.x if self.x > 0 else -self.x

        def fn(x: Any) -> Any:
            return Inner(x).attr()

        agrees(fn, (i32(3),), (i32(-3),))

    def test_recursive_scripting_failed(self) -> None:
        """What can't be compiled is an error only where it is called."""

        class Inner:
            def __init__(self, x: Any) -> None:
                self.x = x

            def bad(self) -> Any:
                yield self.x

            def good(self) -> Any:
                return self.x

        agrees(lambda x: Inner(x).good(), (X,))

        def fn(x: Any) -> Any:
            return list(Inner(x).bad())

        refused(fn, X, at="yield self.x", says=("yield",))

    def test_class_attribute_wrong_type(self) -> None:
        """An attribute that no program can hold is an error only where it is used."""

        class Has:
            def __init__(self) -> None:
                self.file = open
                self.x = X

            def forward(self, x: Any) -> Any:
                return x + self.x

        compare(jaxgrad.script(Has())(X), X + X)

    def test_unresolved_class_attributes(self) -> None:
        class Has:
            CONSTANT = "value"
            array = X

            def forward(self, x: Any) -> Any:
                return x + self.array, self.CONSTANT

        compare(jaxgrad.script(Has().forward)(X), (X + X, "value"))

        def fn() -> Any:
            return Has.MISSING

        agrees(fn, ())

    def test_unused_method(self) -> None:
        class Has:
            @jaxgrad.unused
            def unscriptable(self) -> Any:
                yield 1

            def forward(self, x: Any) -> Any:
                return x

            def calls(self) -> Any:
                return self.unscriptable()

        compare(jaxgrad.script(Has().forward)(X), X)
        with pytest.raises(NotImplementedError, match="unscriptable"):
            jaxgrad.script(Has().calls)()

    def test_self_referential_method(self) -> None:
        class Meta:
            def __init__(self, a: Any) -> None:
                self.a = a

            def method(self, other: list["Meta"]) -> Any:
                return len(other), other[0].a

        def fn(x: Any) -> Any:
            meta = Meta(x)
            return meta.method([meta, meta])

        agrees(fn, (X,))
