"""Values apart and together again: `Capture`, `build` and `extract`."""

import collections
import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.lower.script._compare import alike, renumbered
from jaxgrad.lower.script._forms import (
    Clashing,
    Const,
    Leaf,
    Missing,
    New,
    Optional,
    Same,
)
from jaxgrad.lower.script._join import Join
from jaxgrad.lower.script._template import (
    INSIDE,
    Capture,
    build,
    extract,
    leaves_of,
    zeros,
)
from jaxgrad.lower.script._values import Cell, Clash, Maybe, Text, Undefined


class Point(NamedTuple):
    x: Any
    y: Any


class Held:
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)

    def get(self) -> Any:
        return vars(self)


class Slots:
    __slots__ = ("a", "b")


class Rows(list[Any]):
    pass


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: Any
    b: Any = 1


def slots(a: Any) -> Slots:
    made = Slots()
    made.a = a
    return made


def plain(value: Any) -> Any:
    """A value without objects, for `==`."""
    if isinstance(value, Held | Cell):
        return type(value), plain(vars(value))
    if isinstance(value, Slots):
        return Slots, plain(value.a), hasattr(value, "b")
    if isinstance(value, dict):
        return type(value), [(k, plain(v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [plain(v) for v in value]
    if isinstance(value, types.MethodType):
        return value.__func__, plain(value.__self__)
    if isinstance(value, functools.partial):
        return value.func, plain(value.args), plain(value.keywords)
    if isinstance(value, Text):
        return Text, plain(value.parts)
    return float(value) if isinstance(value, jax.Array | np.generic) else value


VALUES: dict[str, Callable[[Any, Any], Any]] = {
    "array": lambda x, y: x,
    "list": lambda x, y: [x, 1, [y]],
    "tuple": lambda x, y: (x, (y, "a")),
    "namedtuple": lambda x, y: Point(x, Point(1, y)),
    "dict": lambda x, y: {"b": x, 1: {"a": y}},
    "ordered dict": lambda x, y: collections.OrderedDict(b=x, a=y),
    "default dict": lambda x, y: collections.defaultdict(list, a=x),
    "counter": lambda x, y: collections.Counter(a=2),
    "set": lambda x, y: [{1, 2}, frozenset({3}), x],
    "subclass of list": lambda x, y: Rows([x, y]),
    "object": lambda x, y: Held(a=x, b=Held(c=[y])),
    "slots": lambda x, y: slots([x]),
    "frozen": lambda x, y: Frozen(x, (1, y)),
    "method": lambda x, y: Held(a=x).get,
    "partial": lambda x, y: functools.partial(max, x, key=y),
    "cell": lambda x, y: Cell("name", x),
    "text": lambda x, y: Text(("got ", (x, "", ".2f"))),
    "static": lambda x, y: (1, "a", None, jnp.sin, np.float32),
    "nothing inside": lambda x, y: [(), [], {}, Held()],
}


@pytest.mark.parametrize("name", VALUES)
def test_round_trip(name: str) -> None:
    made = VALUES[name]
    found: list[Any] = []

    def traced(x: Any, y: Any) -> Any:
        capture = Capture({})
        found[:] = [capture.of(made(x, y))]
        return capture.leaves

    one, two = np.float32(1), np.float32(2)
    leaves = jax.jit(traced)(one, two)
    (form,) = found
    assert [leaf.index for leaf in leaves_of(form)] == list(range(len(leaves)))
    built = build(form, leaves, {})
    assert plain(built) == plain(made(one, two))
    # What is built again of the same form is another object.
    if isinstance(form, New):
        assert build(form, leaves, {}) is not built


def test_a_default_dict_keeps_what_it_makes() -> None:
    built = build(Capture({}).of(collections.defaultdict(list)), [], {})
    assert built["new"] == []


def captured(*values: Any, **how: Any) -> tuple[list[Any], list[Any]]:
    """The forms of values, and their leaves."""
    capture = Capture(how.get("outside", {}), how.get("apart", False))
    return [capture.of(value) for value in values], capture.leaves


def test_aliases_stay_one_object() -> None:
    shared = [1]
    value = {"a": shared, "b": (shared, Held(rows=shared)), "c": [1]}
    (form,), _ = captured(value)
    built = build(form, [], {})
    assert built["a"] is built["b"][0] is built["b"][1].rows
    assert built["a"] is not built["c"]
    assert built["a"] is not shared


def test_aliases_between_values_stay_one_object() -> None:
    shared: list[Any] = []
    forms, _ = captured(shared, (1, shared))
    memo: dict[int, Any] = {}
    first, second = (build(form, [], memo) for form in forms)
    assert second[1] is first


def test_an_array_is_one_leaf_unless_apart() -> None:
    def fn(x: Any, y: Any) -> Any:
        forms, leaves = captured(x, y, x)
        assert [form.index for form in forms] == [0, 1, 0]
        assert leaves == [x, y]
        forms, leaves = captured(x, y, x, 2, True, apart=True)
        assert [form.index for form in forms] == [0, 1, 2, 3, 4]
        return leaves

    jax.eval_shape(fn, 1.0, 2.0)


def test_what_is_known_stays_what_it_is() -> None:
    array = jnp.ones(2)
    for value in (1, "a", None, array, np.ones(2), (1, (2, "a")), len, Frozen(1)):
        (form,), leaves = captured(value)
        assert isinstance(form, Const)
        assert form.value is value
        assert leaves == []


def test_objects_from_outside_are_themselves() -> None:
    held = [1]
    (form, inside), _ = captured(held, (held, [2]), outside={id(held): held})
    assert isinstance(form, Same)
    assert build(form, [], {}) is held
    built = build(inside, [], {})
    assert built[0] is held
    content = Capture({id(held): held}).content(held)
    assert (content.cls, content.static) == (list, 1)
    assert content.parts[0].value == 1


def test_names_without_values() -> None:
    values = [Undefined("x"), Maybe([1], "y", "why", True), Clash("m", "r")]
    forms, _ = captured(*values)
    assert [type(form) for form in forms] == [Missing, Optional, Clashing]
    undefined, maybe, clash = (build(form, [], {}) for form in forms)
    assert (undefined, clash) == (values[0], values[2])
    assert (maybe.value, maybe.name, maybe.why, maybe.exits) == ([1], "y", "why", True)
    assert build(Missing(None), [], {}) == Undefined("", "")


F32 = jax.typeof(np.float32(0))


def test_extract_puts_arrays_where_the_form_has_them() -> None:
    form = New(tuple, 3, (Leaf(2, F32), Const("a"), Optional(Leaf(0, F32), "x", "")), 1)
    given = New(tuple, 3, (Leaf(0, F32), Const("a"), Leaf(1, F32)), 2)
    into: list[Any] = [None] * 3
    extract(form, given, [np.float32(5), np.float32(6)], into)
    assert into[0] == 6
    assert into[1] is None
    assert into[2] == 5


def test_extract_casts_and_leaves_open_what_is_lacking() -> None:
    half, key = jax.typeof(jnp.ones(2, "float16")), jax.typeof(jax.random.key(0))
    form = New(list, 3, (Leaf(0, F32), Leaf(1, half), Leaf(2, key)), 1)
    into: list[Any] = [None] * 3
    extract(form, New(list, 3, (Const(2), Missing(None), Missing(None)), 2), [], into)
    assert (into[0], into[0].dtype) == (2, jnp.float32)
    assert into[1:] == [None, None]
    into[1] = "of another variable"
    extract(form, None, [], into)
    assert (into[0], into[1]) == (2, "of another variable")


def test_zeros_have_every_dtype() -> None:
    half, key = jax.typeof(jnp.ones(2, "float16")), jax.typeof(jax.random.key(0))
    assert (zeros(half).shape, zeros(half).dtype) == ((2,), jnp.float16)
    assert jnp.issubdtype(zeros(key).dtype, jax.dtypes.prng_key)


def test_what_is_computed_inside_is_marked() -> None:
    form = New(tuple, 2, (Leaf(0, F32), Leaf(1, F32)), 1)
    given = New(tuple, 2, (Leaf(0, F32), Const(3)), 2)
    into: list[Any] = [None] * 2
    extract(form, given, [INSIDE], into)
    assert into[0] is INSIDE
    assert into[1] == 3


def ring(*arrays: Any) -> Held:
    """Objects of which each holds the next one, and the last one the first."""
    made = [Held(v=array) for array in arrays]
    for k, each in enumerate(made):
        each.next = made[(k + 1) % len(made)]
    return made[0]


def itself(array: Any) -> list[Any]:
    made = [array]
    made.append((made, collections.deque([made], 2)))
    return made


def test_what_holds_itself_is_taken_apart_and_built_again() -> None:
    def run(x: Any) -> Any:
        capture = Capture({})
        forms = [capture.of(ring(x, x + 1)), capture.of(itself(x))]
        assert [leaf.index for leaf in leaves_of(forms[0])] == [0, 1]
        memo: dict[int, Any] = {}
        found = [build(form, capture.leaves, memo) for form in forms]
        assert found[0].next.next is found[0]
        held, deque = found[1][1]
        assert held is found[1] is deque[0]
        assert deque.maxlen == 2
        return found[0].v, found[0].next.v, found[1][0]

    assert [*map(float, jax.jit(run)(2.0))] == [2, 3, 2]


def test_forms_that_lead_back_to_themselves_are_joined() -> None:
    def run(x: Any) -> Any:
        sides = [Capture({}) for _ in range(2)]
        a, b = sides[0].of(ring(x)), sides[1].of(ring(x + 1, x + 2))
        join = Join(lambda *_: Clash("", ""))
        joined = join.of(a, b)
        # What is one object on one path and two on the other can't be changed.
        assert len(join.copies) == len(join.avals) == 2
        assert alike(joined, joined)
        assert not alike(joined, join.again(joined))
        assert not alike(a, b)
        (again,) = renumbered([joined])
        assert alike(again, joined)
        rows = []
        for form, side in zip((a, b, None), (*sides, Capture({})), strict=True):
            into: list[Any] = [None, None]
            extract(joined, form, side.leaves, into)
            found = build(joined, into, {})
            assert found.next.next is found
            rows.append((found.v, found.next.v))
        return rows[:2]

    assert jax.tree.map(float, jax.jit(run)(2.0)) == [(2, 2), (3, 4)]
