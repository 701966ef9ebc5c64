"""Wrong programs: values of two paths that don't go together."""
# Written as the error demands, not as one would write it.
# ruff: noqa: E501, SIM108

from typing import Any, NamedTuple

from tests.frontend.program import Array, iv, v
from tests.frontend.wrong_program import Wrongs

wrong = Wrongs()

X, Y = v(1, 2, 3), iv(1, 2, 3)


class Pair(NamedTuple):
    first: Any
    second: Any


@wrong(
    "'y' is f32[2] in the if-branch (line {here}) but f32[3] in the else-branch (line {other})",
    "give it the same shape on both paths",
    under="x[:2]",
    args=(X,),
    notes=(
        ("the value in the else-branch", "other", "x"),
        ("used here", "use", "y + 1"),
    ),
)
def two_shapes(x: Array) -> Array:
    if x[0] > 0:
        y = x[:2]  # <- here
    else:
        y = x  # <- other
    return y + 1  # <- use


@wrong(
    "'y' is f32[3] in the if-branch (line {here}) but i32[3] in the else-branch (line {other})",
    "give it the same dtype on both paths, with .astype(...) say",
    under="x * 2",
    args=(X, Y),
    notes=(
        ("the value in the else-branch", "other", "n * 2"),
        ("used here", "use", "y + 1"),
    ),
)
def two_dtypes(x: Array, n: Array) -> Array:
    if x[0] > 0:
        y = x * 2  # <- here
    else:
        y = n * 2  # <- other
    return y + 1  # <- use


@wrong(
    "'y' is f32[] in the if-branch (line {here}) but f32[3] in the path that skips the if (line {other})",
    "give it the same shape on both paths",
    under="x.sum()",
    args=(X,),
    notes=(
        ("the value in the path that skips the if", "other", "x"),
        ("used here", "use", "y * 2"),
    ),
)
def shape_differs_from_before(x: Array) -> Array:
    y = x  # <- other
    if x[0] > 0:
        y = x.sum()  # <- here
    return y * 2  # <- use


@wrong(
    "'y' is f32[3] in the if-branch (line {here}) but None in the path that skips the if (line {other})",
    "use an array (zeros, say) and a flag instead of None",
    under="x + 1",
    args=(X,),
    notes=(
        ("the value in the path that skips the if", "other", "None"),
        ("used here", "use", "y is None"),
    ),
)
def none_against_array(x: Array) -> Any:
    y = None  # <- other
    if x[0] > 0:
        y = x + 1  # <- here
    if y is None:  # <- use
        return x
    return y


@wrong(
    "'name' is 'up' in the if-branch (line {here}) but 'down' in the else-branch (line {other})",
    "a traced condition chooses between arrays alone: use it in both branches, and choose between the results",
    under='"up"',
    args=(X,),
    notes=(
        ("the value in the else-branch", "other", '"down"'),
        ("used here", "use", "{name: x}"),
    ),
)
def text_against_text(x: Array) -> Any:
    if x[0] > 0:
        name = "up"  # <- here
    else:
        name = "down"  # <- other
    return {name: x}  # <- use


@wrong(
    "'y' is f32[3] in the if-branch (line {here}) but 'none' in the else-branch (line {other})",
    "give it the same type and structure on both paths",
    under="x",
    args=(X,),
    notes=(
        ("the value in the else-branch", "other", '"none"'),
        ("used here", "use", "return y"),
    ),
)
def array_against_text(x: Array) -> Any:
    if x[0] > 0:
        y = x  # <- here
    else:
        y = "none"  # <- other
    return y  # <- use


@wrong(
    "'y' is a list of 2 in the if-branch (line {here}) but a list of 1 in the else-branch (line {other})",
    "give it the same type and structure on both paths",
    under="[x, x]",
    args=(X,),
    notes=(
        ("the value in the else-branch", "other", "[x]"),
        ("used here", "use", "y[0]"),
    ),
)
def lists_of_two_lengths(x: Array) -> Any:
    if x[0] > 0:
        y = [x, x]  # <- here
    else:
        y = [x]  # <- other
    return y[0]  # <- use


@wrong(
    "'y' is a dict with the keys ['a'] in the if-branch (line {here}) but a dict with the keys ['b'] in the else-branch (line {other})",
    "give it the same type and structure on both paths",
    under='{"a": x}',
    args=(X,),
    notes=(
        ("the value in the else-branch", "other", '{"b": x}'),
        ("used here", "use", "return y"),
    ),
)
def dicts_of_two_keys(x: Array) -> Any:
    if x[0] > 0:
        y = {"a": x}  # <- here
    else:
        y = {"b": x}  # <- other
    return y  # <- use


@wrong(
    "'y' is a tuple of 2 in the if-branch (line {here}) but a list of 2 in the else-branch (line {here})",
    "give it the same type and structure on both paths",
    under="(x, x)",
    args=(X,),
    notes=(
        ("the value in the else-branch", "here", "[x, x]"),
        ("used here", "use", "y[0]"),
    ),
)
def tuple_against_list(x: Array) -> Any:
    y = (x, x) if x[0] > 0 else [x, x]  # <- here
    return y[0]  # <- use


@wrong(
    "'y' is a Pair of 2 in the if-branch (line {here}) but a tuple of 2 in the else-branch (line {other})",
    "give it the same type and structure on both paths",
    under="Pair(x, x)",
    args=(X,),
    notes=(
        ("the value in the else-branch", "other", "(x, x)"),
        ("used here", "use", "y[0]"),
    ),
)
def tuple_against_named_tuple(x: Array) -> Any:
    if x[0] > 0:
        y = Pair(x, x)  # <- here
    else:
        y = (x, x)  # <- other
    return y[0]  # <- use


@wrong(
    "'y[1]' is f32[3] in the if-branch (line {here}) but f32[] in the else-branch (line {other})",
    "give it the same shape on both paths",
    under="[x, x]",
    args=(X,),
    notes=(("the value in the else-branch", "other", "[x, x[0]]"),),
)
def element_of_another_shape(x: Array) -> Any:
    if x[0] > 0:
        y = [x, x]  # <- here
    else:
        y = [x, x[0]]  # <- other
    return y[1]  # <- use
