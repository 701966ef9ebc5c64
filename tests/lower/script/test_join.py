"""What two paths leave, as one: of every pair of kinds, and of every pair of types."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.lower.script._forms import (
    Clashing,
    Const,
    Form,
    Leaf,
    Missing,
    New,
    Optional,
    Same,
)
from jaxgrad.lower.script._join import Join, describe, is_equal
from jaxgrad.lower.script._promotion import joined_type
from jaxgrad.lower.script._template import build, extract, zeros
from jaxgrad.lower.script._values import Clash, Maybe, Undefined

# --- types ----------------------------------------------------------------------------

STRONG = [
    jax.ShapeDtypeStruct(shape, dtype)
    for shape in ((), (2,))
    for dtype in ("bool", "int8", "int32", "uint8", "float16", "bfloat16", "float32")
] + [jax.ShapeDtypeStruct((), "complex64")]
WEAK = [
    jax.ShapeDtypeStruct(shape, dtype, weak_type=True)
    for shape in ((), (2,))
    for dtype in ("int32", "float32", "complex64")
]


def promotes(x: Any) -> bool:
    """Whether a type is that of a Python number: weak, or a bool."""
    return x.weak_type or (x.dtype == jnp.bool_ and x.shape == ())


@pytest.mark.parametrize("x", [*STRONG, *WEAK], ids=repr)
def test_joined_types_are_those_of_where(x: Any) -> None:
    for y in (*STRONG, *WEAK):
        found = joined_type(typed(x), typed(y))
        alike = x.dtype == y.dtype
        if x.shape != y.shape or not (alike or promotes(x) or promotes(y)):
            assert found is None, (x, y)
            continue
        expected = jax.eval_shape(lambda a, b: jnp.where(True, a, b), x, y)
        got = found.shape, found.dtype, found.weak_type
        assert got == (x.shape, expected.dtype, expected.weak_type), (x, y)


def typed(spec: Any) -> Any:
    """The type of a value."""
    return jax.make_jaxpr(lambda x: x)(spec).in_avals[0]


def test_keys_join_with_keys_alone() -> None:
    key, number = typed(jax.eval_shape(jax.random.key, 0)), typed(WEAK[0])
    assert joined_type(key, key) == key
    assert joined_type(key, number) is None


# --- kinds ----------------------------------------------------------------------------

F32 = typed(jax.ShapeDtypeStruct((), "float32"))
OUTSIDE = [1]
FORMS: dict[str, Form] = {
    "array": Leaf(0, F32),
    "number": Const(2.0),
    "text": Const("a"),
    "None": Const(None),
    "outside": Same(OUTSIDE),
    "list": New(list, 1, (Leaf(0, F32),), 1),
    "tuple": New(tuple, 1, (Leaf(0, F32),), 2),
    "known tuple": Const((2.0,)),
    "dict": New(dict, ("a",), (Leaf(0, F32),), 3),
    "nothing": Missing(Undefined("x", "")),
    "raised": Missing(None),
    "perhaps": Optional(Leaf(0, F32), "x", "why"),
    "clash": Clashing(Clash("message", "remedy")),
}
# Those that go together, but for those that are joined with themselves.
JOINED = {
    ("array", "number"): "Leaf",
    ("outside", "list"): "list(Leaf)",
    ("tuple", "known tuple"): "tuple(Leaf)",
    ("array", "perhaps"): "Optional(Leaf)",
    ("number", "perhaps"): "Optional(Leaf)",
    ("nothing", "perhaps"): "Optional(Leaf)",
    ("raised", "perhaps"): "Optional(Leaf)",
    ("nothing", "raised"): "Missing",
}


def kind(form: Any) -> str:
    if isinstance(form, Optional):
        return f"Optional({kind(form.form)})"
    if isinstance(form, New):
        return f"{form.cls.__name__}({', '.join(map(kind, form.parts))})"
    return type(form).__name__


def say(first: str, second: str, remedy: str, where: str) -> Clash:
    return Clash(f"{first} but {second}{where}", remedy)


def expected_of(a: str, b: str) -> str:
    for pair in ((a, b), (b, a)):
        if pair in JOINED:
            return JOINED[pair]
    if a == b:
        return kind(FORMS[a])
    if "clash" in (a, b):
        return "Optional(Clashing)" if "perhaps" in (a, b) else "Clashing"
    if "raised" in (a, b):  # what the other path leaves is all that there is
        return kind(FORMS[b if a == "raised" else a])
    if "nothing" in (a, b):
        return f"Optional({kind(FORMS[b if a == 'nothing' else a])})"
    return "Optional(Clashing)" if "perhaps" in (a, b) else "Clashing"


@pytest.mark.parametrize("a", FORMS)
def test_every_pair_of_kinds(a: str) -> None:
    for b in FORMS:
        join = Join(say, ("the first lacks it", "the second lacks it"))
        joined = join.of(FORMS[a], FORMS[b])
        assert kind(joined) == expected_of(a, b), (a, b)
        if isinstance(joined, Optional) and "nothing" in (a, b):
            lacks = "first" if a == "nothing" else "second"
            why = "why" if "perhaps" in (a, b) else f"the {lacks} lacks it"
            assert (joined.name, joined.why) == ("x", why)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("array", "text", "f32[] but 'a'"),
        ("array", "None", "f32[] but None"),
        ("list", "dict", "a list of 1 but a dict with the keys ['a']"),
        ("outside", "tuple", "a list but a tuple of 1"),
    ],
)
def test_messages(a: str, b: str, message: str) -> None:
    joined = Join(say).of(FORMS[a], FORMS[b])
    assert isinstance(joined, Clashing)
    assert joined.value.message == message
    assert joined.value.remedy


def test_a_clash_says_which_part_it_is() -> None:
    first = New(dict, ("a", "b"), (Const(1), New(tuple, 1, (Const("p"),), 1)), 2)
    second = New(dict, ("b", "a"), (New(tuple, 1, (Const("q"),), 3), Const(1)), 4)
    joined = Join(say).of(first, second)
    assert isinstance(joined, New)
    clash = joined.parts[1].parts[0]
    assert clash.value.message == "'p' but 'q'['b'][0]"


def test_exits() -> None:
    gone, lacks = Missing(Undefined("x", "", True)), Missing(Undefined("x", ""))
    left = Join(say).of(gone, FORMS["array"])
    assert isinstance(left, Optional)
    assert left.exits
    assert not Join(say).of(lacks, left).exits  # type: ignore[union-attr]
    assert Join(say).of(gone, left).exits  # type: ignore[union-attr]
    assert Join(say).of(gone, lacks) is lacks


# --- values through a join ------------------------------------------------------------


def through(a: Form, b: Form, leaves: tuple[list[Any], list[Any]]) -> list[Any]:
    """What is built of the joined form, for each side's arrays."""
    join = Join(say, ("first", "second"))
    form = join.of(a, b)
    found = []
    for side, arrays in zip((a, b), leaves, strict=True):
        into: list[Any] = [None] * len(join.avals)
        extract(form, side, arrays, into)
        pairs = zip(into, join.avals, strict=True)
        into = [zeros(aval) if x is None else x for x, aval in pairs]
        types = [jax.typeof(x) for x in into]
        assert [(t.shape, t.dtype) for t in types] == [
            (t.shape, t.dtype) for t in join.avals
        ]
        found.append(build(form, into, {}))
    return found


ONE, TWO, THREE = np.float32(1), np.float32(2), np.float32(3)


def test_arrays_keep_their_pairs() -> None:
    # The same array twice on one side, two on the other.
    a = New(tuple, 2, (Leaf(0, F32), Leaf(0, F32)), 1)
    b = New(tuple, 2, (Leaf(1, F32), Leaf(0, F32)), 2)
    assert through(a, b, ([ONE], [TWO, THREE])) == [(ONE, ONE), (THREE, TWO)]


def test_a_pair_is_one_array_however_often_it_is_met() -> None:
    join = Join(say)
    first, second = Leaf(0, F32), Leaf(1, F32)
    assert join.of(first, second) is join.of(first, second)
    assert join.of(second, first) is not join.of(first, second)
    assert len(join.avals) == 2


def test_a_path_without_a_value_hands_on_another_variable() -> None:
    join = Join(say)
    t, other, left = Leaf(0, F32), Leaf(1, F32), Missing(Undefined("x", ""))
    joined = join.of(t, other)
    # Where the first path has a value it is the array that `t` is there.
    lacking = join.of(t, left)
    assert isinstance(lacking, Optional)
    assert lacking.form is joined
    assert join.of(other, left).form is not joined  # type: ignore[union-attr]
    assert len(join.avals) == 2


def test_no_hand_on_between_types_nor_where_it_is_off() -> None:
    left = Missing(Undefined("x", ""))
    weak = Leaf(0, F32.update(weak_type=True))
    join = Join(say)
    joined = join.of(weak, Leaf(0, F32))
    assert join.of(weak, left).form is not joined  # type: ignore[union-attr]
    join = Join(say)
    join.fills = False
    joined = join.of(Leaf(0, F32), Leaf(0, F32))
    assert join.of(Leaf(0, F32), left).form is not joined  # type: ignore[union-attr]


def test_aliases_stay_aliases() -> None:
    def twice(uid: int) -> New:
        inner = New(list, 1, (Leaf(0, F32),), uid)
        return New(tuple, 2, (inner, inner), uid + 1)

    for value, x in zip(
        through(twice(1), twice(3), ([ONE], [TWO])), (ONE, TWO), strict=True
    ):
        assert value == ([x], [x])
        assert value[0] is value[1]


def test_dicts_in_another_order() -> None:
    a = New(dict, ("p", "q"), (Leaf(0, F32), Const(2.0)), 1)
    b = New(dict, ("q", "p"), (Leaf(0, F32), Leaf(1, F32)), 2)
    found = through(a, b, ([ONE], [TWO, THREE]))
    assert found == [{"p": ONE, "q": TWO}, {"p": THREE, "q": TWO}]


def test_what_a_path_lacks_is_zero() -> None:
    first, second = through(Leaf(0, F32), Missing(Undefined("x", "")), ([ONE], []))
    assert isinstance(first, Maybe)
    assert isinstance(second, Maybe)
    assert (first.value, second.value) == (1, 0)
    assert (first.name, first.why) == ("x", "second")


def test_a_known_tuple_takes_part() -> None:
    a = New(tuple, 2, (Leaf(0, F32), Const("same")), 1)
    assert through(a, Const((2, "same")), ([ONE], [])) == [(1, "same"), (2, "same")]


# --- equality -------------------------------------------------------------------------

NAN = float("nan")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (1, 1, True),
        (1, True, False),
        (1, 1.0, False),
        (0.0, -0.0, False),
        (float("nan"), NAN, True),
        ("a" * 50, "".join(["a"] * 50), True),
        ((1, (2,)), (1, (2,)), True),
        ((1, 2), (1, 2.0), False),
        ((), [], False),
        ([1], [1], False),
        (np.ones(2), np.ones(2), True),
        (np.ones(2), np.ones(2, "f4"), False),
        (np.ones(1), np.ones(2), False),
        (jnp.float32, jnp.float32, True),
        (np.dtype("f4"), np.dtype("f4"), True),
        (slice(1), slice(1), True),
    ],
    ids=repr,
)
def test_is_equal(a: Any, b: Any, expected: bool) -> None:
    assert is_equal(a, b) == is_equal(b, a) == expected


def test_descriptions() -> None:
    class Held:
        pass

    described = [
        describe(form)
        for form in (
            Const(np.zeros((2, 3), "i4")),
            Const(len),
            Const(Held),
            Same(Held()),
            New(Held, ("b", "a"), (Const(1), Const(2)), 1),
            Optional(Const("s"), "x", ""),
            Missing(None),
        )
    ]
    assert described == [
        "i32[2,3]",
        "the function len",
        "the class Held",
        "a Held",
        "a Held with the attributes a, b",
        "'s'",
        "nothing",
    ]
