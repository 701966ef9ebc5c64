"""Programs: functions inside functions, closures, arguments, recursion, `with`."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: B023, E731, SIM108

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.frontend.program import Array, Table, i, s, v
from tests.helpers import TripledSin

program = Table()
refused = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)
SCALE = 2.5
WEIGHTS = np.array([0.5, -1, 2], np.float32)
SETTINGS = {"limit": 1.0, "names": ("a", "b")}
COUNTER = 0


def relu(x: Array) -> Array:
    if x > 0:
        return x
    return 0 * x


def clipped(x: Array, low: float = -1.0, high: float = 1.5) -> Array:
    if x < low:
        return x * 0 + low
    return x * 0 + high if x > high else x


@program((UP,), (DOWN,), shows="global value; str")
def global_constants(x: Array) -> Array:
    y = x * SCALE
    if y[0] > SETTINGS["limit"]:
        y = y + len(SETTINGS["names"])
    return y


@program((UP,), (DOWN,), shows="global value")
def global_array(x: Array) -> Array:
    if x[0] > 0:
        return x * WEIGHTS
    return x + WEIGHTS[1]


@program((UP,), (DOWN,), shows="call of a Python function; global value")
def calls_global_functions(x: Array) -> Array:
    return relu(x[0]) + clipped(x[1]) + clipped(x[2], high=0.5) * relu(-x[0])


@program((UP,), (DOWN,), shows="call of a Python function; for over a static range")
def calls_in_a_loop(x: Array) -> Array:
    total = x[0]
    for k in range(8):
        total = clipped(total * 1.5 + x[1], low=-2) + relu(x[2]) * k
    return total


def _first(x: Array) -> Array:
    return _second(x * 2) + 1


def _second(x: Array) -> Array:
    if x[0] > 0:
        return _third(x, 3)
    return _third(x, power=2)


def _third(x: Array, power: int) -> Array:
    return x**power


@program((UP,), (DOWN,), shows="call of a Python function; early return")
def chain_of_calls(x: Array) -> Array:
    return _first(x)


@program((UP,), (DOWN,), shows="nested def; closure")
def nested_def(x: Array) -> Array:
    offset = x[1]

    def shifted(value: Array) -> Array:
        if value > 0:
            return value + offset
        return value - offset

    return shifted(x[0]) * shifted(x[2])


@program((UP,), (DOWN,), shows="nested def; closure")
def closure_sees_the_latest_value(x: Array) -> Array:
    k = 1

    def scaled(value: Array) -> Array:
        return value * k

    a = scaled(x)
    k = 10
    if x[0] > 0:
        k = 20
    return a + scaled(x)


@program((UP,), (DOWN,), shows="nested def; closure; for over a static range")
def nested_def_called_in_loops(x: Array) -> Array:
    def step(value: Array, k: int) -> Array:
        if value.sum() > 4:
            return value * 0.5
        return value + x * k

    y = x
    for k in range(7):
        y = step(y, k)
    return y


@program((s(1),), (s(7),), shows="nested def; closure", gradient="forward")
def nested_def_called_in_a_while(x: Array) -> Array:
    def step(value: Array) -> Array:
        return value * 2 if value < 5 else value + x

    y = x
    while y < 12:
        y = step(y)
    return y


@program((UP,), (DOWN,), shows="nested def; closure")
def function_chosen_by_a_static_value(x: Array) -> Array:
    def maker(kind: str) -> Callable[[Array], Array]:
        if kind == "double":

            def made(value: Array) -> Array:
                return value * 2

        else:

            def made(value: Array) -> Array:
                return value + x[0]

        return made

    return maker("double")(x) + maker("other")(x)


@program((UP,), (DOWN,), shows="lambda; closure")
def lambdas(x: Array) -> Array:
    shift = x[2]
    double, moved = lambda a: a * 2, lambda a, c=1: a + shift * c
    pick = lambda a, c: a if a[0] > 0 else c
    return double(x) + moved(x) + moved(x, c=3) + pick(x, -x)


@program((UP,), (DOWN,), shows="lambda; closure; comprehension")
def lambdas_share_the_target_of_a_comprehension(x: Array) -> Any:
    rounds = [f() for f in [lambda: k for k in range(3)]]
    nested = [f(1) for f in [lambda a: a * x + j for i in (1, 2) for j in range(i)]]
    both = [[f() for f in g] for g in [[lambda: i + j for i in x] for j in (x, -x)]]
    kept = {k: f() for k, f in {k: lambda k=k: k * x for k in "a"}.items() if k == ""}
    if x[0] > 0:
        nested += [f() for f in [lambda: y * 2 for y in x]]  # traced once
    else:
        nested += [(lambda: y * 2)() for y in x if (lambda: y.ndim == 0)()]
    return rounds, nested[0], nested[3:], both, kept, sum((lambda: y)() for y in x)


@program((UP, jnp.sin), (DOWN, jnp.sin), (UP, relu), shows="call of a Python function")
def function_as_an_argument(x: Array, fn: Callable[[Array], Array]) -> Array:
    if x[0] > 0:
        return fn(x[0])
    return fn(x[1]) * 2


def _made(scale: float, weights: Any) -> Callable[[Array], Array]:
    def made(x: Array) -> Array:
        if x[0] > 0:
            return x * scale
        return x * weights

    made.__name__ = "made_by_another_function"
    return made


closure_of_a_factory = program((UP,), (DOWN,), shows="closure; nested def")(
    _made(3.0, WEIGHTS)
)


def _lambda_name(fn: Callable[..., Any], name: str) -> Callable[..., Any]:
    fn.__name__ = name
    return fn


a_lambda_itself = program((UP,), (DOWN,), shows="lambda; ternary")(
    _lambda_name(lambda x: x * 2 if x[0] > 0 else x - 1, "a_lambda_itself")
)


@program((UP,), (UP, 3), (UP, 3, 2.0), shows="varargs, defaults, keyword-only")
def defaults(x: Array, n: int = 1, scale: float = 0.5) -> Array:
    if x[0] * n > 2:
        return x * scale
    return x - scale


@program(
    (UP, DOWN), (DOWN, UP, MIXED), (UP,), shows="varargs, defaults, keyword-only; tuple"
)
def varargs(x: Array, *rest: Array) -> Array:
    for value in rest:
        if value[0] > 0:
            x = x + value
        else:
            x = x * value
    return x * len(rest)


@program((UP,), (DOWN,), shows="varargs, defaults, keyword-only; dict")
def calls_with_stars(x: Array) -> Array:
    def inner(a: Array, /, c: Array, *more: Array, d: int, e: int = 4, **f: Any) -> Any:
        if a > 0:
            return a + c * d + e
        return a * len(more) - f["g"]

    args, kwargs = (x[0], x[1], x[2]), {"d": 2, "g": x[2]}
    return inner(*args, **kwargs) + inner(x[0], c=x[2], d=1, e=0, g=3)


@program((UP,), (DOWN,), shows="varargs, defaults, keyword-only; closure")
def partial_functions(x: Array) -> Array:
    low = functools.partial(clipped, low=-0.5)
    return low(x[0]) + low(x[1], high=1)


@program((UP, 4), (DOWN, 4), (UP, 0), shows="recursion")
def recursion_on_a_static_int(x: Array, n: int) -> Array:
    def power(value: Array, k: int) -> Array:
        if k == 0:
            return value * 0 + 1
        half = power(value, k // 2)
        return half * half * value if k % 2 else half * half

    return power(x, n)


def tree_sum(tree: Any) -> Any:
    if isinstance(tree, (list, tuple)):
        total = 0
        for part in tree:
            total = total + tree_sum(part)
        return total
    if tree[0] > 0:
        return tree.sum()
    return -tree.sum()


@program(
    ([UP, (DOWN, [MIXED])],), ([DOWN, (UP, [MIXED])],), shows="recursion; list methods"
)
def recursion_on_a_structure(tree: list[Any]) -> Array:
    return tree_sum(tree)


@program((UP, 5), (DOWN, 5), shows="recursion")
def mutual_recursion(x: Array, n: int) -> Array:
    def even(value: Array, k: int) -> Array:
        return value if k == 0 else odd(value * 2, k - 1)

    def odd(value: Array, k: int) -> Array:
        if value[0] > 3:
            value = value - 1
        return -value if k == 0 else even(value + 1, k - 1)

    return even(x, n)


@program((UP,), (DOWN,), shows="with; if on a traced value")
def named_scopes(x: Array) -> Array:
    with jax.named_scope("outer"):
        if x[0] > 0:
            with jax.named_scope("inner"):
                x = x * 2
        else:
            x = x + 1
    return x


@program((UP,), (DOWN,), shows="with; call of JAX")
def matmul_precision(x: Array) -> Array:
    with jax.default_matmul_precision("float32"), jax.named_scope("product"):
        y = x @ x
        if y > 3:
            y = y * 2
    return y


class Doubling:
    """A context manager that notes what happens."""

    def __init__(self, x: Any) -> None:
        self.x = x
        self.closed = False

    def __enter__(self) -> "Doubling":
        self.x = self.x * 2
        return self

    def __exit__(self, *error: object) -> None:
        self.closed = True


@program((UP,), (DOWN,), shows="with; object")
def own_context_manager(x: Array) -> tuple[Array, bool]:
    with Doubling(x) as doubled:
        if x[0] > 0:
            doubled.x = doubled.x + 1
        inside = doubled.closed
    assert doubled.closed
    return doubled.x, inside


@program((UP,), (DOWN,), shows="call of a Function; early return")
def function_and_early_return(x: Array) -> Array:
    if x[0] > 0:
        return TripledSin.apply(x)
    y = TripledSin.apply(x * 2)
    return TripledSin.apply(y)


@refused((UP,), shows="write to a global or nonlocal name", refused="global")
def writes_a_global(x: Array) -> Array:
    global COUNTER
    COUNTER = COUNTER + 1
    return x * 2


@refused((UP,), shows="write to a global or nonlocal name", refused="nonlocal")
def writes_a_nonlocal(x: Array) -> Array:
    n = 0

    def count() -> None:
        nonlocal n
        n = n + 1

    count()
    return x * n


@refused((UP,), shows="try", refused="try")
def tries(x: Array) -> Array:
    try:
        y = x / x[0]
    except ZeroDivisionError:
        y = x
    return y


@refused((s(3),), shows="recursion", refused="(?i)recur|endless_recursion|cycle")
def traced_recursion(x: Array) -> Array:
    if x < 1:
        return x
    return traced_recursion(x - 1)


@refused((UP,), shows="random keys", refused="random")
def implicit_random_state(x: Array) -> Array:
    return x + np.random.rand()


@program(
    (UP, np.array([0, 7], np.uint32)),
    (DOWN, np.array([3, 1], np.uint32)),
    shows="random keys; for over a static range",
)
def random_keys(x: Array, seed: Array) -> Array:
    key = jax.random.wrap_key_data(seed)
    for _ in range(6):
        key, own = jax.random.split(key)
        if jax.random.uniform(own) > 0.5:
            x = x + jax.random.normal(own, x.shape)
        else:
            x = x * 0.5
    return x


@program((i(3), UP), (i(-3), UP), shows="int arithmetic; call of a Python function")
def int_arguments_of_a_callee(n: Array, x: Array) -> Array:
    def half(k: Any) -> Any:
        if k < 0:
            return -k // 2
        return k // 2 * 10

    return x * half(n) + half(5) + half(-5)
