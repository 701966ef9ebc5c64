"""The kinds of attributes: which a value has, and what a typed setter stores."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import AttributeKindError, GraphError
from jaxgrad.graph import Graph, _kinds, types


class Pair(NamedTuple):
    a: int
    b: int


INT = types.IntType.get()
ONE = np.ones(1, np.float32)
POINT = jnp.float32(2.0)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, "i"),
        (True, "i"),
        (1.0, "f"),
        (1j, "c"),
        ("a", "s"),
        (ONE, "t"),
        (jnp.ones(2), "t"),
        (POINT, "z"),
        (np.float64(1), "z"),
        (INT, "ty"),
        ([1, 2], "is"),
        ((True, False), "is"),
        ([], "is"),
        ((), "is"),
        ([1.0, 2], "fs"),
        ([1, 2j], "cs"),
        (["a"], "ss"),
        ([ONE, POINT], "ts"),
        ([POINT], "zs"),
        ((INT,), "tys"),
        (None, "ival"),
        ({"a": 1}, "ival"),
        ([1, "a"], "ival"),
        ([True, 1.5], "ival"),
        ([None], "ival"),
        ([[1]], "ival"),
        (Pair(1, 2), "ival"),
        (jnp.float32, "ival"),
    ],
    ids=repr,
)
def test_the_kind_of_a_value(value: Any, kind: str) -> None:
    assert _kinds.kind_of(value) == kind


def test_the_kind_of_graphs() -> None:
    assert _kinds.kind_of(Graph()) == "g"
    assert _kinds.kind_of([Graph(), Graph()]) == "gs"
    assert len(_kinds.check("gs", "bodies", [Graph()])) == 1


def test_the_kind_of_traced_arrays() -> None:
    kinds = []

    def f(x: jax.Array) -> jax.Array:
        kinds.append((_kinds.kind_of(x), _kinds.kind_of([x[0]])))
        return x

    jax.make_jaxpr(f)(ONE)
    assert kinds == [("t", "zs")]


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("i", 3, 3),
        ("i", np.int32(3), 3),
        ("i", True, True),
        ("f", 3, 3.0),
        ("f", np.float32(0.5), 0.5),
        ("f", POINT, 2.0),
        ("c", 2, 2 + 0j),
        ("s", "a", "a"),
        ("is", (1, 2), [1, 2]),
        ("is", [], []),
        ("fs", [1, 2.5], [1.0, 2.5]),
        ("ss", ("a", "b"), ["a", "b"]),
        ("ty", INT, INT),
        ("tys", [INT], [INT]),
        ("ival", {"a": 1}, {"a": 1}),
    ],
)
def test_what_a_setter_stores(kind: str, value: Any, stored: Any) -> None:
    found = _kinds.check(kind, "a", value)
    assert found == stored
    assert type(found) is type(stored)


def test_arrays_are_stored_as_they_are_and_numbers_as_arrays() -> None:
    assert _kinds.check("t", "w", ONE) is ONE
    assert _kinds.check("z", "w", POINT) is POINT
    assert _kinds.check("z", "w", 2.0).shape == ()
    assert _kinds.check("ts", "w", [ONE])[0] is ONE


def test_a_stored_list_is_a_new_one() -> None:
    given = [1, 2]
    found = _kinds.check("is", "a", given)
    given.append(3)
    assert found == [1, 2]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("i", 1.5, r"attribute 'a': expected an int, got 1\.5 \(float\)"),
        ("f", 1j, "expected a float"),
        ("f", "1", "expected a float, got '1'"),
        ("f", 10**400, "too large"),
        ("s", 1, "expected a str"),
        ("i", ONE, "expected an int"),
        ("z", ONE, "expected an array without dimensions"),
        ("t", "a", "expected an array"),
        ("g", 1, "expected a Graph"),
        ("ty", int, "expected a Type"),
        ("is", 3, "expected a list, each an int, got 3"),
        ("is", "ab", "expected a list"),
        ("is", [1, 2.5], r"attribute 'a'\[1\]: expected an int, got 2\.5"),
        ("tys", [INT, 1], r"\[1\]: expected a Type"),
        ("q", 3, "no kind 'q'; the kinds are c, cs, f"),
    ],
)
def test_a_value_of_another_kind_is_refused(kind: str, value: Any, words: str) -> None:
    with pytest.raises(AttributeKindError, match=words) as caught:
        _kinds.check(kind, "a", value)
    assert isinstance(caught.value, GraphError)
    assert isinstance(caught.value, TypeError)


def test_a_traced_number_is_no_constant() -> None:
    def f(x: jax.Array) -> jax.Array:
        with pytest.raises(AttributeKindError, match="expected a float"):
            _kinds.check("f", "a", x)
        return _kinds.check("z", "a", x)

    assert len(jax.make_jaxpr(f)(POINT).jaxpr.outvars) == 1
