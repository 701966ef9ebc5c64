"""Wrong programs: names that have no value."""
# Written as the error demands, not as one would write it.
# ruff: noqa: B007, E501, F821, F841

from typing import Any

from tests.frontend.program import Array, i, v
from tests.frontend.wrong_program import Wrongs

wrong = Wrongs()

X, N = v(1, 2, 3), i(3)


@wrong(
    "'y' has no value here",
    "bind it before this line",
    under="y",
    args=(X,),
)
def never_bound(x: Array) -> Array:
    return x + y  # <- here
    y = 1


@wrong(
    "the name 'threshold' is not defined",
    "define it before the script is called, or import it",
    under="threshold",
    args=(X,),
)
def undefined_global(x: Array) -> Array:
    return x + threshold  # <- here


@wrong(
    "'y' may have no value here: the path that skips the if (line {branch}) does not bind it",
    "bind it on every path, before the branch or the loop",
    under="y",
    args=(X,),
)
def bound_in_the_if_branch(x: Array) -> Array:
    if x[0] > 0:  # <- branch
        y = x + 1
    return y * 2  # <- here


@wrong(
    "'y' may have no value here: the if-branch (line {branch}) does not bind it",
    "bind it on every path, before the branch or the loop",
    under="y",
    args=(X,),
)
def bound_in_the_else_branch(x: Array) -> Array:
    if x[0] > 0:  # <- branch
        z = x
    else:
        y = x + 1
    return x * y  # <- here


@wrong(
    "'y' may have no value here: the path that skips the if (line {branch}) does not bind it",
    "bind it on every path, before the branch or the loop",
    under="y",
    args=(X,),
)
def bound_in_an_elif(x: Array) -> Array:
    if x[0] > 0:
        y = x
    elif x[0] > -1:  # <- branch
        y = -x
    return y  # <- here


@wrong(
    "'y' may have no value here: the loop (line {loop}) may not run",
    "bind it on every path, before the branch or the loop",
    under="y",
    args=(X, N),
)
def bound_in_a_while(x: Array, n: Array) -> Array:
    while n > 0:  # <- loop
        y = x * n
        n -= 1
    return y  # <- here


@wrong(
    "'y' may have no value here: the loop (line {loop}) may not run",
    "bind it on every path, before the branch or the loop",
    under="y",
    args=(X, N),
)
def bound_in_a_for(x: Array, n: Array) -> Array:
    for k in range(n):  # <- loop
        y = x * k
    return y  # <- here


@wrong(
    "'k' may have no value here: the loop (line {loop}) may not run",
    "bind it on every path, before the branch or the loop",
    under="k",
    args=(N,),
)
def loop_variable_after_it(n: Array) -> Array:
    for k in range(n):  # <- loop
        pass
    return k  # <- here


@wrong(
    "'y' has no value here: line {gone} deletes it",
    "bind it before this line",
    under="y",
    args=(X,),
)
def read_after_del(x: Array) -> Array:
    y = x + 1
    del y  # <- gone
    return y  # <- here


@wrong(
    "'y' has no value here",
    "bind it before this line",
    under="y",
    args=(X,),
)
def del_of_unbound(x: Array) -> Array:
    del y  # <- here
    return x


@wrong(
    "'y' may have no value here: the if-branch (line {branch}) does not bind it",
    "bind it on every path, before the branch or the loop",
    under="y",
    args=(X,),
)
def del_in_a_branch(x: Array) -> Array:
    y = x + 1
    if x[0] > 0:  # <- branch
        del y
    return y  # <- here


@wrong(
    "'total' has no value here",
    "bind it before this line",
    under="total",
    args=(X,),
)
def augmented_before_it_is_bound(x: Array) -> Array:
    for value in x:
        total += value  # <- here
    return total


@wrong(
    "'y' has no value here",
    "bind it before this line",
    under="y",
    args=(X,),
    notes=("while compiling inner, called from {file}:{call}",),
)
def captured_and_never_bound(x: Array) -> Array:
    def inner() -> Array:
        return x + y  # <- here

    result = inner()  # <- call
    y = 1
    return result


@wrong(
    "the name 'each' is not defined",
    "define it before the script is called, or import it",
    under="each",
    args=(X,),
)
def variable_of_a_comprehension(x: Array) -> Any:
    found = [each + 1 for each in x]
    return found, each  # <- here


@wrong(
    "'y' has no value here",
    "bind it before this line",
    under="y",
    args=(X, False),
)
def bound_under_a_static_condition(x: Array, use: bool) -> Array:
    if use:
        y = x
    return y  # <- here


@wrong(
    "'y' may have no value here: the path that skips the if (line {branch}) does not bind it",
    "bind it on every path, before the branch or the loop",
    under="y",
    args=(X,),
)
def bound_before_a_break(x: Array) -> Array:
    for value in x:
        if value > 1:  # <- branch
            y = value
            break
    return y  # <- here


@wrong(
    "'y' may have no value here: the path that skips the if (line {branch}) does not bind it",
    "bind it on every path, before the branch or the loop",
    under="y",
    args=(X,),
)
def passed_on_and_not_bound(x: Array) -> Array:
    if x[0] > 0:  # <- branch
        y = x
    return add(x, y)  # <- here


def add(x: Array, y: Array) -> Array:
    return x + y


@wrong(
    "'y' may have no value here: the path that skips the if (line {branch}) does not bind it",
    "bind it on every path, before the branch or the loop",
    under="y",
    args=(X,),
)
def kept_in_a_list(x: Array) -> Any:
    if x[0] > 0:  # <- branch
        y = x
    return [x, y]  # <- here


def inner(x: Array) -> Array:
    return x + missing  # <- here


def outer(x: Array) -> Array:
    return 2 * inner(x)  # <- second


@wrong(
    "the name 'missing' is not defined",
    "define it before the script is called, or import it",
    under="missing",
    args=(X,),
    callees=(inner, outer),
    notes=(
        "while compiling inner, called from {file}:{second}",
        "while compiling outer, called from {file}:{first}",
    ),
)
def undefined_in_a_callee(x: Array) -> Array:
    return outer(x) + 1  # <- first


class Scale:
    def __init__(self, by: Any) -> None:
        self.by = by

    def apply(self, x: Array) -> Array:
        return x * self.by * missing  # <- here


@wrong(
    "the name 'missing' is not defined",
    "define it before the script is called, or import it",
    under="missing",
    args=(X, Scale(2.0)),
    callees=(Scale.apply,),
    notes=("while compiling apply, called from {file}:{call}",),
)
def undefined_in_a_method(x: Array, scale: Scale) -> Array:
    return scale.apply(x)  # <- call


double = lambda x: 2 * x * missing  # noqa: E731  # <- here


@wrong(
    "the name 'missing' is not defined",
    "define it before the script is called, or import it",
    under="missing",
    args=(X,),
    callees=(double,),
    notes=("while compiling <lambda>, called from {file}:{call}",),
)
def undefined_in_a_lambda(x: Array) -> Array:
    return double(x)  # <- call
