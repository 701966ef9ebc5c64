"""Wrong programs: objects, containers and results that don't go together."""
# Written as the error demands, not as one would write it.
# ruff: noqa: E501, SIM108

import dataclasses
import enum
from typing import Any

import jax.numpy as jnp

import jaxgrad
from tests.frontend.program import Array, i, s, v
from tests.frontend.wrong_program import Wrongs

wrong = Wrongs()

X = v(1, 2, 3)


class Held:
    def __init__(self, value: Any) -> None:
        self.value = value


@dataclasses.dataclass
class State:
    total: Any
    count: Any = 0


class Mode(enum.Enum):
    UP = 1
    DOWN = 2


def up(x: Array) -> Array:
    return x + 1


def down(x: Array) -> Array:
    return x - 1


@wrong(
    "'value' of a Held is f32[] in the if-branch but f32[3] in the path that skips the if",
    "give it the same shape on both paths",
    under="if x[0] > 0",
    args=(X,),
)
def attribute_of_another_shape(x: Array) -> Any:
    held = Held(x)
    if x[0] > 0:  # <- here
        held.value = x[0]
    return held.value


@wrong(
    "a Held has the attributes other, value in the if-branch but the attributes value in the path that skips the if",
    "give it the same type and structure on both paths",
    under="if x[0] > 0",
    args=(X,),
)
def attribute_of_one_branch(x: Array) -> Any:
    held = Held(x)
    if x[0] > 0:  # <- here
        held.other = x
    return held.other


@wrong(
    "a dict has the keys ['a', 'b'] in the if-branch but the keys ['a'] in the path that skips the if",
    "give it the same type and structure on both paths",
    under="if x[0] > 0",
    args=(X,),
)
def key_of_one_branch(x: Array) -> Any:
    found = {"a": x}
    if x[0] > 0:  # <- here
        found["b"] = x
    return found


@wrong(
    "a list has 2 elements in the if-branch but 1 in the path that skips the if",
    "give it the same type and structure on both paths",
    under="if x[0] > 0",
    args=(X,),
)
def list_of_unlike_things_grows_in_a_branch(x: Array) -> Any:
    found = [x]
    if x[0] > 0:  # <- here
        found.append("text")
    return found


@wrong(
    "item ['a'] of a dict is i32[3] in the if-branch but f32[3] in the path that skips the if",
    "give it the same dtype on both paths, with .astype(...) say",
    under="if x[0] > 0",
    args=(X,),
)
def item_of_another_dtype(x: Array) -> Any:
    found = {"a": x}
    if x[0] > 0:  # <- here
        found["a"] = jnp.zeros(3, jnp.int32)
    return found


@wrong(
    "'y' is a list in the if-branch (line {here}) but another list in the else-branch (line {other})",
    "copy the object on both paths, or choose between its arrays",
    under="first",
    args=(X, [X], [X]),
    notes=(
        ("the value in the else-branch", "other", "second"),
        ("used here", "use", "y[0]"),
    ),
)
def two_lists(x: Array, first: Any, second: Any) -> Any:
    if x[0] > 0:
        y = first  # <- here
    else:
        y = second  # <- other
    return y[0]  # <- use


@wrong(
    "'y' is a Held in the if-branch (line {here}) but another Held in the else-branch (line {other})",
    "copy the object on both paths, or choose between its arrays",
    under="first",
    args=(X, Held(1.0), Held(2.0)),
    notes=(
        ("the value in the else-branch", "other", "second"),
        ("used here", "use", "y.value"),
    ),
)
def two_objects(x: Array, first: Any, second: Any) -> Any:
    if x[0] > 0:
        y = first  # <- here
    else:
        y = second  # <- other
    return y.value  # <- use


@wrong(
    "'move' is the function up in the if-branch (line {here}) but the function down in the else-branch (line {other})",
    "a traced condition chooses between arrays alone: use it in both branches, and choose between the results",
    under="up",
    args=(X,),
    notes=(
        ("the value in the else-branch", "other", "down"),
        ("used here", "use", "move(x)"),
    ),
)
def two_functions(x: Array) -> Any:
    if x[0] > 0:
        move = up  # <- here
    else:
        move = down  # <- other
    return move(x)  # <- use


@wrong(
    "'mode' is Mode.UP in the if-branch (line {here}) but Mode.DOWN in the else-branch (line {other})",
    "a traced condition chooses between arrays alone: use it in both branches, and choose between the results",
    under="Mode.UP",
    args=(X,),
    notes=(
        ("the value in the else-branch", "other", "Mode.DOWN"),
        ("used here", "use", "mode is Mode.UP"),
    ),
)
def two_members(x: Array) -> Any:
    if x[0] > 0:
        mode = Mode.UP  # <- here
    else:
        mode = Mode.DOWN  # <- other
    return x if mode is Mode.UP else -x  # <- use


@wrong(
    "'state.total' is f32[3] in the if-branch (line {here}) but f32[] in the else-branch (line {other})",
    "give it the same shape on both paths",
    under="State(x)",
    args=(X,),
    notes=(("the value in the else-branch", "other", "State(x[0])"),),
)
def two_dataclasses(x: Array) -> Any:
    if x[0] > 0:
        state = State(x)  # <- here
    else:
        state = State(x[0])  # <- other
    return state.total  # <- use


@wrong(
    "the value is f32[3] in the if-branch (line {here}) but f32[] in the else-branch (line {here})",
    "give it the same shape on both paths",
    under="x",
    args=(X,),
    notes=(
        ("the value in the else-branch", "here", "x.sum()"),
        ("used here", "here", "return x if x[0] > 0 else x.sum()"),
    ),
)
def ternary_of_two_shapes(x: Array) -> Any:
    return x if x[0] > 0 else x.sum()  # <- here


@wrong(
    "the value is f32[] in the left side of `or` (line {here}) but 'nothing' in the right side of `or` (line {here})",
    "give it the same type and structure on both paths",
    under="flag",
    args=(X, s(1.0)),
    notes=(
        ("the value in the right side of `or`", "here", '"nothing"'),
        ("used here", "here", 'return flag or "nothing"'),
    ),
)
def or_of_unlike_operands(x: Array, flag: Array) -> Any:
    return flag or "nothing"  # <- here


@wrong(
    "the result is f32[3] in a return (line {here}) but f32[] in another return (line {other})",
    "give it the same shape in every return",
    under="x",
    args=(X,),
    notes=(("the value in another return", "other", "x[0]"),),
)
def returns_of_two_shapes(x: Array) -> Any:
    if x[0] > 0:
        return x  # <- here
    return x[0]  # <- other


@wrong(
    "the result is None in a path without return but f32[3] in a return (line {here})",
    "return a value on every path",
    under="x + 1",
    args=(X,),
)
def missing_return(x: Array) -> Any:
    if x[0] > 0:
        return x + 1  # <- here


@wrong(
    "the result is None in a path without return but f32[3] in a return (line {here})",
    "return a value on every path",
    under="x * k",
    args=(X, i(3)),
)
def missing_return_after_a_loop(x: Array, n: Array) -> Any:
    for k in range(n):
        if x[k] > 1:
            return x * k  # <- here


@wrong(
    "'move' is the function <lambda> in the if-branch (line {here}) but another function <lambda> in the else-branch (line {other})",
    "a traced condition chooses between arrays alone: use it in both branches, and choose between the results",
    under="lambda e: e + 1",
    args=(X,),
    notes=(
        ("the value in the else-branch", "other", "lambda e: e - 1"),
        ("used here", "use", "move(x)"),
    ),
)
def two_lambdas(x: Array) -> Any:
    if x[0] > 0:
        move = lambda e: e + 1  # noqa: E731  # <- here
    else:
        move = lambda e: e - 1  # noqa: E731  # <- other
    return move(x)  # <- use


@wrong(
    "the result is None in a path without return but f32[3] in a return (line {here})",
    "return a value on every path",
    under="x",
    args=(X, i(2)),
)
def missing_return_in_a_with(x: Array, n: Array) -> Any:
    with jaxgrad.loop(max_steps=5):
        while n > 0:
            if n == 2:
                return x  # <- here
            n -= 1


@wrong(
    "'pair[1][0]' is f32[] in the if-branch (line {here}) but f32[3] in the path that skips the if (line {other})",
    "give it the same shape on both paths",
    under="(x, [x[0]])",
    args=(X,),
    notes=(("the value in the path that skips the if", "other", "(x, [x])"),),
)
def part_of_a_part(x: Array) -> Any:
    pair = (x, [x])  # <- other
    if x[0] > 0:
        pair = (x, [x[0]])  # <- here
    return pair
