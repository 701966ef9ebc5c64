"""Wrong programs: what has to happen in Python, and keys that are traced."""
# Written as the error demands, not as one would write it.
# ruff: noqa: E501

import contextlib
import random
import time
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

import jaxgrad
from tests.frontend.program import Array, i, s, v
from tests.frontend.wrong_program import Wrongs

wrong = Wrongs()

X = v(1, 2, 3)


@wrong(
    "locals() can't be compiled: a script has no such frame",
    "pass the values themselves",
    under="locals()",
    args=(X,),
)
def call_of_locals(x: Array) -> Any:
    return locals()  # <- here


@wrong(
    "eval() can't be compiled: a script has no such frame",
    "pass the values themselves",
    under='eval("x + 1")',
    args=(X,),
)
def call_of_eval(x: Array) -> Any:
    return eval("x + 1")  # <- here


@wrong(
    "exec() can't be compiled: a script has no such frame",
    "pass the values themselves",
    under='exec("y = 1")',
    args=(X,),
)
def call_of_exec(x: Array) -> Any:
    exec("y = 1")  # <- here
    return x


@wrong(
    "'rand' has a hidden state, and would run once, when the script is compiled",
    "use jax.random with an explicit key, or pass the value as an argument",
    under="np.random.rand(3)",
    args=(X,),
)
def random_of_numpy(x: Array) -> Array:
    return x + np.random.rand(3)  # <- here


@wrong(
    "'gauss' has a hidden state, and would run once, when the script is compiled",
    "use jax.random with an explicit key, or pass the value as an argument",
    under="random.gauss(0.0, 1.0)",
    args=(X,),
)
def random_of_python(x: Array) -> Array:
    return x * random.gauss(0.0, 1.0)  # <- here


@wrong(
    "'perf_counter' reads the time, and would read it once, when the script is compiled",
    "read it outside of the script, and pass it as an argument",
    under="time.perf_counter()",
    args=(X,),
)
def reading_the_time(x: Array) -> Any:
    start = time.perf_counter()  # <- here
    return x, start


@wrong(
    "pow with a modulus can't be compiled",
    "use % in a loop",
    under="pow(n, 2, 7)",
    args=(i(3),),
)
def power_with_a_modulus(n: Array) -> Array:
    return pow(n, 2, 7)  # <- here


@wrong(
    "filter by a traced condition has a result of unknown length",
    "keep all, and use where",
    under="filter(lambda e: e > 1, x)",
    args=(X,),
)
def filter_by_traced_values(x: Array) -> Any:
    return list(filter(lambda e: e > 1, x))  # <- here


@wrong(
    "a set can't hold traced values: their hash is not known",
    "use a list",
    under="{x[0], x[1]}",
    args=(X,),
)
def set_of_traced(x: Array) -> Any:
    return {x[0], x[1]}  # <- here


@wrong(
    "a set can't hold traced values: their hash is not known",
    "use a list",
    under="seen.add(x[0])",
    args=(X,),
)
def traced_into_a_set(x: Array) -> Any:
    seen = {1}
    seen.add(x[0])  # <- here
    return seen


@wrong(
    "a traced i32[] can't be the key of a dict",
    "use a Python value, or an array that is indexed by it",
    under="table[n]",
    args=(i(1),),
)
def traced_key_read(n: Array) -> Any:
    table = {1: "one", 2: "two"}
    return table[n]  # <- here


@wrong(
    "a traced i32[] can't be the key of a dict",
    "use a Python value, or an array that is indexed by it",
    under="table[n]",
    args=(i(1),),
)
def traced_key_stored(n: Array) -> Any:
    table = {}
    table[n] = 2  # <- here
    return table


@wrong(
    "a traced i32[] can't be the key of a dict",
    "use a Python value, or an array that is indexed by it",
    under="{n: 2}",
    args=(i(1),),
)
def traced_key_in_a_display(n: Array) -> Any:
    return {n: 2}  # <- here


@wrong(
    "this context manager swallows a ValueError, which compiled code can't",
    "test for the case with `if`, or put the `with` round the call of the scripted function",
    under="contextlib.suppress(ValueError)",
    args=(-1,),
    notes=(("raised here", "raised", 'raise ValueError("negative")'),),
)
def manager_that_swallows(n: int) -> int:
    with contextlib.suppress(ValueError):  # <- here
        if n < 0:
            raise ValueError("negative")  # <- raised
    return n


@jaxgrad.ignore
def untyped(x: Array):
    return x


@wrong(
    "untyped is marked @jaxgrad.ignore, and does not say what it returns",
    "annotate it, -> jax.ShapeDtypeStruct((3,), jnp.float32) say, or mark it @jaxgrad.ignore(result=...)",
    under="untyped(x)",
    args=(X,),
)
def ignored_without_a_type(x: Array) -> Any:
    return untyped(x)  # <- here


@wrong(
    "an element of 'global_array' can't be stored: arrays are immutable, and nothing here can be bound to the new one",
    "bind the array to a local variable first",
    under="global_array[0]",
    args=(s(1.0),),
)
def store_into_a_global_array(x: Array) -> Any:
    global_array[0] = x  # <- here
    return x


global_array = jnp.zeros(3)


@wrong(
    "numpy.pi can't be bound while a script is compiled",
    "return the value, or keep it in an object that is an argument",
    under="np.pi",
    args=(s(1.0),),
)
def attribute_of_a_module(x: Array) -> Any:
    np.pi = 3  # <- here
    return x


def numbers() -> Iterator[int]:
    yield 1  # <- here


@wrong(
    "`yield` can't be compiled",
    "return a list, or an array, instead of yielding its parts one by one",
    under="yield 1",
    args=(s(1.0),),
    callees=(numbers,),
    notes=("while compiling numbers, called from {file}:{call}",),
)
def call_of_a_generator(x: Array) -> Any:
    return x + sum(numbers())  # <- call


@jaxgrad.unused
def never_compiled(x: Array) -> Array:
    return x


@wrong(
    "never_compiled is marked @jaxgrad.unused, and was called; mark it @jaxgrad.ignore to call it in Python",
    under="never_compiled(x)",
    args=(X,),
    error=NotImplementedError,
    notes=(("In", "here", "never_compiled(x)"),),
)
def call_of_unused(x: Array) -> Any:
    return never_compiled(x)  # <- here


@wrong(
    "input() would run once, when the script is compiled",
    "call it outside of the script, and pass what it gives as an argument",
    under="input()",
    args=(X,),
)
def call_of_input(x: Array) -> Any:
    return x, input()  # <- here


@wrong(
    "'n' is i32[], which is traced, and can't be a key or an element of a set",
    "use a Python value, or an array that is indexed by it",
    under="seen.get(n)",
    args=(i(1),),
)
def traced_key_asked_for(n: Array) -> Any:
    seen = {1: "one"}
    return seen.get(n)  # <- here
