"""Programs: builtins, `math`, and the arithmetic of ints."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: C405, C408

import functools
import math
import operator
from typing import Any

import jax.numpy as jnp

from tests.frontend.program import Array, Table, b, i, iv, s, v

program = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)


@program((UP,), (DOWN,), (MIXED,), shows="builtins")
def abs_min_max(x: Array) -> Array:
    y = abs(x[0]) + min(x[1], x[2]) * 10
    return y + max(x[0], 0.5, x[2]) * 100 + max([x[1], x[0]]) + abs(-3)


@program((UP,), (DOWN,), shows="builtins", joined=True)
def min_max_with_python_numbers(x: Array) -> Array:
    low, high = min(x[0], 0), max(x[1], 1)
    return low + high * x[2]


@program((UP,), (DOWN,), shows="builtins")
def sums(x: Array) -> tuple[Array, Array, int]:
    return sum(x), sum([x[0], x[1]], x[2] * 10), sum(range(5))


@program((UP,), (DOWN,), (MIXED,), shows="builtins; and, or, not", gradient="none")
def any_all_as_values(x: Array) -> tuple[Any, ...]:
    signs = [x[0] > 0, x[1] > 0]
    return any(signs), all(signs), any(x > 2), all(x > -2), any([]), all([])


@program((UP,), (DOWN,), shows="builtins; static containers")
def builtins_on_static_values(x: Array) -> tuple[Any, ...]:
    n = len(x) + len([1, 2]) + len("abc")
    pairs = list(zip("ab", sorted([2, 1]), strict=True))
    numbers = list(map(abs, [-1, 2])), list(filter(None, [0, 3])), tuple(range(3))
    other = int("7"), float("0.5"), bool([]), str(3), round(2.567, 1), divmod(7, 2)
    return x * n, pairs, numbers, other, dict(a=1), set([1, 1]), list(reversed([1, 2]))


def _conversions(x: Any) -> Any:
    return jnp.float32(x) * 2


@program(
    (s(2.75),),
    (s(-2.75),),
    shows="builtins; int arithmetic",
    reference=_conversions,
)
def conversions(x: Array) -> tuple[Any, ...]:
    n = int(x)
    y = float(x) * 2
    if bool(x > 0):
        n = n + 10
    return n, y, bool(n), int(True)


@program((s(2.5),), (s(-1.75),), shows="builtins; int arithmetic")
def rounding(x: Array) -> tuple[Any, ...]:
    return round(x, 1) * 2, x // 1, x % 1, divmod(x, 2.0), round(2.5)


@program((i(7), i(3)), (i(-7), i(3)), (i(7), i(-3)), shows="int arithmetic",
         gradient="none")  # fmt: skip
def int_division(a: Array, c: Array) -> tuple[Any, ...]:
    quotient, rest = divmod(a, c)
    return a // c, a % c, a / c, quotient * c + rest, -a // c, abs(a) ** 2, -a


@program((UP, 7), (UP, -7), shows="int arithmetic")
def static_int_arithmetic(x: Array, n: int) -> tuple[Any, ...]:
    return x * (n // 2), n // 2, n % 3, n**2, n / 2, divmod(n, -2), n & 5, n << 2, ~n


@program((i(5),), (i(-2),), shows="int arithmetic; for over a static range",
         gradient="none")  # fmt: skip
def ints_in_a_rolled_loop(n: Array) -> Array:
    total = 0
    for k in range(-5, 12):
        if k % 3 == 1:
            total = total + k // 2 * n
        elif k % 4 == 3:
            total = total - k
    return total


@program((i(10),), (i(0),), shows="int arithmetic; while on a traced value",
         gradient="none")  # fmt: skip
def fibonacci(n: Array) -> Array:
    a, c = 0, 1
    while n > 0:
        a, c = c, a + c
        n -= 1
    return a


@program((i(97),), (i(91),), shows="int arithmetic; for over a traced range",
         gradient="none")  # fmt: skip
def is_prime(n: Array) -> bool:
    if n < 2:
        return False
    for k in range(2, n):
        if k * k > n:
            break
        if n % k == 0:
            return False
    return True


def _math(x: Any) -> Any:
    y = jnp.sin(x) + jnp.exp(x) * jnp.pi if x > 1 else jnp.sqrt(abs(x)) + jnp.tanh(x)
    return y + x**2


@program((s(1.5),), (s(-0.5),), shows="math", reference=_math)
def math_on_traced(x: Array) -> float:
    if x > 1:
        y = math.sin(x) + math.exp(x) * math.pi
    else:
        y = math.sqrt(abs(x)) + math.tanh(x)
    return y + math.pow(x, 2)


@program((s(1.5),), (s(-0.5),), shows="math; int arithmetic", gradient="none")
def math_to_ints(x: Array) -> tuple[Any, ...]:
    n = math.floor(x) + 10 * math.ceil(x)
    if math.isnan(x) or math.isinf(x):
        n = -1
    return n, math.fabs(x)


@program((UP, 9), (DOWN, 9), shows="math; if on a static value")
def math_on_static(x: Array, n: int) -> tuple[Array, int]:
    if math.sqrt(n) == 3 and math.log2(8) == 3.0:
        x = x * math.pi
    return x * math.prod([1, 2, n]), math.gcd(n, 6)


@program((UP, 2), (DOWN, 2), shows="builtins")
def pow_in_every_form(x: Array, n: int) -> Array:
    y = pow(x, n) + x**3 + 2**x
    if x[0] > 0:
        y = y + pow(x[0], 0.5)
    return y + pow(2, 3) + pow(3, 4, 5)


@program((UP,), (DOWN,), shows="builtins; lambda")
def functools_and_operator(x: Array) -> Array:
    total = functools.reduce(lambda a, c: a * 2 + c, [x[0], x[1], x[2]])
    if operator.gt(total, 0):
        total = operator.add(total, 1)
    return total * operator.itemgetter(1)([x, 3])


@program((UP, {"a": 1}), (DOWN, {"a": 1}), shows="builtins; static containers")
def attributes_by_name(x: Array, d: dict[str, int]) -> Array:
    if hasattr(x, "shape") and not hasattr(d, "shape") and callable(len):
        x = x * getattr(x, "ndim") + getattr(d, "nothing", 2)  # noqa: B009
    return x if isinstance(d, (dict, list)) and type(d) is dict else -x


@program((s(3), i(2)), (s(-3), i(5)), shows="int arithmetic; join of types")
def mixed_arithmetic(x: Array, n: Array) -> tuple[Any, ...]:
    y = x * n + n / 2
    if x > 0:
        n = n + 1
        y = y - n
    return y, n, +n, n * 2.5, 1 - n, 10 / n, 7 // n, 2**n


@program((iv(4, 7, 9, 12), i(9)), (iv(4, 7, 9, 12), i(5)), gradient="none",
         shows="while on a traced value")  # fmt: skip
def binary_search(x: Array, value: Array) -> int:
    low, high = 0, 4
    while low < high:
        middle = (low + high) // 2
        if x[middle] < value:
            low = middle + 1
        else:
            high = middle
    if low < 4 and x[low] == value:
        return low
    return -1


@program(
    (s(0.3), b(True)), (s(5), b(False)), shows="ternary; builtins; chained comparison"
)
def smooth_step(x: Array, flag: Array) -> Array:
    t = min(max(x, 0.0), 1.0) if flag else x
    inside = t * t * (3 - 2 * t)
    return inside if 0 <= x <= 1 else t


@program((s(0.5), s(1)), (s(2), s(0.1)), shows="nested loops; for over a static range")
def euler_with_halving(y: Array, h: Array) -> Array:
    time = y * 0
    for _ in range(6):
        step = h
        for _ in range(3):
            if abs(step * y) > 0.5:
                step = step * 0.5
        y = y - step * y
        time = time + step
    return y + time
