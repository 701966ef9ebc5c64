"""Wrong programs: values that are not what an operation, or a call, needs."""
# ruff: noqa: E501

from typing import Any

import jax.numpy as jnp
import numpy as np

from tests.frontend.program import Array, i, s, v
from tests.frontend.wrong_program import Wrongs

wrong = Wrongs()

X, N = v(1, 2, 3), i(3)


@wrong(
    "'n' is i32[], which is traced, where a Python int is needed",
    "pass 'n' to traced_size as a Python int, which is static",
    under="jnp.zeros(n)",
    args=(N,),
)
def traced_size(n: Array) -> Array:
    return jnp.zeros(n)  # <- here


@wrong(
    "'k' is i32[], which is traced, where a Python int is needed",
    "pass 'n' to traced_size_computed as a Python int, which is static",
    under="x.reshape(k, -1)",
    args=(X, N),
)
def traced_size_computed(x: Array, n: Array) -> Array:
    k = n * 2
    return x.reshape(k, -1)  # <- here


@wrong(
    "'n' is i32[], which is traced, where a Python int is needed",
    "pass 'n' to traced_size_of_arange as a Python int, which is static",
    under="jnp.arange(n)",
    args=(N,),
)
def traced_size_of_arange(n: Array) -> Array:
    return jnp.arange(n)  # <- here


@wrong(
    "'n' is i32[], which is traced, where a Python int is needed",
    "pass 'n' to traced_slice as a Python int, which is static, or use jax.lax.dynamic_slice for a part of a fixed length",
    under="x[:n]",
    args=(X, N),
)
def traced_slice(x: Array, n: Array) -> Array:
    return x[:n]  # <- here


@wrong(
    "'axis' is i32[], which is traced, where a Python int is needed",
    "pass 'axis' to traced_axis as a Python int, which is static",
    under="x.sum(axis)",
    args=(X, i(0)),
)
def traced_axis(x: Array, axis: Array) -> Array:
    return x.sum(axis)  # <- here


@wrong(
    "'n' is i32[], which is traced, where a Python int is needed",
    "pass 'n' to traced_list_length as a Python int, which is static",
    under="[0] * n",
    args=(N,),
)
def traced_list_length(n: Array) -> Any:
    return [0] * n  # <- here


@wrong(
    "a traced mask, bool[3], selects a number of elements that is not known while the script is compiled",
    "use jnp.where(mask, x, other), or jnp.nonzero(mask, size=...)",
    under="x[x > 1]",
    args=(X,),
)
def traced_mask(x: Array) -> Any:
    return x[x > 1]  # <- here


@wrong(
    "a list of f32[3] and f32[] can't be indexed by a traced int: its elements have to be arrays of one type",
    "stack them into an array, or loop over the list itself",
    under="values[n]",
    args=(X, N),
)
def traced_index_of_unlike_things(x: Array, n: Array) -> Any:
    values = [x, x[0]]
    return values[n]  # <- here


@wrong(
    "a tuple of str can't be indexed by a traced int: its elements have to be arrays of one type",
    "stack them into an array, or loop over the list itself",
    under="names[n]",
    args=(N,),
)
def traced_index_of_texts(n: Array) -> Any:
    names = ("one", "two")
    return names[n]  # <- here


@wrong(
    "an element of a list whose number is traced can't be stored: it holds more than arrays",
    "use an array, or loop over the list itself",
    under="values[n]",
    args=(X, N),
)
def traced_index_stored(x: Array, n: Array) -> Any:
    values = ["one", "two"]
    values[n] = x  # <- here
    return values


@wrong(
    "the truth value of bool[3] is ambiguous: reduce it with any() or all()",
    under="if x > 0",
    args=(X,),
    error=ValueError,
    notes=(("In", "here", "if x > 0"),),
)
def condition_of_several_elements(x: Array) -> Any:
    if x > 0:  # <- here
        return x
    return -x


@wrong(
    "the truth value of bool[3] is ambiguous: reduce it with any() or all()",
    under="while x < 9",
    args=(X,),
    error=ValueError,
    notes=(("In", "here", "while x < 9"),),
)
def while_of_several_elements(x: Array) -> Any:
    while x < 9:  # <- here
        x = x * 2
    return x


@wrong(
    "the truth value of bool[3] is ambiguous: reduce it with any() or all()",
    under="assert x > 0",
    args=(X,),
    error=ValueError,
    notes=(("In", "here", "assert x > 0"),),
)
def assert_of_several_elements(x: Array) -> Any:
    assert x > 0  # <- here
    return x


@wrong(
    "the truth value of bool[3] is ambiguous: reduce it with any() or all()",
    under="x > 0 and x < 9",
    args=(X,),
    error=ValueError,
    notes=(("In", "here", "x > 0 and x < 9"),),
)
def and_of_several_elements(x: Array) -> Any:
    y = x > 0 and x < 9  # <- here
    return y


@wrong(
    "the truth value of f32[3] is ambiguous: reduce it with any() or all()",
    under="not x",
    args=(X,),
    error=ValueError,
    notes=(("In", "here", "not x"),),
)
def not_of_several_elements(x: Array) -> Any:
    return not x  # <- here


@wrong(
    "the truth value of bool[3] is ambiguous: reduce it with any() or all()",
    under="0 < x < 9",
    args=(X,),
    error=ValueError,
    notes=(("In", "here", "0 < x < 9"),),
)
def chained_comparison_of_several(x: Array) -> Any:
    return 0 < x < 9  # <- here


@wrong(
    "Array.__contains__: search array must be one-dimensional, got arr.shape=().",
    under="1 in x[0]",
    args=(X,),
    error=ValueError,
    notes=(("In", "here", "1 in x[0]"),),
)
def in_a_scalar(x: Array) -> Any:
    return 1 in x[0]  # <- here


@wrong(
    "'<' not supported between instances of 'f32[3]' and 'str'",
    under='x < "a"',
    args=(X,),
    error=TypeError,
    notes=(("In", "here", 'x < "a"'),),
)
def comparison_with_a_text(x: Array) -> Any:
    return x < "a"  # <- here


@wrong(
    "only arrays of one element can become a float; got f32[3]",
    under="float(x)",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "float(x)"),),
)
def float_of_several_elements(x: Array) -> Any:
    return float(x)  # <- here


@wrong(
    "the value of 'x', f32[], is not known while the script is compiled",
    "use the array itself: a script is compiled once for all its values",
    under="x.item()",
    args=(s(1.0),),
)
def item_of_traced(x: Array) -> Any:
    return x.item()  # <- here


@wrong(
    "dot_general requires contracting dimensions to have the same shape, got (3,) and (2,).",
    under="jnp.dot(x, x[:2])",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "jnp.dot(x, x[:2])"),),
)
def shapes_for_jax(x: Array) -> Any:
    return jnp.dot(x, x[:2])  # <- here


@wrong(
    "add got incompatible shapes for broadcasting: (3,), (2,).",
    under="x + x[:2]",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "x + x[:2]"),),
)
def shapes_for_an_operator(x: Array) -> Any:
    return x + x[:2]  # <- here


@wrong(
    "'x' is f32[3], which is traced, and can't become an array of NumPy",
    "use jax.numpy in place of numpy",
    under="np.sin(x)",
    args=(X,),
)
def traced_for_numpy(x: Array) -> Any:
    return np.sin(x)  # <- here


@wrong(
    "unsupported operand type(s) for +: 'f32[3]' and 'str'",
    under='x + "a"',
    args=(X,),
    error=TypeError,
    notes=(("In", "here", 'x + "a"'),),
)
def array_plus_text(x: Array) -> Any:
    return x + "a"  # <- here


@wrong(
    "'tuple' object does not support item assignment",
    under="pair[0]",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "pair[0]"),),
)
def store_into_a_tuple(x: Array) -> Any:
    pair = (x, x)
    pair[0] = x + 1  # <- here
    return pair


@wrong(
    "None is not a valid value for jnp.array",
    under="x[0]",
    args=(X,),
    error=ValueError,
    notes=(("In", "here", "x[0]"),),
)
def store_of_none(x: Array) -> Any:
    x[0] = None  # <- here
    return x


def untruthful(x: Array) -> Any:
    if x > 0:  # <- here
        return x
    return -x


@wrong(
    "the truth value of bool[3] is ambiguous: reduce it with any() or all()",
    under="if x > 0",
    args=(X,),
    callees=(untruthful,),
    error=ValueError,
    notes=(
        ("In", "here", "if x > 0"),
        "while compiling untruthful, called from {file}:{call}",
    ),
)
def condition_in_a_callee(x: Array) -> Any:
    return untruthful(x)  # <- call


@wrong(
    "'n' is i32[], which is traced, where a Python int is needed",
    "pass 'n' to traced_size_for_numpy as a Python int, which is static",
    under="np.zeros(n)",
    args=(N,),
)
def traced_size_for_numpy(n: Array) -> Any:
    return np.zeros(n)  # <- here


@wrong(
    "'f32[3]' object doesn't support item deletion",
    under="x[0]",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "x[0]"),),
)
def deletion_from_an_array(x: Array) -> Any:
    del x[0]  # <- here
    return x
