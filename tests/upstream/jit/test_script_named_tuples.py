"""Named tuples and enums, each test under its name in torch."""

import enum
import types
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp

import jaxgrad
from tests.upstream.jit.helpers import kinds
from tests.upstream.scripted import agrees, bit, compare, f32, i32, refused


class Features(NamedTuple):
    one: Any
    values: list[Any]
    last: Any


class Forward(NamedTuple):
    a: "int"
    b: "float"
    c: "jnp.ndarray"


def used(x: Any) -> Any:
    f = Features(3.0, [x, 2.0], 3.0)
    s = f.one
    for value in f.values:
        s += value
    s *= f.last
    return s


class TestNamedTuple:
    def test_namedtuple(self) -> None:
        agrees(used, (3.0,), (f32(3),))

    def test_namedtuple_constant(self) -> None:
        def fn() -> Any:
            return Features(1, [], 2)

        agrees(fn, ())

    def test_return_named_tuple(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                return Features(x, [3.0], 3.0)
            return Features(-x, [x], 2.0)

        agrees(fn, (f32(1),), (f32(-1),))

    def test_namedtuple_as_attr(self) -> None:
        class Config(NamedTuple):
            size: int

        class Mod:
            def __init__(self) -> None:
                self.configs = {0: Config(size=16), 1: Config(size=i32(4))}

            def forward(self, x: Any) -> Any:
                for config in self.configs.values():
                    x += config.size
                return x

        assert jaxgrad.script(Mod())(i32(1)) == 21

    def test_namedtuple_resolution(self) -> None:
        class Mod(types.ModuleType):
            def __getattr__(self, name: str) -> Any:
                return Features

        module = Mod("module")

        def fn(x: Any) -> module.Kind:
            return module.Kind(1, [x], 2)

        agrees(fn, (i32(1),))

    def test_namedtuple_slice_unpack(self) -> None:
        def fn(a: Any, b: Any, c: Any) -> Any:
            t = Features(a, b, c)
            one, _, three = t
            return t[:1], one, three, t[-1]

        agrees(fn, (3, 3.5, [6]), (i32(3), [1], f32(2)))

    def test_namedtuple_type_annotation(self) -> None:
        def fn(x: Features) -> Features:
            return x

        agrees(fn, (Features(42, [f32(1)], 2.0),))

    def test_namedtuple_wrong_types(self) -> None:
        """Python checks how many fields there are, and no types."""

        def fn() -> Any:
            return Features("foo", "bar")

        agrees(fn, ())

    def test_namedtuple_kwarg_construct(self) -> None:
        def fn(x: Any) -> Any:
            return Features(last=x, values=[1, 2], one=9)

        agrees(fn, (3.5,), (f32(3.5),))

    def test_namedtuple_serialization(self, tmp_path: Path) -> None:
        def fn(x: Any) -> Any:
            return Features(x, [x + 1, x], x * 2)

        path = tmp_path / "program.zip"
        jaxgrad.script(fn).save(path, (f32(3),))
        compare(tuple(jaxgrad.load(path)(f32(3))), tuple(fn(f32(3))))

    def test_namedtuple_inside_forwardref(self) -> None:
        def fn(x: Any) -> Any:
            f = Forward(2, 0.5, x)
            return (f.c + f.b) ** f.a

        agrees(fn, (f32([1, 2]),))

    def test_namedtuple_input_forwardref(self) -> None:
        def fn(obj: Forward) -> Any:
            return jnp.sin((obj.c + obj.b) ** obj.a)

        agrees(fn, (Forward(4, 2.5, f32([1, 2])),))

    def test_namedtuple_resolution_forwardref(self) -> None:
        class Mod(types.ModuleType):
            def __getattr__(self, name: str) -> Any:
                return Forward

        module = Mod("module")

        def fn(x: Any) -> "module.Kind":
            return module.Kind(1, 2.0, x)

        agrees(fn, (i32(1),))


class Color(enum.Enum):
    RED = 1
    GREEN = 2
    PURPLE = 3


class Other(enum.Enum):
    RED = 1


class Mixed(enum.Enum):
    RED = 1
    GREEN = "green"


class Floats(enum.Enum):
    FOO = 1.2


class Texts(enum.Enum):
    FOO = "foo as in foo bar"


class TestEnum:
    def test_enum_value_types(self) -> None:
        class Arrays(enum.Enum):
            FOO = (1, 2)

        def fn(a: Any, b: Any, c: Any, x: Any) -> Any:
            return a.name, b.name, c.value, x * b.value

        agrees(fn, (Color.RED, Floats.FOO, Texts.FOO, f32(1)))
        agrees(fn, (Mixed.GREEN, Floats.FOO, Arrays.FOO, f32(1)))

    def test_enum_comp(self) -> None:
        def fn(x: Color, y: Color) -> Any:
            return x == y, x is y, x != y

        agrees(fn, (Color.RED, Color.RED), (Color.RED, Color.GREEN))

    def test_enum_comp_diff_classes(self) -> None:
        def fn(x: Color) -> Any:
            return x == Other.RED

        agrees(fn, (Color.RED,))

    def test_heterogenous_value_type_enum_error(self) -> None:
        """torch refuses values of several types; Python does not."""

        def fn(x: Mixed) -> Any:
            return x.value

        agrees(fn, (Mixed.RED,), (Mixed.GREEN,))

    def test_enum_name(self) -> None:
        def fn(x: Color) -> str:
            return x.name

        agrees(fn, (Color.RED,), (Color.GREEN,))

    def test_enum_value(self) -> None:
        def fn(x: Color, y: Any) -> Any:
            return x.value * y

        agrees(fn, (Color.RED, 2), (Color.GREEN, i32(2)))

    def test_enum_as_const(self) -> None:
        def fn(x: Color, y: Any) -> Any:
            if x == Color.RED:
                return y
            return -y

        scripted = agrees(fn, (Color.RED, i32(1)), (Color.GREEN, i32(1)))
        assert "prim::If" in kinds(scripted.graph)

    def test_non_existent_enum_value(self) -> None:
        def fn(x: Color) -> Any:
            return x == Color.PINK

        agrees(fn, (Color.RED,))

    def test_enum_ivalue_type(self) -> None:
        def fn(x: Any) -> Any:
            return isinstance(x, Color)

        agrees(fn, (Color.RED,), (1,), (i32(1),))

    def test_closed_over_enum_constant(self) -> None:
        kind, member = Color, Color.RED

        def fn(x: Any) -> Any:
            return kind.GREEN.value * x + member.value

        agrees(fn, (1,), (i32(1),))

    def test_enum_as_module_attribute(self) -> None:
        class Mod:
            def __init__(self, e: Color) -> None:
                self.e = e
                self.w = f32(2)

            def forward(self) -> Any:
                return self.e.value * self.w

        assert jaxgrad.script(Mod(Color.RED))() == 2
        assert jaxgrad.script(Mod(Color.PURPLE))() == 6

    def test_enum_return(self) -> None:
        def fn(c: Any) -> Any:
            if c:
                return Color.RED
            else:
                return Color.GREEN

        agrees(fn, (True,), (False,))
        # An array says which of two programs ran; no array can say which member.
        refused(fn, bit(True), at="return Color.RED", says=("RED", "GREEN"))

    def test_enum_module_return(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.e = Color.RED

            def forward(self) -> Any:
                return self.e

        assert jaxgrad.script(Mod())() is Color.RED

    def test_enum_iterate(self) -> None:
        def fn(x: Color) -> Any:
            found = []
            for e in Color:
                if e != x:
                    found.append(e.value)
            return found

        agrees(fn, (Color.RED,), (Color.GREEN,))
