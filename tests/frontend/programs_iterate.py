"""Programs: `for` over arrays, containers, `zip`, `enumerate` and `reversed`."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: B905, SIM108

import jax.numpy as jnp
import numpy as np

from tests.frontend.program import Array, Table, bv, iv, m, s, v

program = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)
TABLE, OTHER = m((1, 2, 3), (-4, 5, 6)), m((-1, 0.5, 2), (3, -3, 1))
LONG = v(1, -2, 3, -4, 5, -6, 7)


@program((UP,), (DOWN,), (MIXED,), shows="for over an array")
def over_an_array(x: Array) -> Array:
    total = jnp.float32(0)
    for value in x:
        if value > 0:
            total = total + value * value
        else:
            total = total - value
    return total


@program((TABLE,), (OTHER,), shows="for over an array")
def over_rows(table: Array) -> Array:
    total = table[0] * 0
    for row in table:
        if row[0] > 0:
            total = total + row
        else:
            total = total * 2 - row
    return total


@program((TABLE,), (OTHER,), shows="for over an array; nested loops")
def over_rows_and_elements(table: Array) -> Array:
    most = table[0, 0]
    for row in table:
        for value in row:
            if value > most:
                most = value * 1
    return most


@program((LONG,), (-LONG,), shows="for over an array; break; loop else")
def over_an_array_with_break(x: Array) -> Array:
    total = x[0] * 0
    for value in x:
        total = total + value
        if value < -5:
            break
    else:
        total = total * 10
    return total


@program((LONG,), (-LONG,), shows="for over an array; return in a loop")
def first_above_a_limit(x: Array) -> Array:
    for value in x:
        if value > 4.5:
            return value
    return x[0]


@program((LONG,), (-LONG,), shows="for over an array; continue")
def over_an_array_with_continue(x: Array) -> Array:
    total = x[0]
    for value in x:
        if value < 0:
            continue
        total = total * 0.5 + value
    return total


@program((v(),), (v(),), shows="for over an array; no trips")
def over_an_empty_array(x: Array) -> Array:
    total = jnp.float32(3)
    for value in x:
        total = total * value
    else:
        total = total + 1
    return total


@program((iv(3, 1, 2), UP), (iv(0, 0, 5), UP), shows="for over an array; other dtypes")
def over_an_array_of_ints(n: Array, x: Array) -> Array:
    count = 0
    for value in n:
        count += value
        x = x + value
    return x * count


@program(
    (bv(True, False), UP),
    (bv(False, True), UP),
    shows="for over an array; other dtypes",
)
def over_an_array_of_bools(flags: Array, x: Array) -> Array:
    for flag in flags:
        if flag:
            x = x + 1
        else:
            x = x * 2
    return x


@program((UP, DOWN), (MIXED, UP), shows="for over several arrays")
def over_zip(x: Array, y: Array) -> Array:
    total = jnp.float32(0)
    for a, c in zip(x, y):
        if a > c:
            total = total + a * c
    return total


@program((UP, LONG), (MIXED, -LONG), shows="for over several arrays")
def over_zip_of_different_lengths(x: Array, y: Array) -> Array:
    total = jnp.float32(0)
    for a, c, k in zip(x, y, range(10)):
        total = total + a * c * k
    return total


@program((LONG,), (-LONG,), shows="for over several arrays")
def over_enumerate(x: Array) -> Array:
    best, where = x[0], 0
    for k, value in enumerate(x):
        if value > best:
            best, where = value, k
    return best * where


@program((LONG,), (-LONG,), shows="for over several arrays")
def over_enumerate_from_a_start(x: Array) -> Array:
    total = x[0]
    for k, value in enumerate(x, start=3):
        total = total + k * value
    return total


@program((UP, DOWN), (MIXED, UP), shows="for over several arrays; unpacking")
def over_enumerated_pairs(x: Array, y: Array) -> Array:
    total = x[0]
    for k, (a, c) in enumerate(zip(x, y)):
        total = total + k * a * c
    return total


@program((LONG,), (-LONG,), shows="for over several arrays")
def over_reversed(x: Array) -> Array:
    total = x[0]
    for value in reversed(x):
        total = total * 0.5 + value
    return total


@program((UP,), (DOWN,), shows="for over a static range; for over several arrays")
def over_a_reversed_range(x: Array) -> Array:
    for k in reversed(range(8)):
        x = x * 0.5 + k
    return x


@program((UP, DOWN), (MIXED, UP), shows="for over a container; tuple")
def over_a_tuple(x: Array, y: Array) -> Array:
    total = x * 0
    for value in (x, y[:1], 3, 2.5):
        total = total + value
    return total


@program((UP, DOWN), (MIXED, UP), shows="for over a container; break; loop else")
def over_a_list_with_break(x: Array, y: Array) -> Array:
    total = x
    for value in [y, x, y * 2]:
        if total[0] > 2:
            break
        total = total + value
    else:
        total = total * 10
    return total


@program(
    ({"b": UP, "a": DOWN},), ({"b": DOWN, "a": UP},), shows="for over a container; dict"
)
def over_a_dict(d: dict[str, Array]) -> Array:
    total = d["a"] * 0
    for key in d:
        if d[key][0] > 0:
            total = total * 2 + d[key]
    return total


@program(({"b": UP, "a": s(3)},), ({"b": DOWN, "a": s(1)},), shows="dict")
def over_dict_views(d: dict[str, Array]) -> tuple[Array, list[str]]:
    total = jnp.float32(0)
    for value in d.values():
        total = total + value.sum()
    names = []
    for key, value in d.items():
        names.append(key + str(value.ndim))
    return total + len(d.keys()), names


@program(([UP, DOWN],), ([DOWN, UP],), shows="for over a container; tuple")
def over_zip_of_lists(xs: list[Array]) -> Array:
    total = xs[0]
    for x, w in zip(xs, (2, 3.5)):
        total = total + x * w
    return total


@program(([UP, DOWN],), ([DOWN, UP],), shows="for over a container")
def over_a_reversed_list(xs: list[Array]) -> Array:
    total = xs[0]
    for k, x in enumerate(reversed(xs)):
        total = total * 2 + x * k
    return total


@program((UP, "ab"), (DOWN, "ab"), (UP, "ba"), shows="for over a container; str")
def over_a_string(x: Array, word: str) -> Array:
    for letter in word:
        if letter == "a":
            x = x + 1
        else:
            x = x * 2
    return x


@program((UP,), (DOWN,), shows="for over a container")
def over_a_list_of_functions(x: Array) -> Array:
    for fn in [jnp.sin, jnp.abs, lambda value: value * 2]:
        x = fn(x)
    return x


@program((UP,), (DOWN,), shows="for over a container; return in a loop")
def return_in_an_unrolled_loop(x: Array) -> Array:
    for limit in (0, -2, -10):
        if x[0] > limit:
            return x * limit
    return x


@program((UP,), (DOWN,), shows="for over a container; static containers")
def over_a_sorted_set(x: Array) -> Array:
    for k in sorted({3, 1, 2}):
        x = x * 0.5 + k
    return x


@program((UP,), (DOWN,), shows="for over an array; static containers")
def over_a_numpy_constant(x: Array) -> Array:
    for value in np.array([0.5, 2.0, -1.0], np.float32):
        x = x * value + 1
    return x


@program((TABLE,), (OTHER,), shows="for over an array; unpacking")
def rows_are_unpacked(table: Array) -> Array:
    total = table[0, 0]
    for a, c, d in table:
        total = total + a * c - d
    return total


@program((UP, DOWN), (MIXED, UP), shows="slices; for over several arrays")
def over_slices(x: Array, y: Array) -> Array:
    total = x[0]
    for a, c in zip(x[::-1], y[1:]):
        total = total + a * c
    return total
