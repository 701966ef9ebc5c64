"""Programs: `and`, `or`, `not`, chained comparisons, short circuits, walrus."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: C419, RUF021, SIM108

import jax
import jax.numpy as jnp

from tests.frontend.program import Array, Table, b, i, s, v
from tests.helpers import TripledSin

program = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)


@program((UP,), (DOWN,), (MIXED,), shows="and, or, not")
def and_or_not(x: Array) -> Array:
    if x[0] > 0 and x[1] > 0:
        y = x
    elif x[0] > 0 or x[2] > 1:
        y = x * 2
    else:
        y = x * 3
    if not x[1] > 0:
        y = y + 1
    return y


@program((UP,), (DOWN,), (MIXED,), shows="and, or, not")
def long_and_or(x: Array) -> Array:
    if x[0] > 0 and x[1] > 0 and x[2] > 0 or x[0] < -5 or not (x[1] < 0 or x[2] < 0):
        return x * 5
    return x


@program((UP, b(True)), (UP, b(False)), (DOWN, b(True)), shows="and, or, not")
def bool_operators_as_values(x: Array, flag: Array) -> tuple[Array, Array]:
    both = flag and x[0] > 0
    either = flag or x[0] > 0
    return both, either


@program((UP, b(True)), (UP, b(False)), shows="and, or, not")
def not_as_a_value(x: Array, flag: Array) -> Array:
    other = not flag
    return x if other else x * 2


@program((UP, None), (UP, DOWN), (UP, UP), shows="and, or, not; Optional")
def static_operand_decides(x: Array, w: Array | None) -> Array:
    if w is not None and w[0] > 0:
        return x + w
    if w is None or w[1] < 0:
        return x
    return w


@program((UP, ""), (UP, "name"), shows="and, or, not; str")
def static_or_gives_the_operand(x: Array, name: str) -> tuple[Array, str]:
    label = name or "default"
    size = len(name) and 3
    return x * len(label), label + str(size)


@program((s(0.5),), (s(2),), (s(-1),), shows="chained comparison")
def chained_comparison(x: Array) -> Array:
    if 0 < x < 1:
        return x * 10
    if 1 <= x <= 2 != 3:
        return x * 20
    return x


@program((s(0.5),), (s(2),), shows="chained comparison")
def chained_comparison_as_a_value(x: Array) -> Array:
    inside = 0 < x < 1
    return jnp.where(inside, x, -x)


@program(
    (s(0.5), {"n": i(0)}),
    (s(-2), {"n": i(0)}),
    shows="chained comparison; short circuit; dict store",
)
def chained_comparison_evaluates_once(x: Array, state: dict[str, Array]) -> Array:
    def middle() -> Array:
        state["n"] = state["n"] + 1
        return x

    def last() -> Array:
        state["n"] = state["n"] + 10
        return x + 1

    if -1 < middle() < last():
        return x * 2
    return x


@program((i(6), i(2)), (i(6), i(0)), shows="short circuit", gradient="none")
def division_is_guarded(a: Array, d: Array) -> Array:
    if d != 0 and a // d > 2:
        return a + 100
    return a


@program((s(4),), (s(-4),), shows="short circuit")
def root_is_guarded(x: Array) -> Array:
    if x < 0 or jnp.sqrt(x) > 1.5:
        return x * 2
    return x


@program(
    (UP, {"n": i(0)}), (DOWN, {"n": i(5)}), shows="short circuit; call of a Function"
)
def guarded_call_counts(x: Array, state: dict[str, Array]) -> Array:
    def probe(value: Array) -> Array:
        state["n"] = state["n"] + 1
        return value > 1

    hits = 0
    if x[0] > 0 and probe(x[1]):
        hits = hits + 1
    if x[0] > 0 or probe(x[2]):
        hits = hits + 2
    return x * hits


def checked(value: Array) -> Array:
    assert value > 0, "only positive values"
    return value


@program((s(2),), (s(0.5),), (s(-2),), shows="short circuit; assert")
def guarded_assert(x: Array) -> Array:
    if x > 0 and checked(x) > 1:
        return x
    return -x


@program((s(2),), (s(-2),), shows="short circuit; call of a Function")
def guarded_function(x: Array) -> Array:
    y = x
    if x > 0 and TripledSin.apply(x) > 0.5:
        y = TripledSin.apply(x) * 2
    return y


@program(
    (s(2), i(3)),
    (s(2), i(0)),
    shows="short circuit; while on a traced value",
    gradient="forward",
)
def guard_in_a_while(x: Array, n: Array) -> Array:
    while n > 0 and x / n < 10:
        x = x * 2
        n = n - 1
    return x


@program((UP,), (DOWN,), (MIXED,), shows="builtins; and, or, not")
def any_and_all(x: Array) -> Array:
    if all([value > 0 for value in (x[0], x[1])]):
        return x * 2
    if any([x[0] > 0, x[2] > 5]):
        return x * 3
    return x


@program((UP,), (DOWN,), (MIXED,), shows="condition of shape (1,) or not bool")
def array_methods_as_conditions(x: Array) -> Array:
    if (x > 0).all():
        return x.sum()
    if jnp.any(x > 0):
        return x.max()
    return x.min()


@program((UP, "b"), (UP, "z"), shows="static containers; str")
def in_a_static_container(x: Array, key: str) -> Array:
    weights = {"a": 2.0, "b": 3.0}
    if key in weights and key not in ("a", "c"):
        x = x * weights[key]
    if key in "xyz":
        x = x + 1
    return x


@program((UP, None), (UP, 2), (UP, DOWN), shows="Optional; if on a static value")
def is_and_is_not(x: Array, y: object) -> Array:
    if y is None:
        y = 4
    if y is not None and not isinstance(y, jax.Array):
        y = jnp.float32(y)
    return x * y


@program((UP,), (DOWN,), shows="walrus")
def walrus_in_a_condition(x: Array) -> Array:
    if (total := x.sum()) > 0:
        return x / total
    return x * total


@program((s(1),), (s(20),), shows="walrus", gradient="forward")
def walrus_in_a_while(x: Array) -> Array:
    n = 0
    while (y := x * 2) < 16:
        x = y + 1
        n += 1
    return x + y * n


@program((UP,), (DOWN,), shows="walrus; ternary")
def walrus_in_a_ternary(x: Array) -> Array:
    y = (top := x[0] * 2) if x[1] > 0 else (top := x[2])
    return y + top


@program((i(6), i(3)), (i(5), i(3)), shows="bit operations", gradient="none")
def bit_operations(a: Array, c: Array) -> tuple[Array, ...]:
    if a & 1:
        a = a ^ c
    else:
        a = a | (c << 2)
    return a, ~a, a >> 1, c & 2


@program(
    (b(True), b(False)),
    (b(True), b(True)),
    shows="bit operations; other dtypes",
    gradient="none",
)
def bit_operations_of_bools(p: Array, q: Array) -> tuple[Array, ...]:
    r = p & q
    if r | ~q:
        r = p ^ q
    return r, p & ~q


@program((UP, UP), (UP, MIXED), shows="chained comparison; short circuit")
def comparisons_of_every_kind(x: Array, y: Array) -> Array:
    n = 0
    if x[0] == y[0]:
        n += 1
    if x[1] != y[1]:
        n += 2
    if x[2] >= y[2]:
        n += 4
    if x[1] <= y[1]:
        n += 8
    return x * n


@program((UP, True), (UP, False), shows="and, or, not; if on a static value")
def static_side_effects_are_not_run(x: Array, flag: bool) -> tuple[Array, list[str]]:
    told: list[str] = []

    def tell(word: str) -> bool:
        told.append(word)
        return True

    if flag and tell("first"):
        x = x * 2
    if flag or tell("second"):
        x = x + 1
    return x, told
