"""Wrong programs: what script's language leaves out."""
# Written as the error demands, not as one would write it.
# ruff: noqa: B006, B023, E501

from typing import Any

from tests.frontend.program import Array, i, v
from tests.frontend.wrong_program import Wrongs

wrong = Wrongs()

X = v(1, 2, 3)
total = 0


@wrong(
    "`try` can't be compiled",
    "compiled code can't catch exceptions: test for the case with `if`, or put the `try` round the call of the scripted function",
    under="try",
    args=(X,),
)
def try_and_except(x: Array) -> Array:
    try:  # <- here
        return x + 1
    except ValueError:
        return x


@wrong(
    "`yield` can't be compiled",
    "return a list, or an array, instead of yielding its parts one by one",
    under="yield x",
    args=(X,),
)
def generator(x: Array) -> Any:
    yield x  # <- here


@wrong(
    "`yield from` can't be compiled",
    "return a list, or an array, instead of yielding its parts one by one",
    under="yield from x",
    args=(X,),
)
def delegating_generator(x: Array) -> Any:
    yield from x  # <- here


@wrong(
    "`async def` can't be compiled",
    "compiled code runs to its end: use a plain function",
    under="async def coroutine",
    args=(X,),
)
async def coroutine(x: Array) -> Array:  # <- here
    return x


@wrong(
    "`async def` can't be compiled",
    "compiled code runs to its end: use a plain function",
    under="async def inner",
    args=(X,),
)
def async_comprehension(x: Array) -> Any:
    async def inner() -> Any:  # <- here
        return [e async for e in x]

    return inner()


@wrong(
    "`import` can't be compiled",
    "import it at the top of the module",
    under="import math",
    args=(X,),
)
def import_inside(x: Array) -> Array:
    import math  # <- here

    return x * math.pi


@wrong(
    "`import` can't be compiled",
    "import it at the top of the module",
    under="from math import pi",
    args=(X,),
)
def import_from_inside(x: Array) -> Array:
    from math import pi  # <- here

    return x * pi


@wrong(
    "a class inside a function can't be compiled",
    "define it outside the function",
    under="class Point",
    args=(X,),
)
def class_inside(x: Array) -> Array:
    class Point:  # <- here
        pass

    return x


@wrong(
    "`match` can't be compiled",
    "write it as if, elif and else",
    under="match n",
    args=(X, 1),
)
def match_statement(x: Array, n: int) -> Array:
    match n:  # <- here
        case 1:
            return x
    return x + 1


@wrong(
    "'total' is global, and can't be assigned here",
    "return the new value, or keep it in an attribute of an object that is an argument",
    under="total",
    args=(X,),
)
def write_to_a_global(x: Array) -> Array:
    global total
    total = total + 1  # <- here
    return x


@wrong(
    "'count' is nonlocal, and can't be assigned here",
    "return the new value, or keep it in an attribute of an object that is an argument",
    under="count",
    args=(X,),
)
def write_to_a_nonlocal(x: Array) -> Any:
    count = 0

    def more() -> None:
        nonlocal count
        count += 1  # <- here

    more()
    return count


@wrong(
    "`raise` without an exception can't be compiled",
    "name what is raised, as in raise ValueError('...')",
    under="raise",
    args=(X,),
)
def bare_raise(x: Array) -> Array:
    if x[0] > 0:
        raise  # <- here
    return x


@wrong(
    "the default of 'found' is a list, which can change",
    "make the default None, and the value inside the function",
    under="[]",
    args=(X,),
)
def mutable_default(x: Array, found: list[Any] = []) -> Any:  # <- here
    found.append(x)
    return found


SHARED: list[Any] = []


@wrong(
    "the default of 'found' is a list, which all calls would share",
    "make the default None, and the value inside the function",
    under="found: Any",
    args=(X,),
)
def shared_default(x: Array, found: Any = SHARED) -> Any:  # <- here
    return x, found


@wrong(
    "the default of 'seen' is a dict, which can change",
    "make the default None, and the value inside the function",
    under="{}",
    args=(X,),
)
def mutable_default_inside(x: Array) -> Any:
    def keep(value: Array, seen: dict[str, Any] = {}) -> Any:  # <- here
        seen["x"] = value
        return seen

    return keep(x)


@wrong(
    "the number of items is not known while the script is compiled",
    "loop over them with `for`, or give the range a Python int",
    under="first, *rest",
    args=(i(3),),
)
def star_of_traced_length(n: Array) -> Any:
    first, *rest = range(n)  # <- here
    return first, rest


@wrong(
    "this function reads 'k' of the generator around it, whose elements are all made at once here",
    "make it a list comprehension, or let the function keep the value: lambda k=k",
    under="lambda: x * k",
    args=(X,),
)
def lambda_of_a_generator(x: Array) -> Any:
    return [f() for f in (lambda: x * k for k in range(3))]  # <- here
