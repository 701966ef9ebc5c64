"""Programs: `while`, with its exits and with `jaxgrad.loop`."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: SIM108

import jax.numpy as jnp

import jaxgrad
from tests.frontend.program import Array, Table, i, s, v
from tests.helpers import TripledSin

program = Table()

UP, DOWN = v(1, 2, 3), v(-1, -2, -3)


@program(
    (s(1.5),), (s(40),), shows="while on a traced value; no trips", gradient="forward"
)
def doubled_until_large(x: Array) -> Array:
    while x < 30:
        x = x * 2
    return x


@program((s(1.5),), (s(12),), shows="while on a traced value", gradient="forward")
def while_counts(x: Array) -> tuple[Array, int]:
    n = 0
    while x < 30 and n < 3:
        x = x + x / 2
        n += 1
    return x, n


@program((UP, 3), (DOWN, 3), (UP, 0), shows="while on a static value; no trips")
def while_on_a_static_value(x: Array, n: int) -> Array:
    k = 0
    while k < n:
        x = x * (k + 1)
        k += 1
    return x + k


@program((UP, 5), (DOWN, 5), shows="while on a static value; break")
def while_on_a_static_list(x: Array, n: int) -> Array:
    rest = list(range(n))
    while rest:
        k = rest.pop()
        if k == 1:
            break
        x = x + k
    return x * len(rest)


@program((i(27),), (i(8),), (i(1),), shows="while on a traced value", gradient="none")
def collatz(n: Array) -> tuple[Array, int]:
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return n, steps


@program((i(12), i(18)), (i(7), i(3)), shows="while on a traced value", gradient="none")
def greatest_common_divisor(a: Array, c: Array) -> Array:
    while c:
        a, c = c, a % c
    return a


@program((s(1),), (s(9),), shows="while True; break", gradient="forward")
def while_true_with_break(x: Array) -> Array:
    while True:
        x = x * 3
        if x > 20:
            break
        x = x + 1
    return x


@program((s(1),), (s(90),), shows="while True; return in a loop", gradient="forward")
def while_true_with_return(x: Array) -> Array:
    n = 1
    while True:
        if x > 50:
            return x * n
        x = x * 2 + n
        n = n + 1


@program(
    (s(1),), (s(9),), (s(50),), shows="while True; break; continue", gradient="forward"
)
def while_with_break_and_continue(x: Array) -> tuple[Array, Array]:
    odd = jnp.int32(0)
    n = 0
    while x < 40:
        n += 1
        x = x + n
        if n % 2 == 0:
            continue
        odd = odd + 1
        if x > 30:
            break
        x = x * 1.5
    return x, odd


@program((s(1),), (s(50),), shows="loop else", gradient="forward")
def while_else(x: Array) -> Array:
    while x < 20:
        x = x * 2
        if x > 14:
            break
    else:
        x = -x
    return x


@program((s(1),), (s(50),), (s(-4),), shows="return in a loop", gradient="forward")
def while_with_return(x: Array) -> Array:
    y = x
    while y < 20:
        y = y * 2
        if y < 0:
            return y - 100
        y = y + 1
    return y


@program((s(1), s(3)), (s(8), s(1)), shows="nested loops", gradient="forward")
def nested_whiles(x: Array, y: Array) -> Array:
    while x < 20:
        inner = y
        while inner < x:
            inner = inner * 2
        x = x + inner
    return x


@program((s(1), i(3)), (s(15), i(2)), shows="nested loops; break", gradient="forward")
def break_of_the_inner_while(x: Array, n: Array) -> Array:
    while n > 0:
        k = n
        while True:
            x = x + k
            k = k - 1
            if x > 16 or k == 0:
                break
        n = n - 1
    return x


@program((s(1),), (s(4),), shows="nested loops; return in a loop", gradient="forward")
def return_out_of_nested_whiles(x: Array) -> Array:
    n = 0
    while n < 5:
        k = 0
        while k < n:
            x = x * 1.5
            if x > 10:
                return x + n * 100 + k
            k += 1
        n += 1
    return -x


@program((s(1),), (s(30),), shows="join of types", joined=True, gradient="forward")
def carry_becomes_float(x: Array) -> Array:
    total = 0
    while x < 20:
        total = total + x
        x = x * 2
    return total


@program((s(1),), (s(30),), shows="defined in one branch", gradient="forward")
def local_name_of_a_while_body(x: Array) -> Array:
    while x < 20:
        step = x * 2
        x = step + 1
    return x


@program((s(0.5),), (s(2),), shows="loop with max_steps; with")
def bounded_while(x: Array) -> Array:
    y = x
    with jaxgrad.loop(max_steps=8, grad="bounded"):
        while y < 10:
            y = y + y * x + 2
    return y


@program((s(0.5),), (s(2),), shows="loop with max_steps")
def taped_while(x: Array) -> Array:
    y = x
    with jaxgrad.loop(max_steps=8, grad="taped"):
        while y < 10:
            y = jnp.sin(y) + x + y + 1
    return y


@program((s(0.5),), (s(2),), shows="loop with max_steps")
def checkpointed_while(x: Array) -> Array:
    y, n = x, 0
    with jaxgrad.loop(max_steps=16, grad="checkpointed"):
        while y < 10:
            y = y * 1.5 + x
            n += 1
    return y * n


@program((s(0.5),), (s(2),), shows="loop with max_steps; break; continue; loop else")
def bounded_while_with_exits(x: Array) -> Array:
    y, n = x, 0
    with jaxgrad.loop(max_steps=8):
        while n < 6:
            n += 1
            y = y * 1.5
            if y < 1:
                continue
            y = y + x
            if y > 8:
                break
        else:
            y = -y
    return y


@program((s(0.5),), (s(2),), shows="loop with max_steps; call of a Function")
def bounded_while_with_a_function(x: Array) -> Array:
    y = x
    with jaxgrad.loop(max_steps=6, grad="bounded"):
        while y < 4:
            y = TripledSin.apply(y) + y + 1
            x = x + y
    return y * x


@program((s(0.5),), (s(2),), shows="loop with max_steps; return in a loop")
def taped_while_with_return(x: Array) -> Array:
    y = x
    with jaxgrad.loop(max_steps=8, grad="taped"):
        while True:
            y = y * 2 + x
            if y > 9:
                return y * x


@program((s(0.5),), (s(3),), shows="loop with max_steps; nested loops")
def nested_bounded_whiles(x: Array) -> Array:
    y = x
    with jaxgrad.loop(max_steps=4):
        while y < 6:
            z = y
            with jaxgrad.loop(max_steps=5):
                while z < 4:
                    z = z * 1.5 + x
            y = y + z
    return y


@program(
    (s(1.5), i(5)), (s(2), i(0)), shows="loop with max_steps; for over a traced range"
)
def bounded_traced_range(x: Array, n: Array) -> Array:
    y = x
    with jaxgrad.loop(max_steps=6):
        for k in range(n):
            y = y * x + k
    return y


@program(
    (s(0.5), s(4)),
    (s(2), s(9)),
    shows="loop with max_steps; while on a traced value",
)
def newton_root(x: Array, a: Array) -> Array:
    guess = x
    with jaxgrad.loop(max_steps=20):
        while abs(guess * guess - a) > 1e-2:
            guess = (guess + a / guess) / 2
    return guess


@program((i(4), UP), (i(0), UP), shows="while on a traced value; no trips")
def while_over_a_traced_counter(n: Array, x: Array) -> Array:
    k = 0
    while k < n:
        k += 2
    return x * k


@program((v(5),), (v(1),), shows="condition of shape (1,) or not bool")
def while_with_a_condition_of_shape_1(x: Array) -> Array:
    n = 0
    while x - n > 2:
        n += 1
    return x * n


@program((UP,), (v(30, 2, 3),), shows="while on a traced value", gradient="forward")
def tuple_and_dict_in_the_carry(x: Array) -> tuple[Array, Array]:
    state = {"x": x, "pair": (x[0], 0)}
    while state["x"][0] < 8:
        first, n = state["pair"]
        state["x"] = state["x"] * 2
        state["pair"] = (first + state["x"][1], n + 1)
    return state["x"], state["pair"][0] * state["pair"][1]
