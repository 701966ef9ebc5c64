"""Programs: `if`, ternaries, conditions, joins of types, names of one branch only."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: SIM108

import jax.numpy as jnp

from tests.frontend.program import Array, Table, b, i, iv, s, v

program = Table()
refused = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)


@program((UP,), (DOWN,), shows="if on a traced value")
def if_else(x: Array) -> Array:
    if x.sum() > 0:
        y = x * 2
    else:
        y = x - 1
    return y


@program((UP,), (DOWN,), shows="if on a traced value")
def if_without_else(x: Array) -> Array:
    y = x * 3
    if x[0] < 0:
        y = y + 10
    return y * x


@program((UP,), (DOWN,), (MIXED,), shows="elif and nested ifs")
def elif_chain(x: Array) -> Array:
    total = x.sum()
    if total > 5:
        y = x**2
    elif total > 0:
        y = -x
    elif total > -1:
        y = x
    else:
        y = jnp.sin(x)
    return y + total


@program((UP, DOWN), (DOWN, UP), (UP, UP), shows="elif and nested ifs")
def nested_ifs(x: Array, y: Array) -> Array:
    if x[0] > 0:
        if y[0] > 0:
            z = x + y
        else:
            z = x - y
        z = z * 2
    else:
        if y[0] > 0:
            z = x * y
        else:
            z = x
    return z


@program((UP,), (DOWN,), shows="elif and nested ifs")
def several_ifs_in_a_row(x: Array) -> Array:
    n = 0
    if x[0] > 0:
        n = n + 1
    if x[1] > 0:
        n = n + 2
    if x[2] < 0:
        n = n + 4
        x = x * n
    return x + n


@program((UP, None), (UP, MIXED), shows="if on a static value; Optional")
def none_or_array(x: Array, w: Array | None) -> Array:
    if w is None:
        return x
    return x * w


@program((UP, 2), (UP, 3), (DOWN, -1), shows="if on a static value")
def if_on_an_int(x: Array, n: int) -> Array:
    if n > 2:
        y = x[:n]
    elif n > 0:
        y = x[:1]
    else:
        y = jnp.stack([x, x])
    return y * n


@program((UP, "sum"), (UP, "mean"), (UP, "other"), shows="if on a static value; str")
def if_on_a_string(x: Array, how: str) -> Array:
    if how == "sum":
        return x.sum()
    if how in ("mean", "average"):
        return x.mean()
    return x


@program((UP,), (v(1, 2),), shows="if on a static value")
def if_on_a_shape(x: Array) -> Array:
    if x.shape[0] == 3 and x.ndim == 1:
        return x[2]
    return x[0]


@program((UP,), (iv(1, 2, 3),), shows="if on a static value; dtype")
def if_on_a_dtype(x: Array) -> Array:
    if x.dtype == jnp.float32:
        return x / 2
    return x // 2


@program((UP, (UP, DOWN)), (UP, MIXED), shows="if on a static value; builtins")
def if_on_isinstance(x: Array, y: object) -> Array:
    if isinstance(y, tuple):
        first, second = y
        return x + first * second
    return x + y


@program((UP, True), (DOWN, True), (UP, False), shows="if on a static value")
def static_and_traced_mixed(x: Array, flip: bool) -> Array:
    if flip and x[0] > 0:
        return -x
    if not flip or x[1] < -5:
        return x * 4
    return x


@program((UP,), (DOWN,), shows="ternary")
def ternary(x: Array) -> Array:
    y = x * 2 if x[0] > 0 else x / 2
    return y if y.sum() > 3 else y + 1


@program((UP,), (DOWN,), (MIXED,), shows="ternary")
def nested_ternary(x: Array) -> Array:
    return x if x[0] < 0 else (x * 10 if x[1] < 0 else x * 100)


@program((s(4.0),), (s(0.0),), shows="ternary")
def ternary_keeps_the_gradient_finite(x: Array) -> Array:
    return jnp.sqrt(x) if x > 0 else 0 * x


@program((v(2),), (v(-2),), shows="condition of shape (1,) or not bool")
def condition_of_shape_1(x: Array) -> Array:
    if x > 0:
        return x * 2
    return x * 3


@program((v(2),), (v(0),), shows="condition of shape (1,) or not bool")
def condition_of_float(x: Array) -> Array:
    if x:
        y = 1 / x
    else:
        y = x
    return y


@program((i(3), UP), (i(0), UP), shows="condition of shape (1,) or not bool")
def condition_of_int(n: Array, x: Array) -> Array:
    return x * n if n else -x


@program((i(3), UP), (i(0), UP), shows="condition of shape (1,) or not bool")
def while_of_int(n: Array, x: Array) -> Array:
    with_n = 0
    while n:
        n = n - 1
        with_n += 2
    return x * with_n


@program((UP,), (DOWN,), shows="join of types", joined=True)
def int_joined_with_float(x: Array) -> Array:
    if x[0] > 0:
        a = 1
    else:
        a = 2.5
    return x * a


@program((s(3),), (s(-3),), shows="join of types", joined=True)
def python_float_joined_with_array(x: Array) -> Array:
    if x > 0:
        y = x * x
    else:
        y = 0.5
    return y + 1


@program((s(3),), (s(-3),), shows="join of types", joined=True)
def python_int_joined_with_array(x: Array) -> Array:
    y = 0
    if x > 0:
        y = x * x
    return y


@program((UP,), (DOWN,), shows="join of types")
def bool_joined_with_bool(x: Array) -> tuple[Array, bool]:
    flag = False
    if x[0] > 0:
        flag = True
    return x, flag


@program((UP,), (DOWN,), shows="join of types", joined=True)
def bool_joined_with_traced_bool(x: Array) -> Array:
    ok = True
    if x[0] > 0:
        ok = x[1] > 5
    return jnp.where(jnp.asarray(ok), x, 2 * x)


@program((i(3), UP), (i(-3), UP), shows="join of types", joined=True)
def weak_float_joined_with_int_array(n: Array, x: Array) -> Array:
    scale = n
    if n < 0:
        scale = 0.25
    return x * scale


@program((UP,), (DOWN,), shows="join of types; tuple")
def tuples_joined(x: Array) -> tuple[Array, int]:
    if x[0] > 0:
        pair = (x, 1)
    else:
        pair = (x * 2, 3)
    return pair


@program((UP,), (DOWN,), shows="join of types; dict")
def dicts_joined(x: Array) -> dict[str, Array]:
    if x[0] > 0:
        d = {"a": x, "b": x[0]}
    else:
        d = {"a": -x, "b": x[1]}
    d["c"] = d["a"] + d["b"]
    return d


@program((UP,), (DOWN,), shows="join of types")
def same_static_value_stays_static(x: Array) -> Array:
    if x[0] > 0:
        n = 2
        y = x
    else:
        n = 2
        y = -x
    return y[:n]


@program((UP,), (DOWN,), shows="defined in one branch")
def unused_name_of_one_branch(x: Array) -> Array:
    if x[0] > 0:
        t = x * 2
        y = t + 1
    else:
        y = x
    return y


@program((UP,), (DOWN,), shows="defined in one branch")
def name_of_one_branch_defined_later(x: Array) -> Array:
    if x[0] > 0:
        t = x * 2
    else:
        x = x + 1
    t = x * 3
    return t


@program((UP,), (DOWN,), shows="defined in one branch; early return")
def other_branch_returns(x: Array) -> Array:
    if x[0] > 0:
        t = x * 2
    else:
        return x
    return t + 1


@program(
    (UP,),
    (DOWN,),
    shows="defined in one branch; raise",
    raises={1: (ValueError, "no")},
)
def other_branch_raises(x: Array) -> Array:
    if x[0] > 0:
        t = x * 2
    else:
        raise ValueError("no")
    return t + 1


@program((UP,), (DOWN,), (MIXED,), shows="early return; elif and nested ifs")
def early_returns_in_nested_ifs(x: Array) -> Array:
    if x[0] > 0:
        if x[1] > 0:
            return x + 1
        y = x * 2
        if x[2] > 5:
            return y
    else:
        y = x * 3
    return y - 1


@program((UP,), (DOWN,), shows="early return; tuple")
def early_return_of_a_tuple(x: Array) -> tuple[Array, Array]:
    if x[0] > 0:
        return x, x[0]
    y = x * 2
    return y, y[1]


@program((UP,), (DOWN,), shows="early return")
def code_after_a_return_in_both(x: Array) -> Array:
    if x[0] > 0:
        return x
    else:
        return -x
    return x * 100


@program((UP, b(True)), (UP, b(False)), shows="if on a traced value")
def if_on_a_bool_array(x: Array, flag: Array) -> Array:
    if flag:
        x = x + 1
    if not flag:
        x = x * 2
    return x


@program((UP,), (DOWN,), shows="if on a traced value; if on a static value")
def static_if_in_a_traced_if(x: Array) -> Array:
    y = x
    if x[0] > 0:
        if x.shape == (3,):
            y = x * 2
        else:
            y = undefined_name  # noqa: F821
    return y


@program((UP,), (DOWN,), shows="if on a traced value; del, pass, docstring")
def pass_in_a_branch(x: Array) -> Array:
    """A docstring is nothing to run."""
    if x[0] > 0:
        pass
    else:
        x = -x
    "A string alone, too."
    return x


@program((UP,), (UP,), shows="if on a static value")
def a_static_branch_may_be_wrong(x: Array) -> Array:
    if x.ndim == 7:
        return x.no_such_method()
    return x


@program((UP,), (DOWN,), shows="if on a traced value")
def both_branches_swap(x: Array) -> Array:
    a, b = x[0], x[1]
    if a > b:
        a, b = b, a
    return a - 2 * b


@refused((UP,), (DOWN,), shows="None against array", refused="None")
def none_against_array(x: Array) -> object:
    y = None
    if x[0] > 0:
        y = x
    return y


@refused((UP,), shows="defined in one branch", refused="'?t'?")
def used_after_one_branch(x: Array) -> Array:
    if x[0] > 0:
        t = x
    return t
