"""Wrong programs: calls, attributes and gradients that can't be."""
# ruff: noqa: E501

from typing import Any

import jax
import jax.numpy as jnp

import jaxgrad
from jaxgrad.errors import ArgumentError, LoopGradientError, MaxStepsError
from tests.frontend.program import Array, i, s, v
from tests.frontend.wrong_program import Wrongs
from tests.frontend.wrong_programs_objects import Held

wrong = Wrongs()

X, N = v(1, 2, 3), i(3)


@wrong(
    "f32[3] has no attribute total",
    under="x.total",
    args=(X,),
    error=AttributeError,
    notes=(("In", "here", "x.total"),),
)
def attribute_of_an_array(x: Array) -> Any:
    return x.total  # <- here


@wrong(
    "f32[3] has no attribute total",
    under="x.total()",
    args=(X,),
    error=AttributeError,
    notes=(("In", "here", "x.total()"),),
)
def method_of_an_array(x: Array) -> Any:
    return x.total()  # <- here


@wrong(
    "'Held' object has no attribute 'total'",
    under="held.total",
    args=(Held(1.0),),
    error=AttributeError,
    notes=(("In", "here", "held.total"),),
)
def attribute_of_an_object(held: Held) -> Any:
    return held.total  # <- here


@wrong(
    "module 'jax.numpy' has no attribute 'sine'",
    under="jnp.sine(x)",
    args=(X,),
    error=AttributeError,
    notes=(("In", "here", "jnp.sine(x)"),),
)
def missing_in_a_module(x: Array) -> Any:
    return jnp.sine(x)  # <- here


@wrong(
    "'f32[3]' object is not callable",
    under="x(1)",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "x(1)"),),
)
def array_is_called(x: Array) -> Any:
    return x(1)  # <- here


@wrong(
    "'int' object is not callable",
    under="n(1)",
    args=(3,),
    error=TypeError,
    notes=(("In", "here", "n(1)"),),
)
def number_is_called(n: int) -> Any:
    return n(1)  # <- here


def scale(x: Array, by: Any, *, shift: Any = 0) -> Array:
    return x * by + shift


@wrong(
    "scale() missing 1 required argument: 'by'",
    under="scale(x)",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "scale(x)"),),
)
def too_few_arguments(x: Array) -> Any:
    return scale(x)  # <- here


@wrong(
    "scale() takes 2 positional arguments but 3 were given",
    under="scale(x, 1, 2)",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "scale(x, 1, 2)"),),
)
def too_many_arguments(x: Array) -> Any:
    return scale(x, 1, 2)  # <- here


@wrong(
    "scale() got an unexpected keyword argument 'bias'",
    under="scale(x, 2, bias=1)",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "scale(x, 2, bias=1)"),),
)
def unknown_keyword(x: Array) -> Any:
    return scale(x, 2, bias=1)  # <- here


@wrong(
    "scale() got multiple values for argument 'x'",
    under="scale(2, x=x)",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "scale(2, x=x)"),),
)
def argument_given_twice(x: Array) -> Any:
    return scale(2, x=x)  # <- here


@wrong(
    "sin() takes 1 positional argument but 2 were given",
    under="jnp.sin(x, x)",
    args=(X,),
    error=TypeError,
    notes=(("In", "here", "jnp.sin(x, x)"),),
)
def too_many_for_jax(x: Array) -> Any:
    return jnp.sin(x, x)  # <- here


@wrong(
    "too many values to unpack (expected 2)",
    under="a, b",
    args=(X,),
    error=ValueError,
    notes=(("In", "here", "a, b"),),
)
def unpacking_too_many(x: Array) -> Any:
    a, b = x  # <- here
    return a + b


@wrong(
    "list index out of range",
    under="values[2]",
    args=(X,),
    error=IndexError,
    notes=(("In", "here", "values[2]"),),
)
def index_out_of_range(x: Array) -> Any:
    values = [x, x]
    return values[2]  # <- here


@wrong(
    "'b'",
    under='table["b"]',
    args=(X,),
    error=KeyError,
    notes=(("In", "here", 'table["b"]'),),
)
def missing_key(x: Array) -> Any:
    table = {"a": x}
    return table["b"]  # <- here


def reads_a_file(x: Array) -> Any:
    try:  # <- here
        return x
    finally:
        pass


def caller(x: Array) -> Any:
    return reads_a_file(x)  # <- second


@wrong(
    "`try` can't be compiled",
    "compiled code can't catch exceptions: test for the case with `if`, or put the `try` round the call of the scripted function",
    under="try",
    args=(X,),
    callees=(reads_a_file, caller),
    notes=(
        "while compiling reads_a_file, called from {file}:{second}",
        "while compiling caller, called from {file}:{first}",
    ),
)
def unscriptable_callee(x: Array) -> Any:
    return caller(x)  # <- first


def dotted(x: Array) -> Any:
    return jnp.dot(x, x[:2])  # <- here


@wrong(
    "dot_general requires contracting dimensions to have the same shape, got (3,) and (2,).",
    under="jnp.dot(x, x[:2])",
    args=(X,),
    callees=(dotted,),
    error=TypeError,
    notes=(
        ("In", "here", "jnp.dot(x, x[:2])"),
        "while compiling dotted, called from {file}:{call}",
    ),
)
def shapes_in_a_callee(x: Array) -> Any:
    return dotted(x)  # <- call


@wrong(
    "the number of rounds of this while has no bound, so that it has no reverse-mode gradient",
    "say the most rounds: `with jaxgrad.loop(max_steps=...)` round it, or script(fn, max_steps=...); or loop over a range that is known; or use forward mode (jax.jvp)",
    under="while x > 1",
    args=(s(9.0),),
    run=jax.grad,
    error=LoopGradientError,
)
def gradient_of_a_while(x: Array) -> Any:
    while x > 1:  # <- here
        x = x / 2
    return x


@wrong(
    "the number of rounds of this for has no bound, so that it has no reverse-mode gradient",
    "say the most rounds: `with jaxgrad.loop(max_steps=...)` round it, or script(fn, max_steps=...); or loop over a range that is known; or use forward mode (jax.jvp)",
    under="for _ in range(n)",
    args=(s(9.0), N),
    run=jax.grad,
    error=LoopGradientError,
)
def gradient_over_a_traced_range(x: Array, n: Array) -> Any:
    for _ in range(n):  # <- here
        x = x / 2
    return x


@wrong(
    "the loop at {file}:{here} was not done after max_steps=2",
    under="while x > 1",
    args=(s(9.0),),
    error=MaxStepsError,
    notes=(("In", "here", "while x > 1"),),
)
def more_than_max_steps(x: Array) -> Any:
    with jaxgrad.loop(max_steps=2):
        while x > 1:  # <- here
            x = x / 2
    return x


@wrong(
    "loop got grad='fast'; expected one of bounded, taped, checkpointed.",
    under='jaxgrad.loop(max_steps=9, grad="fast")',
    args=(s(9.0),),
    error=ArgumentError,
    notes=(("In", "here", 'jaxgrad.loop(max_steps=9, grad="fast")'),),
)
def unknown_grad_strategy(x: Array) -> Any:
    with jaxgrad.loop(max_steps=9, grad="fast"):  # <- here
        while x > 1:
            x = x / 2
    return x


@wrong(
    "3 is odd",
    under='raise ValueError(f"{n} is odd")',
    args=(3,),
    error=ValueError,
    notes=(("In", "here", 'raise ValueError(f"{n} is odd")'),),
)
def raised_by_the_program(n: int) -> int:
    if n % 2:
        raise ValueError(f"{n} is odd")  # <- here
    return n
