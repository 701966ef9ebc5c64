"""Mutable objects: what changed in them is found, and put back."""

import collections
import copy
import dataclasses
import enum
import functools
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.lower.script._heap import (
    Snapshot,
    attributes_of,
    fill,
    is_leaf,
    is_mutable,
    parts_of,
    reachable,
    set_attributes,
)


class Plain:
    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


class Slots:
    __slots__ = ("a", "b")


class MoreSlots(Slots):
    __slots__ = ("c",)


class SlotsAndDict(Slots):
    pass


class Rows(list[Any]):
    pass


class SlotRows(list[Any]):
    __slots__ = ("a",)


class Table(dict[str, Any]):
    pass


class WithProperty:
    def __init__(self, n: Any) -> None:
        self._n = n

    @property
    def n(self) -> Any:
        return self._n

    @n.setter
    def n(self, value: Any) -> None:
        self._n = value
        self.was_set = True


class Point(NamedTuple):
    x: Any
    y: Any


@dataclasses.dataclass
class Data:
    a: Any
    b: Any = 1


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: Any


@dataclasses.dataclass(slots=True)
class SlotData:
    a: Any


class Color(enum.Enum):
    RED = 1


def slots(cls: type, **attributes: Any) -> Any:
    made = cls()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def shown(value: Any) -> Any:
    """What a value holds, for `==`; objects by their attributes."""
    if isinstance(value, Rows | SlotRows | Table):
        plain = dict(value) if isinstance(value, dict) else list(value)
        return type(value), shown(plain), shown(attributes_of(value))
    if isinstance(value, dict):
        return type(value), [(k, shown(v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [shown(v) for v in value]
    if isinstance(value, set):
        return set(value)
    found = None if is_leaf(value) else attributes_of(value)
    return value if found is None else (type(value), shown(found))


def _delete_attribute(obj: Any) -> None:
    del obj.a


def _deep(value: Any) -> None:
    value["a"][1].b["c"].append(5)


CHANGES: list[tuple[str, Callable[[], Any], Callable[[Any], Any]]] = [
    ("append", lambda: [1], lambda v: v.append(2)),
    ("equal element", lambda: [[]], lambda v: v.__setitem__(0, [])),
    ("clear", lambda: [1], lambda v: v.clear()),
    ("reverse", lambda: [1, 2], lambda v: v.reverse()),
    ("new key", lambda: {"a": 1}, lambda v: v.update(b=2)),
    ("other value", lambda: {"a": 1}, lambda v: v.update(a=2)),
    ("order of keys", lambda: {"a": 1, "b": 2}, lambda v: v.update(a=v.pop("a"))),
    ("removed key", lambda: {"a": 1}, lambda v: v.popitem()),
    ("ordered", lambda: collections.OrderedDict(a=1, b=2), lambda v: v.popitem()),
    ("moved", lambda: collections.OrderedDict(a=1, b=2), lambda v: v.move_to_end("a")),
    ("counted", lambda: collections.Counter("aab"), lambda v: v.update("b")),
    ("default", lambda: collections.defaultdict(list, a=1), lambda v: v["b"]),
    ("set", lambda: {1, 2}, lambda v: v.add(3)),
    ("of a list", lambda: slots(Rows, a=1), lambda v: setattr(v, "a", 2)),
    ("new, of a dict", lambda: Table(b=1), lambda v: setattr(v, "a", 2)),
    ("none, of a list", lambda: slots(Rows, a=1), _delete_attribute),
    ("slot of a list", lambda: slots(SlotRows, a=1), _delete_attribute),
    ("set and back in size", lambda: {1}, lambda v: (v.add(2), v.remove(1))),
    ("attribute", lambda: Plain(a=1), lambda v: setattr(v, "a", 2)),
    ("new attribute", Plain, lambda v: setattr(v, "a", 2)),
    ("no attribute", lambda: Plain(a=1), _delete_attribute),
    ("slot", lambda: slots(Slots, a=1), lambda v: setattr(v, "a", 2)),
    ("empty slot", lambda: slots(Slots, a=1), lambda v: setattr(v, "b", 2)),
    ("emptied slot", lambda: slots(Slots, a=1), _delete_attribute),
    ("slots of bases", lambda: slots(MoreSlots, c=1), lambda v: setattr(v, "a", 2)),
    ("both", lambda: slots(SlotsAndDict, a=1, z=2), lambda v: setattr(v, "z", 3)),
    ("property", lambda: WithProperty(1), lambda v: setattr(v, "n", 2)),
    ("dataclass", lambda: Data(1), lambda v: setattr(v, "b", 2)),
    ("slots dataclass", lambda: SlotData(1), lambda v: setattr(v, "a", 2)),
    ("in a tuple", lambda: (1, [2]), lambda v: v[1].append(3)),
    ("in a namedtuple", lambda: Point([1], 2), lambda v: v.x.append(3)),
    ("in a frozen one", lambda: Frozen([1]), lambda v: v.a.append(3)),
    ("behind a method", lambda: Plain(a=1).__init__, lambda v: v(a=2)),
    (
        "behind a partial",
        lambda: functools.partial(max, [1]),
        lambda v: v.args[0].pop(),
    ),
    ("deep", lambda: {"a": (1, Plain(b={"c": [1]}))}, _deep),
]


@pytest.mark.parametrize(
    ("make", "change"), [case[1:] for case in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_a_change_is_found_and_undone(
    make: Callable[[], Any], change: Callable[[Any], Any]
) -> None:
    value = make()
    held = shown(copy.deepcopy(value))
    snapshot = Snapshot([value])
    assert snapshot.changed() == []
    change(value)
    assert len(snapshot.changed()) == 1
    snapshot.restore()
    assert snapshot.changed() == []
    assert shown(value) == held


def test_a_default_factory_is_kept() -> None:
    value = collections.defaultdict(list, a=[1])
    static, parts = parts_of(value) or ((), [])
    empty: Any = collections.defaultdict()
    fill(empty, static, parts)
    assert empty == value
    assert empty["new"] == []


def test_cycles_are_walked_once() -> None:
    first, second = Plain(n=1), Plain(n=2)
    first.other, second.other, first.itself = second, first, first  # type: ignore[attr-defined]
    loop: list[Any] = [first]
    loop.append(loop)
    assert set(reachable([loop])) == {id(loop), id(first), id(second)}
    snapshot = Snapshot([loop])
    second.other = None  # type: ignore[attr-defined]
    loop.pop()
    assert {id(o) for o in snapshot.changed()} == {id(second), id(loop)}
    snapshot.restore()
    assert second.other is first  # type: ignore[attr-defined]
    assert loop[1] is loop


def test_nesting_may_be_deep() -> None:
    value: list[Any] = []
    inner = value
    for _ in range(5000):
        inner.append([])
        inner = inner[0]
    snapshot = Snapshot([value])
    inner.append(1)
    assert snapshot.changed() == [inner]
    snapshot.restore()
    assert inner == []


def test_objects_that_come_into_sight_later() -> None:
    seen, later = [1], [2]
    snapshot = Snapshot([seen])
    later.append(3)
    snapshot.add([later, seen])
    seen.append(4)
    later.append(5)
    snapshot.restore()
    assert (seen, later) == ([1], [2, 3])
    assert snapshot.before(later) == (2, [2, 3])


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 1, 2.0, 3j, "a", b"b", ..., slice(1), int, Color.RED),
        *(jnp.ones(2), np.ones(2), np.float32(1), np.dtype("f4"), jnp.float32),
        *(np, len, Color),
    ],
    ids=repr,
)
def test_leaves(value: Any) -> None:
    assert is_leaf(value)
    assert not reachable([value])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((v, True) for v in ([], {}, set(), Plain(), Slots(), Data(1), SlotData(1))),
        *((v, False) for v in ((), frozenset(), Point(1, 2), Frozen(1))),
        (types.MethodType(max, 1), False),
        (functools.partial(max), True),
    ],
)
def test_is_mutable(value: Any, expected: bool) -> None:
    assert is_mutable(value) == expected


def test_parts() -> None:
    assert parts_of([1, 2]) == (2, [1, 2])
    assert parts_of({"a": 1}) == (("a",), [1])
    assert parts_of(Point(1, 2)) == (2, [1, 2])
    assert parts_of({1}) == (frozenset({1}), [])
    assert parts_of(Data(3)) == (("a", "b"), [3, 1])
    assert parts_of(slots(MoreSlots, a=1, c=2)) == (("c", "a"), [2, 1])
    assert parts_of(lambda: 1) is None
    assert parts_of(iter([1])) is None


def test_set_attributes_gives_these_and_no_others() -> None:
    obj = slots(SlotsAndDict, a=1, z=2)
    set_attributes(obj, {"b": 3, "y": 4})
    assert attributes_of(obj) == {"b": 3, "y": 4}
    held = WithProperty(1)
    set_attributes(held, {"_n": 5})
    assert held.n == 5
    assert not hasattr(held, "was_set")
