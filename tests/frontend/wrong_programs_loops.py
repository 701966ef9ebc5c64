"""Wrong programs: loops whose variables change their types, or that don't end."""
# Written as the error demands, not as one would write it.
# ruff: noqa: B007, C416, E501

from typing import Any

import jax.numpy as jnp

from tests.frontend.program import Array, i, s, v
from tests.frontend.wrong_program import Wrongs
from tests.frontend.wrong_programs_objects import Held

wrong = Wrongs()

X, N = v(1, 2, 3), i(3)


@wrong(
    "'y' is f32[3] before the loop but f32[4] after a round of it",
    "give it the same shape before the loop and after every round",
    under="jnp.append(y, 1.0)",
    args=(X,),
    notes=(
        ("the value before the loop", "start", "x"),
        ("the loop", "loop", "while y.sum() < 9"),
    ),
)
def shape_changes_in_a_while(x: Array) -> Array:
    y = x  # <- start
    while y.sum() < 9:  # <- loop
        y = jnp.append(y, 1.0)  # <- here
    return y


@wrong(
    "'y' is f32[] before the loop but f32[3] after a round of it",
    "give it the same shape before the loop and after every round",
    under="x * k",
    args=(X, N),
    notes=(
        ("the value before the loop", "start", "x[0]"),
        ("the loop", "loop", "for k in range(n)"),
    ),
)
def shape_changes_in_a_for(x: Array, n: Array) -> Array:
    y = x[0]  # <- start
    for k in range(n):  # <- loop
        y = x * k  # <- here
    return y


@wrong(
    "'n' is i32[] before the loop but f32[] after a round of it",
    "give it the same dtype before the loop and after every round, with .astype(...) say",
    under="n + x",
    args=(N, s(0.5)),
    notes=(
        ("the value before the loop", "start", "n: Array"),
        ("the loop", "loop", "while n < 9"),
    ),
)
def dtype_changes_in_a_while(n: Array, x: Array) -> Array:  # <- start
    while n < 9:  # <- loop
        n = n + x  # <- here
    return n


@wrong(
    "'best' is None before the loop but f32[3] after a round of it",
    "use an array (zeros, say) and a flag instead of None",
    under="x * k",
    args=(X, N),
    notes=(
        ("the value before the loop", "start", "None"),
        ("the loop", "loop", "for k in range(n)"),
    ),
)
def none_before_a_loop(x: Array, n: Array) -> Any:
    best = None  # <- start
    for k in range(n):  # <- loop
        best = x * k  # <- here
    return best


@wrong(
    "'value' of a Held is f32[] before the loop but f32[3] after a round of it",
    "give it the same shape before the loop and after every round",
    under="for k in range(n)",
    args=(X, N),
)
def attribute_changes_in_a_loop(x: Array, n: Array) -> Any:
    held = Held(x[0])
    for k in range(n):  # <- here
        held.value = x * k
    return held.value


@wrong(
    "item [1] of a list is f32[] before the loop but f32[3] after a round of it",
    "give it the same shape before the loop and after every round",
    under="for k in range(n)",
    args=(X, N),
)
def element_changes_in_a_loop(x: Array, n: Array) -> Any:
    found = [x[0], x[0]]
    for k in range(n):  # <- here
        found[1] = x * k
    return found


@wrong(
    "a dict has the keys ['a'] before the loop but the keys ['a', 'b'] after a round of it",
    "give it the same type and structure before the loop and after every round",
    under="for k in range(n)",
    args=(X, N),
)
def key_made_in_a_loop(x: Array, n: Array) -> Any:
    found = {"a": x}
    for k in range(n):  # <- here
        found["b"] = x * k
    return found


@wrong(
    "'found' is a tuple of 0 before the loop but a tuple of 1 after a round of it",
    "give it the same type and structure before the loop and after every round",
    under="(*found, x)",
    args=(X, N),
    notes=(
        ("the value before the loop", "start", "()"),
        ("the loop", "loop", "while n > 0"),
    ),
)
def tuple_grows_in_a_loop(x: Array, n: Array) -> Any:
    found = ()  # <- start
    while n > 0:  # <- loop
        found = (*found, x)  # <- here
        n -= 1
    return found


@wrong(
    "a list grows in a loop whose number of rounds is not known",
    "say the most rounds: `with jaxgrad.loop(max_steps=...)` round it; or write into an array of a fixed size (zeros, then x[i] = value)",
    under="while x < 9",
    args=(s(1.0),),
)
def list_grows_in_a_while(x: Array) -> Any:
    found = []
    while x < 9:  # <- here
        x = x * 2
        found.append(x)
    return found


@wrong(
    "a list grows in a loop whose number of rounds is not known",
    "say the most rounds: `with jaxgrad.loop(max_steps=...)` round it; or write into an array of a fixed size (zeros, then x[i] = value)",
    under="for k in range(n)",
    args=(X, N),
)
def list_grows_over_a_traced_range(x: Array, n: Array) -> Any:
    found = []
    for k in range(n):  # <- here
        found.append(x * k)
    return found


@wrong(
    "this while ran 10000 rounds while it was compiled",
    "its condition depends on Python values alone, so that every round is compiled: let it depend on an array (jnp.asarray(0) as the counter)",
    under="while k < 3",
    args=(s(1.0),),
)
def while_without_end(x: Array) -> Any:
    k = 0
    while k < 3:  # <- here
        k = min(k, 2)
    return x


@wrong(
    "'held' is a list before the loop but a dict with the keys ['x'] after a round of it",
    "give it the same type and structure before the loop and after every round",
    under='{"x": x}',
    args=(s(1.0),),
    notes=(
        ("the value before the loop", "start", "[x]"),
        ("the loop", "loop", "while x < 9"),
    ),
)
def object_replaced_in_a_loop(x: Array) -> Any:
    held = [x]  # <- start
    while x < 9:  # <- loop
        held = {"x": x}  # <- here
        x = x * 2
    return held


@wrong(
    "'word' is 'a' before the loop but 'ab' after a round of it",
    "let the loop change arrays alone: what else it binds has to be the same after every round",
    under='word + "b"',
    args=(s(1.0),),
    notes=(
        ("the value before the loop", "start", '"a"'),
        ("the loop", "loop", "while x < 9"),
    ),
)
def text_made_in_a_loop(x: Array) -> Any:
    word = "a"  # <- start
    while x < 9:  # <- loop
        word = word + "b"  # <- here
        x = x * 2
    return {word: x}


@wrong(
    "range expected integers; got f32[]",
    under="range(x)",
    args=(s(3.0),),
    error=TypeError,
    notes=(("In", "here", "range(x)"),),
)
def range_of_a_float(x: Array) -> Any:
    for k in range(x):  # <- here
        pass
    return x


@wrong(
    "iteration over a 0-d array",
    under="x",
    args=(s(3.0),),
    error=TypeError,
    notes=(("In", "here", "x"),),
)
def loop_over_a_scalar(x: Array) -> Any:
    for value in x:  # <- here
        pass
    return x


@wrong(
    "the number of items is not known while the script is compiled",
    "loop over them with `for`, or give the range a Python int",
    under="list(range(n))",
    args=(N,),
)
def list_of_a_traced_range(n: Array) -> Any:
    return list(range(n))  # <- here


@wrong(
    "a list grows in a loop whose number of rounds is not known",
    "say the most rounds: `with jaxgrad.loop(max_steps=...)` round it; or write into an array of a fixed size (zeros, then x[i] = value)",
    under="range(n)",
    args=(N,),
)
def comprehension_over_a_traced_range(n: Array) -> Any:
    return [k for k in range(n)]  # <- here


@wrong(
    "the recursion of 'recursion_on_a_traced_value' does not end: recursion_on_a_traced_value -> recursion_on_a_traced_value",
    "let it depend on Python values, or write a loop: both branches of a traced condition are compiled, so that it ends no recursion",
    under="recursion_on_a_traced_value(x - 1)",
    args=(X,),
    notes=("while compiling recursion_on_a_traced_value, called from {file}:{here}",),
)
def recursion_on_a_traced_value(x: Array) -> Array:
    if x[0] < 0:
        return x
    return recursion_on_a_traced_value(x - 1)  # <- here


@wrong(
    "'x' is f32[2] in the if-branch (line {here}) but f32[3] in the path that skips the if",
    "give it the same shape on both paths",
    under="x[:2]",
    args=(X, N),
    notes=(
        ("the value before the loop", "start", "x: Array"),
        ("the loop", "loop", "while n > 0"),
    ),
)
def shape_changes_in_a_branch_in_a_loop(x: Array, n: Array) -> Any:  # <- start
    while n > 0:  # <- loop
        if x[0] > 3:
            x = x[:2]  # <- here
        n -= 1
    return x
