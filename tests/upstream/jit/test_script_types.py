"""isinstance, unions and dataclasses, each test under its name in torch."""

# ruff: noqa: SIM108, UP006, UP007, UP035, UP045
# (the programs say what they test)

import enum
from typing import Any, Dict, List, Optional, Tuple, Union

import jax
import jax.numpy as jnp

from tests.upstream.jit.script_modules import works
from tests.upstream.scripted import agrees, bit, f32, i32, refused

X = f32([1, 2])


def kind_of(x: Any) -> Any:
    if isinstance(x, bool):
        return "bool"
    if isinstance(x, int):
        return "int"
    if isinstance(x, float):
        return "float"
    if isinstance(x, (list, tuple)):
        return type(x).__name__, [kind_of(y) for y in x]
    if isinstance(x, dict):
        return {k: kind_of(v) for k, v in x.items()}
    if isinstance(x, jax.Array):
        return "array", x + 1
    return None if x is None else "other"


class TestIsinstance:
    """A type is known while a program is compiled, so that a branch is taken."""

    def test_int(self) -> None:
        agrees(kind_of, (1,))

    def test_float(self) -> None:
        agrees(kind_of, (1.0,))

    def test_bool(self) -> None:
        agrees(kind_of, (False,))

    def test_list(self) -> None:
        agrees(kind_of, (["1", 2, 3.0],))

    def test_list_tensor(self) -> None:
        agrees(kind_of, ([X, X * 2],))

    def test_dict(self) -> None:
        agrees(kind_of, ({"a": 1, "b": 2.0},))

    def test_dict_tensor(self) -> None:
        agrees(kind_of, ({2: X},))

    def test_tuple(self) -> None:
        agrees(kind_of, (("a", 1, "b"),))

    def test_optional(self) -> None:
        def fn(x: Any) -> Any:
            return isinstance(x, jax.Array | None), isinstance(x, (str, type(None)))

        agrees(fn, (X,), (None,), ("a",))

    def test_optional_none(self) -> None:
        agrees(kind_of, (None,))

    def test_list_nested(self) -> None:
        agrees(kind_of, ([{"a": 1}, {"b": X}],))

    def test_dict_nested(self) -> None:
        agrees(kind_of, ({"a": ("aa", 1), "b": (X,)},))

    def test_tuple_nested(self) -> None:
        agrees(kind_of, (({"a": ("aa",)}, [True, X], None),))

    def test_optional_nested(self) -> None:
        def fn(x: Any) -> Any:
            return x is None or (isinstance(x, list) and isinstance(x[0], str))

        agrees(fn, (["a"],), (None,), ([1],))

    def test_list_tensor_type_true(self) -> None:
        agrees(kind_of, ([jnp.ones((2, 2)), i32(1)],))

    def test_tensor_type_false(self) -> None:
        def fn(x: Any) -> Any:
            return all(isinstance(y, jax.Array) for y in x)

        agrees(fn, ([1, 2],), ([X, X],), ([X, 1],))

    def test_in_if(self) -> None:
        def fn(x: Any) -> Any:
            if isinstance(x, list):
                x = x[0]
            if isinstance(x, str):
                assert not isinstance(x, str)
            return x

        agrees(fn, ([1],), (X,))

    def test_if_else(self) -> None:
        def fn(x: Any) -> Any:
            if isinstance(x, tuple):
                y = x[0]
            else:
                y = x
            return y + 1

        agrees(fn, ((X,),), (X,))

    def test_in_while_loop(self) -> None:
        def fn(x: Any) -> Any:
            count = 0
            while isinstance(x, list) and count <= 0:
                count = count + 1
            return count

        agrees(fn, ([1],), (X,))

    def test_type_refinement(self) -> None:
        def fn(x: Any) -> Any:
            if isinstance(x, list):
                return sum(y.sum() for y in x)
            if isinstance(x, dict):
                s = ""
                for value in x.values():
                    s = s + value
                return s

        agrees(fn, ([X, X],), ({"1": "111", "2": "222"},))

    def test_list_no_contained_type(self) -> None:
        def fn(x: Any) -> Any:
            return isinstance(x, List), isinstance(x, Dict), isinstance(x, Tuple)

        agrees(fn, (["1"],), ({},))

    def test_optional_no_contained_type(self) -> None:
        def fn(x: Any) -> Any:
            return isinstance(x, List[int])

        agrees(fn, ([1],))


class Color(enum.Enum):
    RED = 1


class TestUnion:
    """Annotations decide nothing: values have the types that they have."""

    def test_union_with_scalar_values(self) -> None:
        def fn(x: Union[int, float]) -> Any:
            return x

        agrees(fn, (1,), (1.0,), ("1",), (f32(1),))

    def test_union_with_collections(self) -> None:
        def fn(x: Union[Dict[str, int], List[int]]) -> Any:
            return x

        agrees(fn, ({"foo": 1},), ([1, X],))

    def test_union_with_enum(self) -> None:
        def fn(x: Union[str, Color]) -> Any:
            return x if isinstance(x, str) else x.name

        agrees(fn, (Color.RED,), ("red",))

    def test_union_in_class_constructor(self) -> None:
        class A:
            def __init__(self, x: Union[int, str]) -> None:
                self.x = x

        def fn(x: Union[str, int]) -> Any:
            return A(x).x

        agrees(fn, ("foo",), (1,), (X,))

    def test_union_return_type(self) -> None:
        def fn(x: int) -> Union[int, str]:
            return "foo" if x > 1 else x

        agrees(fn, (1,), (2,))
        refused(fn, i32(1), at="return", says=("str",))

    def test_union_as_annotation(self) -> None:
        def fn(c: Any) -> Any:
            x: Union[int, str] = "foo"
            if c:
                x = 1
            return x

        agrees(fn, (True,), (False,))

    def test_union_as_annotation_in_typed_container(self) -> None:
        def fn(y: Any) -> Any:
            values: List[Union[int, str]] = []
            values.append("foo")
            values.append(y)
            return values

        agrees(fn, (1,), (X,))

    def test_union_as_internal_tuple_type(self) -> None:
        def fn(y: Any) -> Any:
            t: Tuple[Union[int, str], Union[int, str]] = (y, "foo")
            return t

        agrees(fn, (X,))

    def test_union_variable_can_be_reassigned(self) -> None:
        def fn(y: Any) -> Any:
            x: Union[int, str] = "foo"
            x = y
            x = "bar"
            return x

        agrees(fn, (X,))

    def test_union_does_not_replace_existing_annotated_type(self) -> None:
        def fn(y: Any) -> Any:
            x: List[int] = [1, 2]
            x.append("foo")
            return x, y

        agrees(fn, (X,))

    def test_union_T_None_is_equivalent_to_optional_T(self) -> None:
        def inner(x: Union[jax.Array, None]) -> Any:
            if x is not None:
                return x
            return 5

        def fn(y: Any) -> Any:
            a: Optional[int] = None
            return inner(y), inner(a)

        agrees(fn, (X,))

    def test_optional_of_union_is_flattened(self) -> None:
        def fn(flag: bool, y: Any) -> Any:
            if flag:
                x: Optional[Union[int, str]] = y
            else:
                x: Optional[Union[int, str]] = None
            return x

        agrees(fn, (True, X), (False, X))
        refused(
            fn, bit(True), X, at="x: Optional[Union[int, str]]", says=("'x'", "None")
        )

    def test_union_subclasses_larger_union(self) -> None:
        def fn() -> Union[int, str, jax.Array]:
            x: Union[int, str] = "foo"
            return x

        agrees(fn, ())

    def test_union_as_dict_key(self) -> None:
        def fn(y: Any) -> Any:
            x: Dict[Union[int, str], str] = {}
            x["foo"] = "bar"
            x[1] = y
            return x

        agrees(fn, (X,))

    def test_union_as_dict_value(self) -> None:
        def fn(y: Any) -> Any:
            x: Dict[str, Union[int, str]] = {}
            x["foo"] = "bar"
            x["baz"] = y
            return x

        agrees(fn, (2,), (X,))

    def test_union_module_with_union_instance_variable(self) -> None:
        class Mod:
            x: Union[int, str]

            def __init__(self, x: Any) -> None:
                self.x: Union[int, str] = x

            def forward(self, y: Union[int, str]) -> Any:
                self.x = y
                return self.x

        works(Mod(2), 1)
        works(Mod("bar"), X)

    def test_union_module_with_union_class_variable(self) -> None:
        class Mod:
            x: Union[int, str] = "foo"

            def forward(self, z: Any) -> Any:
                x = z
                return x, self.x

        works(Mod(), X)
