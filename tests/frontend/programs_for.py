"""Programs: `for` over ranges, with exits, nested, with `else`."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: B007, SIM108

import jax.numpy as jnp

from tests.frontend.program import Array, Table, i, m, s, v
from tests.helpers import TripledSin

program = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)
TABLE = m((1, 2, 3), (-4, 5, 6), (7, 8, -9))


@program((UP,), (DOWN,), shows="for over a static range")
def short_range(x: Array) -> Array:
    y = x
    for k in range(3):
        y = y + x[k] * k
    return y


@program((UP,), (DOWN,), shows="for over a static range")
def long_range(x: Array) -> Array:
    y = x
    for _ in range(40):
        y = jnp.sin(y) + x
    return y


@program((UP,), (DOWN,), shows="for over a static range")
def long_range_uses_its_number(x: Array) -> Array:
    total = 0
    for k in range(5, 30, 4):
        if x[0] > 0:
            total = total + k
        else:
            total = total - k
    return x * total


@program((UP,), (DOWN,), shows="for over a static range")
def negative_step(x: Array) -> tuple[Array, int]:
    y = x
    for k in range(10, -3, -2):
        y = y * 0.5 + k
    return y, k


@program((UP,), (DOWN,), shows="for over a static range; no trips")
def empty_range(x: Array) -> Array:
    y = x
    for k in range(0):
        y = y * undefined_name  # noqa: F821
    for k in range(5, 2):
        y = y + k
    return y * 2


@program((UP, 3), (DOWN, 3), (UP, 12), shows="for over a static range")
def range_over_a_static_argument(x: Array, n: int) -> Array:
    for k in range(1, n):
        x = x + x[0] / k
    return x


@program((UP,), (DOWN,), shows="for over a static range; static containers")
def body_needs_a_python_int(x: Array) -> Array:
    names = ["a", "b", "c", "d", "e", "f"]
    for k in range(6):
        x = x * len(names[k]) + k
    return x


@program((UP,), (DOWN,), shows="for over a static range; join of types", joined=True)
def carry_of_a_for_becomes_float(x: Array) -> Array:
    total, n = 0, 0
    for k in range(12):
        total += x[0] * k
        n += k
    return total + n


@program((i(4), s(1.5)), (i(0), s(2)), shows="for over a traced range; no trips")
def traced_range_of_ints(n: Array, x: Array) -> Array:
    total = 0
    for k in range(n):
        total = total + k * k
    return x * total


@program(
    (s(1.5), i(4)),
    (s(2), i(1)),
    shows="for over a traced range",
    gradient="forward",
)
def traced_range(x: Array, n: Array) -> Array:
    y = x
    for k in range(n):
        y = y * x + k
    return y


@program(
    (s(1.5), i(2), i(9)),
    (s(2), i(8), i(3)),
    shows="for over a traced range; no trips",
    gradient="forward",
)
def traced_range_with_start_and_step(x: Array, low: Array, high: Array) -> Array:
    for k in range(low, high, 3):
        x = x + k
    for k in range(high, low, -2):
        x = x * 0.5 - k
    return x


@program(
    (s(1.5), i(9)),
    (s(2), i(3)),
    shows="for over a traced range; break; loop else",
    gradient="forward",
)
def traced_range_with_break(x: Array, n: Array) -> Array:
    for k in range(n):
        x = x * 1.5
        if x > 9:
            break
    else:
        x = -x
    return x


@program((UP,), (DOWN,), shows="break; for over a static range")
def for_with_break(x: Array) -> tuple[Array, int]:
    y, last = x, 0
    for k in range(10):
        if y.sum() > 20:
            break
        y = y + 1
        last = k
    return y, last


@program((UP,), (DOWN,), shows="break; for over a static range")
def short_for_with_break(x: Array) -> Array:
    for k in range(3):
        if x[k] < -1:
            break
        x = x * 2
    return x


@program((UP,), (DOWN,), (MIXED,), shows="continue; for over a static range")
def for_with_continue(x: Array) -> Array:
    total = x[0] * 0
    for k in range(9):
        if x[k % 3] < 0:
            continue
        total = total + x[k % 3] * k
    return total


@program((UP,), (DOWN,), (MIXED,), shows="break; continue; elif and nested ifs")
def break_and_continue_in_nested_ifs(x: Array) -> Array:
    y = x[0]
    for k in range(8):
        if y > 2:
            if y > 4:
                break
            y = y + 0.75
            continue
        elif y < -3:
            y = y * -1
            continue
        y = y + x[1]
    return y


@program((UP,), (DOWN,), shows="loop else; for over a static range")
def for_else(x: Array) -> Array:
    for k in range(6):
        if x[0] * k > 4:
            x = x + k
            break
    else:
        x = x * 10
    return x


@program((UP,), (DOWN,), shows="loop else; for over a static range")
def for_else_without_exit(x: Array) -> Array:
    for k in range(5):
        x = x + k
    else:
        x = -x
    return x


@program((UP,), (DOWN,), (v(5, 5, 5),), shows="return in a loop")
def for_with_return(x: Array) -> Array:
    y = x
    for k in range(7):
        if y.sum() > 14:
            return y * k
        y = y + 1
    return y


@program((UP,), (DOWN,), shows="return in a loop; loop else")
def for_with_return_and_else(x: Array) -> Array:
    for k in range(7):
        if x[0] * k > 3:
            return x * k
    else:
        return x[::-1]


@program((UP,), (DOWN,), shows="return in a loop; tuple")
def return_of_a_tuple_in_a_loop(x: Array) -> tuple[Array, int]:
    for k in range(6):
        if x[1] * k > 5:
            return x, k
    return -x, -1


@program((TABLE, s(6.5)), (TABLE, s(100)), shows="nested loops")
def nested_fors(table: Array, limit: Array) -> Array:
    total = limit * 0
    for r in range(3):
        for c in range(3):
            if table[r, c] < limit:
                total = total + table[r, c] * (r - c)
    return total


@program((TABLE, s(6.5)), (TABLE, s(100)), shows="nested loops; break")
def break_of_the_inner_for(table: Array, limit: Array) -> Array:
    total = limit * 0
    for r in range(3):
        for c in range(3):
            if table[r, c] > limit:
                break
            total = total + table[r, c]
        total = total * 2
    return total


@program((TABLE, s(5.5)), (TABLE, s(100)), shows="nested loops; break; loop else")
def break_of_both_fors(table: Array, limit: Array) -> Array:
    total = limit * 0
    for r in range(3):
        for c in range(3):
            if table[r, c] > limit:
                total = total + 100
                break
            total = total + table[r, c]
        else:
            continue
        break
    else:
        total = -total
    return total


@program((TABLE, s(4.5)), (TABLE, s(7.5)), (TABLE, s(99)), shows="nested loops")
def return_out_of_nested_fors(table: Array, limit: Array) -> Array:
    for r in range(3):
        for c in range(3):
            if table[r, c] > limit:
                return table[r] * (10 * r + c)
        if table[r, 0] > 6:
            return table[r]
    return table[0] * 0


@program((TABLE, s(4.5)), (TABLE, s(99)), shows="nested loops; continue")
def continue_of_the_outer_for(table: Array, limit: Array) -> Array:
    total = limit * 0
    for r in range(3):
        if table[r, 1] > limit:
            continue
        for c in range(r):
            total = total + table[r, c]
    return total


@program(
    (s(1.5), i(3)), (s(9), i(2)), shows="nested loops; while True", gradient="forward"
)
def while_in_a_for(x: Array, n: Array) -> Array:
    for k in range(6):
        while True:
            x = x + k + 1
            if x > 10:
                break
        x = x / n
    return x


@program((s(1.5),), (s(9),), shows="nested loops", gradient="forward")
def for_in_a_while(x: Array) -> Array:
    while x < 12:
        for k in range(5):
            if x > 11:
                continue
            x = x + k * 0.5
        x = x + 1
    return x


@program((UP,), (DOWN,), shows="call of a Function; for over a static range")
def function_in_a_long_for(x: Array) -> Array:
    for k in range(10):
        if x[0] > 0.5:
            x = TripledSin.apply(x)
        else:
            x = x * 0.9 + 0.5
    return x


@program((UP,), (DOWN,), shows="for over a static range")
def the_loop_variable_is_assigned(x: Array) -> Array:
    for k in range(9):
        k = k * 2
        x = x + k
    return x * k


@program((UP,), (DOWN,), shows="for over a static range; tuple")
def previous_values_in_a_loop(x: Array) -> tuple[Array, Array]:
    a, c = x[0], x[1]
    for _ in range(10):
        a, c = c, a + 0.5 * c
    return a, c


@program((UP,), (DOWN,), shows="defined in one branch; for over a static range")
def name_defined_in_a_rolled_body(x: Array) -> Array:
    for k in range(10):
        step = x * 0.1
        x = x + step
    return x + step


@program((UP,), (DOWN,), shows="unpacking; for over a container; dict")
def several_loop_variables(x: Array) -> Array:
    for name, (low, high) in {"a": (0, 1), "b": (1, 3)}.items():
        x = x + x[low:high].sum() * len(name)
    return x


@program(
    (v(1, 2, 3, 4),),
    (v(-1, -2, -3, -4),),
    shows="for over a symbolic range",
)
def range_over_a_length(x: Array) -> Array:
    total = x[0] * 0
    for k in range(x.shape[0]):
        if x[k] > 0:
            total = total + x[k] * x[k]
        else:
            total = total - x[k]
    return total


@program((UP, 6), (DOWN, 6), shows="nested loops; for over a static range")
def triangle(x: Array, n: int) -> Array:
    total = x * 0
    for r in range(n):
        for c in range(r):
            total = total + x * (r * c)
    return total
