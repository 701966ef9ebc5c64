"""Attributes, properties and hashes, each test under its name in torch."""

# ruff: noqa: UP006, UP035, UP045 (the programs say what they test)

import copy
from typing import Any, Dict, List, NamedTuple, Optional

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from tests.upstream.jit.helpers import kinds
from tests.upstream.jit.script_modules import Calls, Linear, works
from tests.upstream.scripted import agrees, compare, f32, i32, refused

X = f32([1, 2])


class TestScriptModuleInstanceAttributeTypeAnnotation:
    """Annotations of attributes are documentation; attributes may be set anew."""

    @staticmethod
    def sets(before: Any, after: Any, annotated: Any = None) -> None:
        class Mod:
            def __init__(self) -> None:
                self.x = before

            def forward(self, x: Any) -> Any:
                self.x = x
                return 1, self.x

        if annotated is not None:
            Mod.__annotations__ = {"x": annotated}
        scripted = works(Mod(), after)
        compare(scripted.x, after)

    def test_annotated_falsy_base_type(self) -> None:
        self.sets(0, 1, int)

    def test_annotated_nonempty_container(self) -> None:
        self.sets([1, 2, 3], [3, 2, 1], List[int])

    def test_annotated_empty_tensor(self) -> None:
        self.sets(jnp.zeros(0), X, jax.Array)

    def test_annotated_class_level_annotation_only(self) -> None:
        self.sets([], [1, 2, 3], List[int])

    def test_annotated_class_level_annotation_and_init_annotation(self) -> None:
        class Mod:
            x: List[int]

            def __init__(self) -> None:
                self.x: List[int] = []

            def forward(self, y: List[int]) -> Any:
                self.x = y
                return self.x

        works(Mod(), [1, 2, 3])

    def test_annotated_empty_list(self) -> None:
        self.sets([], [X, 1])

    def test_annotated_empty_list_lowercase(self) -> None:
        self.sets([], [X, 1], list[int])

    def test_annotated_empty_dict(self) -> None:
        self.sets({}, {"a": 1}, Dict[str, int])

    def test_annotated_empty_dict_lowercase(self) -> None:
        self.sets({}, {"a": X}, dict[str, int])

    def test_annotated_empty_optional(self) -> None:
        self.sets(None, "text", Optional[str])


class TestProperty:
    def test_basic(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.x = 0

            @property
            def more(self) -> Any:
                return self.x + 1

            def forward(self, x: Any) -> Any:
                self.x = x
                return self.more

        works(Mod(), 5)
        works(Mod(), X)

    def test_property_as_tuple(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.x = X

            @property
            def both(self) -> Any:
                return self.x, self.x * 2

            def forward(self, x: Any) -> Any:
                one, two = self.both
                return one + two + x

        works(Mod(), X)

    def test_tensor_method(self) -> None:
        class Mod:
            x = X

            @property
            def prop(self) -> Any:
                return self.x

            def forward(self) -> Any:
                return self.prop.sum(), self.prop.astype(jnp.int32)

        works(Mod())

    def test_tensor_slice(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.x = X

            @property
            def prop(self) -> Any:
                return self.x

            def forward(self) -> Any:
                return self.prop[:1]

        works(Mod())

    def test_list_len(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.x = [1, 2, 3]

            @property
            def prop(self) -> Any:
                return self.x

            def forward(self) -> Any:
                return len(self.prop)

        works(Mod())

    def test_list_comprehension(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.x = [1, X, 3]

            @property
            def prop(self) -> Any:
                return self.x

            def forward(self) -> Any:
                return [x + 5 for x in self.prop]

        works(Mod())

    def test_property_setters_deleters(self) -> None:
        """torch refuses them."""

        class Mod:
            def __init__(self) -> None:
                self.x = X

            @property
            def prop(self) -> Any:
                return self.x

            @prop.setter
            def prop(self, value: Any) -> None:
                self.x = value * 2

            @prop.deleter
            def prop(self) -> None:
                self.x = None

            def forward(self, x: Any) -> Any:
                self.prop = x
                y = self.prop
                del self.prop
                return y, self.x

        works(Mod(), X)


class TestParametrization:
    def test_scriptable(self) -> None:
        """A weight that is computed from another array."""

        class Symmetric:
            def __init__(self) -> None:
                self.original = f32([[1, 2], [3, 4]])

            @property
            def weight(self) -> Any:
                upper = jnp.triu(self.original)
                return upper + jnp.triu(self.original, 1).T

            def forward(self, x: Any) -> Any:
                return x @ self.weight

        scripted = works(Symmetric(), X)
        slope = jax.grad(lambda x: scripted(x).sum())(X)
        compare(slope, f32([3, 6]))


class TestCopy:
    def test_copy_parameter(self) -> None:
        scripted = jaxgrad.script(Calls(Linear()))
        copied = copy.deepcopy(scripted)
        for one, other in zip(scripted.parameters(), copied.parameters(), strict=True):
            np.testing.assert_array_equal(one, other)
        copied.weight = f32(0)
        compare(scripted(X), Calls(Linear()).forward(X))
        compare(copied(X), X * 0)


class Names(NamedTuple):
    x: Any
    y: Any


class TestGetDefaultAttr:
    def test_getattr_with_default(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.there = 1.0

            def forward(self, x: Any) -> Any:
                y = getattr(self, "there")  # noqa: B009
                z = getattr(self, "missing", [x])
                z.append(y)
                return z

        scripted = works(Mod(), X)
        assert kinds(scripted.graph)

    def test_getattr_named_tuple(self) -> None:
        def fn(x: Any) -> Any:
            return getattr(x, "x", "none"), getattr(x, "y", X), getattr(x, "z", 7)

        agrees(fn, (Names("test", X),))

    def test_getattr_tuple(self) -> None:
        def fn(x: Any) -> Any:
            return getattr(x, "x", 2)

        agrees(fn, (("a", i32(1)),))


class TestHash:
    def same(self, *pairs: tuple[Any, Any]) -> None:
        def fn(a: Any, b: Any) -> Any:
            return hash(a) == hash(b)

        agrees(fn, *pairs)

    def test_hash_tuple(self) -> None:
        self.same(((1, 2), (1, 2)), ((1, 2), (3, 4)))

    def test_hash_tuple_nested_unhashable_type(self) -> None:
        with pytest.raises(TypeError, match="unhashable"):
            jaxgrad.script(lambda t: hash(t))((1, [1]))

    def test_hash_tensor(self) -> None:
        """Arrays have no hash, in JAX and here."""
        refused(lambda t: hash(t), X, at="hash(t)", says=("'t'", "traced"))

    def test_hash_none(self) -> None:
        self.same((None, None))

    def test_hash_bool(self) -> None:
        self.same((True, False), (True, True))

    def test_hash_float(self) -> None:
        self.same((1.25, 1.25), (1.25, float("inf")))

    def test_hash_int(self) -> None:
        self.same((123, 456), (-123, -123))

    def test_hash_string(self) -> None:
        self.same(("foo", "foo"), ("foo", ""))

    def test_hash_device(self) -> None:
        one, two = jax.devices()[:2]
        scripted = jaxgrad.script(lambda a, b: hash(a) == hash(b))
        assert scripted(one, one)
        assert not scripted(one, two)
