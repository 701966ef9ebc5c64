"""ScriptDict and ScriptList: element types, and the methods that torch's lack."""

import copy
import pickle
from collections.abc import MutableMapping, MutableSequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import ContainerTypeError, JaxgradError, KeyTypeError
from jaxgrad.graph import types

X = jnp.ones(2)
DICT = {"a": 1, "b": 2}


def test_they_are_sequences_and_mappings_but_no_lists_and_dicts() -> None:
    xs, d = jaxgrad.ScriptList([1]), jaxgrad.ScriptDict({1: 2})
    assert isinstance(xs, MutableSequence)
    assert isinstance(d, MutableMapping)
    assert not isinstance(xs, list)
    assert not isinstance(d, dict)
    for unhashable in (xs, d):
        with pytest.raises(TypeError, match="unhashable"):
            hash(unhashable)


def test_element_types_come_from_the_content() -> None:
    def of(values: list[Any]) -> str:
        return str(jaxgrad.ScriptList(values)._types[0])

    arrays = [X, jnp.ones((3, 1), int), np.ones(2), np.float32(1)]
    assert of(arrays) == of([]) == "Tensor"
    assert of([1, 2]) == "int"
    assert of([1.0, None]) == "Optional[float]"
    assert of([(1, X), (2, np.ones(3))]) == "Tuple[int, Tensor]"
    assert of([{"a": [X]}]) == "Dict[str, List[Tensor]]"
    assert list(map(str, jaxgrad.ScriptDict({})._types)) == ["str", "Tensor"]
    assert list(map(str, jaxgrad.ScriptDict({1: X})._types)) == ["int", "Tensor"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, "a"], "element 1 is str, but what stands before it is int"),
        ([1, 2.0], "element 1 is float, but what stands before it is int"),
        ([1.0, X], "element 1 is Tensor, but what stands before it is float"),
        ([[1], []], "element 1: value is empty"),
        ([object()], "element 0: value is an object, which no type"),
        ((1, 2), "values is of type tuple; expected a list"),
        ({"a": 1, 2: 3}, "key 1 is int, but what stands before it is str"),
        ({"a": 1, "b": 2.0}, "value 1 is float, but what stands before it is int"),
    ],
)
def test_content_without_a_common_type_is_refused(values: Any, message: str) -> None:
    make = jaxgrad.ScriptDict if isinstance(values, dict) else jaxgrad.ScriptList
    with pytest.raises(ContainerTypeError, match=message) as caught:
        make(values)
    assert isinstance(caught.value, JaxgradError)
    assert isinstance(caught.value, TypeError)


def test_a_hint_says_what_the_content_does_not() -> None:
    xs = jaxgrad.ScriptList([1, 2.5], type_hint=list[float])
    assert xs == [1.0, 2.5]
    assert type(xs[0]) is float
    d = jaxgrad.ScriptDict({}, type_hint=dict[int, list[int]])
    d[1] = []
    d[2] = [3]
    with pytest.raises(ContainerTypeError, match=r"List\[str\]; expected List\[int\]"):
        d[3] = ["a"]
    with pytest.raises(ContainerTypeError, match="expected a DictType, for example"):
        jaxgrad.ScriptDict({}, type_hint=list[int])
    optional = jaxgrad.ScriptList([], type_hint=types.parse("List[Optional[Tensor]]"))
    optional.extend([None, X])
    assert optional[0] is None


def test_numbers_are_converted_where_nothing_is_lost() -> None:
    floats, ints = jaxgrad.ScriptList([1.5]), jaxgrad.ScriptList([1])
    floats.extend([2, True, np.float32(0.5)])
    assert [type(x) for x in floats] == [float] * 4
    ints.extend([True, np.int8(3)])
    assert repr(ints) == "[1, 1, 3]"
    for wrong in (1.0, None, X, np.float32(1)):
        with pytest.raises(ContainerTypeError, match="expected int"):
            ints.append(wrong)
    with pytest.raises(ContainerTypeError, match=r"1\.5, float; expected Tensor"):
        jaxgrad.ScriptList([X]).append(1.5)


def test_tracers_are_arrays() -> None:
    xs = jaxgrad.ScriptList([X])

    @jax.jit
    def fn(x: jax.Array) -> jax.Array:
        xs.append(x * 3)
        return xs.pop()

    assert fn(X).tolist() == [3, 3]


def test_lists_do_what_lists_do() -> None:
    xs = jaxgrad.ScriptList([3, 1, 2])
    xs.sort(key=lambda x: -x)
    assert xs == [3, 2, 1]
    xs.reverse()
    assert (xs.index(3), xs.index(2, 1), list(reversed(xs))) == (2, 1, [3, 2, 1])
    four, zero = [4], [0]
    assert (xs + four, zero + xs) == ([1, 2, 3, 4], [0, 1, 2, 3])
    assert xs + xs == [1, 2, 3] * 2
    assert (xs * 2, 2 * xs) == ([1, 2, 3] * 2, [1, 2, 3] * 2)
    same = xs
    xs += (4,)
    xs *= 2
    assert same is xs
    assert xs == [1, 2, 3, 4] * 2
    xs.extend(xs)
    assert len(xs) == 16
    assert xs != [1]
    assert xs != (1,)
    with pytest.raises(ValueError, match="9 is not in list"):
        xs.index(9)
    for wrong in (xs.__add__, xs.__radd__):
        assert wrong((1,)) is NotImplemented


def test_dicts_do_what_dicts_do() -> None:
    d = jaxgrad.ScriptDict(DICT)
    assert (list(d.values()), d.get("b"), d.get("z"), d.get("z", 5)) == (
        [1, 2],
        2,
        None,
        5,
    )
    assert repr(d | {"c": 3}) == "{'a': 1, 'b': 2, 'c': 3}"
    assert repr({"a": 9, "c": 3} | d) == "{'a': 1, 'c': 3, 'b': 2}"
    same = d
    d |= [("c", 3)]
    d.update({"d": 4}, e=5)
    d.update(jaxgrad.ScriptDict({"f": 6}))
    assert same is d
    assert list(reversed(d)) == ["f", "e", "d", "c", "b", "a"]
    assert (d.popitem(), d.pop("e"), d.pop("z", None)) == (("f", 6), 5, None)
    assert (d.setdefault("a", 7), d.setdefault("z", 7)) == (1, 7)
    with pytest.raises(KeyError):
        d.pop("none")
    keys = d.keys()
    assert ("a" in keys, len(keys), list(keys)) == (True, 5, ["a", "b", "c", "d", "z"])
    d.clear()
    assert d == {}
    assert d != []


def test_what_does_not_fit_changes_nothing() -> None:
    d = jaxgrad.ScriptDict(DICT)
    for change in (
        lambda: d.update({"c": 3, "d": "x"}),
        lambda: d | {"c": 1.5},
        lambda: d.setdefault("c", None),
        lambda: d.update([("c", 3), (4, 5)]),
    ):
        with pytest.raises(ContainerTypeError):
            change()
    assert d == DICT
    with pytest.raises(KeyTypeError) as caught:
        d[4] = 5
    assert isinstance(caught.value, KeyError)
    assert str(caught.value).startswith("a key of a ScriptDict is 4, int; expected str")


def test_copies() -> None:
    xs, d = jaxgrad.ScriptList([[1]]), jaxgrad.ScriptDict({1: [2]})
    for one in (xs, d):
        for made in (one.copy(), copy.copy(one), type(one)(one)):
            assert made == one
            assert made._types == one._types
            made.clear()
            assert len(one) == 1
        for made in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
            assert type(made) is type(one)
            assert made == one
            assert made._types == one._types
            made[next(iter(made)) if made == {1: [2]} else 0].append(5)
            assert one in ([[1]], {1: [2]})
