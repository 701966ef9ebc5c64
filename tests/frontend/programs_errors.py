"""Programs: `assert`, `raise`, `print` and f-strings."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: UP031, UP032

import jax.numpy as jnp

from tests.frontend.program import Array, Table, i, s, v

program = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)
PRINTS = "what is printed is one program's, not a lane's"


class TooLarge(ValueError):
    """An exception of one's own, with a message made in it."""

    def __init__(self, limit: float) -> None:
        super().__init__(f"larger than {limit}")
        self.limit = limit


class Stop(Exception):
    """An exception without a message."""


@program((UP,), (DOWN,), shows="assert", raises={1: (AssertionError, "not positive")})
def assert_with_message(x: Array) -> Array:
    assert x[0] > 0, "not positive"
    return x * 2


@program((UP,), (DOWN,), shows="assert", raises={1: (AssertionError, "")})
def assert_without_message(x: Array) -> Array:
    assert x.sum() > 0
    return jnp.log(x)


@program(
    (UP, 2),
    (UP, -1),
    shows="assert; if on a static value",
    raises={1: (AssertionError, "n is -1")},
)
def static_assert(x: Array, n: int) -> Array:
    assert n > 0, f"n is {n}"
    return x * n


@program(
    (UP,),
    (DOWN,),
    (v(9, 2, 3),),
    shows="raise",
    raises={1: (ValueError, "negative"), 2: (TooLarge, "larger than 8.0")},
)
def raise_in_branches(x: Array) -> Array:
    if x[0] < 0:
        raise ValueError("negative")
    elif x[0] > 8:
        raise TooLarge(8.0)
    return jnp.sqrt(x)


@program((UP,), (DOWN,), shows="raise", raises={1: (Stop, "")})
def raise_of_a_class(x: Array) -> Array:
    if x[0] < 0:
        raise Stop
    return x


@program((UP,), (DOWN,), shows="raise", raises={1: (KeyError, "'name'")})
def raise_of_a_key_error(x: Array) -> Array:
    y = x
    if x[0] < 0:
        raise KeyError("name")
    return y * 2


@program(
    (UP,), (v(1, -2, 3),), (MIXED,), shows="raise; for over an array", raises={
        1: (ValueError, "value below -1"), 2: (ValueError, "value below -1")
    },
)  # fmt: skip
def raise_in_a_for(x: Array) -> Array:
    total = x[0]
    for value in x:
        if value < -1:
            raise ValueError("value below -1")
        total = total + value
    return total


@program(
    (s(1), i(5)),
    (s(1), i(60)),
    shows="raise; while on a traced value",
    gradient="forward",
    raises={1: (OverflowError, "too far")},
)
def raise_in_a_while(x: Array, n: Array) -> Array:
    k = 0
    while k < n:
        x = x * 1.5
        k += 1
        if x > 1000:
            raise OverflowError("too far")
    return x


@program(
    (s(1), s(3)),
    (s(1), s(-3)),
    (s(-1), s(-3)),
    shows="assert; raise",
    raises={1: (AssertionError, "second"), 2: (ValueError, "first")},
)
def the_first_error_wins(x: Array, y: Array) -> Array:
    if x < 0:
        raise ValueError("first")
    assert y > 0, "second"
    return x * y


def _root(x: Array) -> Array:
    if x < 0:
        raise ArithmeticError("root of a negative number")
    return jnp.sqrt(x)


@program(
    (UP,),
    (MIXED,),
    shows="raise; call of a Python function; for over an array",
    raises={1: (ArithmeticError, "root of a negative number")},
)
def raise_in_a_nested_call(x: Array) -> Array:
    total = x[0] * 0
    for value in x:
        total = total + _root(value)
    return total


@program(
    (i(3), UP),
    (i(-3), UP),
    shows="raise; f-string",
    raises={1: (ValueError, "n is -3, not positive")},
)
def message_with_a_traced_value(n: Array, x: Array) -> Array:
    if n <= 0:
        raise ValueError(f"n is {n}, not positive")
    return x * n


@program(
    (UP,),
    (DOWN,),
    shows="assert; early return",
    raises={1: (AssertionError, "after the return")},
)
def assert_after_an_early_return(x: Array) -> Array:
    if x[1] > 0:
        return x
    assert x[1] > -1, "after the return"
    return -x


@program((UP,), (DOWN,), (MIXED,), shows="assert; if on a traced value")
def assert_of_the_path_that_is_taken(x: Array) -> Array:
    if x[0] > 0:
        assert x[2] > 0
    else:
        assert x[2] < 0, "never"
    return x


@program(
    (UP,),
    (DOWN,),
    shows="raise; loop else",
    raises={1: (LookupError, "nothing found")},
)
def raise_in_a_loop_else(x: Array) -> Array:
    for value in x:
        if value > 1:
            found = value
            break
    else:
        raise LookupError("nothing found")
    return found


@program((UP,), (DOWN,), shows="print", batched=PRINTS)
def print_of_static_and_traced(x: Array) -> Array:
    print("start", 1, (2, "a"), sep="-")
    print("x is", x)
    y = x * 2
    print(y[0], y.shape, end="!\n")
    return y


@program((UP,), (DOWN,), shows="print; if on a traced value", batched=PRINTS)
def print_in_branches(x: Array) -> Array:
    print("before")
    if x[0] > 0:
        print("up")
        x = x + 1
    else:
        print("down", x[1])
    print("after")
    return x


@program((UP,), (DOWN,), shows="print; for over a static range", batched=PRINTS)
def print_in_a_rolled_loop(x: Array) -> Array:
    for k in range(6):
        x = x * 0.5
        if x[0] > 0.1:
            print("step", k)
    print()
    return x


@program(
    (s(1),), (s(9),), shows="print; while True", batched=PRINTS, gradient="forward"
)
def print_in_a_while(x: Array) -> Array:
    n = 0
    while True:
        n += 1
        print(f"{n}: {x}")
        x = x * 2
        if x > 10:
            break
    return x


@program(
    (s(1.25), i(7)),
    (s(-3), i(12)),
    shows="print; f-string",
    batched=PRINTS,
    reference=jnp.multiply,
)
def print_of_f_strings(x: Array, n: Array) -> Array:
    name = "x"
    print(f"{name}={x:.2f} n={n} {{}} {3!r:>4}")
    text = f"{n:03d}|{x:+.1e}"
    print(text, f"and {text}")
    print("%s and %.3f" % ("old", x))
    print("{} {:>5.1f} {n}".format(1, x, n=n))
    return x * n


@program((UP, "mean"), (DOWN, "mean"), shows="f-string; str")
def static_f_strings(x: Array, how: str) -> tuple[Array, str, str]:
    label = f"{how}_{x.ndim}d" + "!" * 2
    if label.startswith("mean"):
        x = x / len(label)
    return x, label.upper(), f"{x.shape}-{x.dtype}"
