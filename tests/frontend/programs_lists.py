"""Programs: lists and dicts that change, aliases, comprehensions."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: B905, SIM108

import jax.numpy as jnp

import jaxgrad
from tests.frontend.program import Array, Table, i, m, s, v

program = Table()
refused = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)
TABLE = m((1, 2, 3), (-4, 5, 6))


@program((UP,), (DOWN,), shows="append in a loop of known length")
def append_in_a_rolled_for(x: Array) -> list[Array]:
    out = []
    for k in range(10):
        if x[0] > 0:
            x = x + k
        else:
            x = x * 0.5
        out.append(x)
    return out


@program((UP,), (DOWN,), shows="append in a loop of known length")
def appended_values_are_used(x: Array) -> Array:
    out = []
    for k in range(8):
        x = x * 0.5 + k
        out.append(x[0])
    return jnp.stack(out) * out[3] + len(out) + out[-1]


@program((UP,), (DOWN,), shows="append in a loop of known length; for over an array")
def append_over_an_array(x: Array) -> tuple[Array, list[Array]]:
    seen, total = [], x[0] * 0
    for value in x:
        if value > 0:
            total = total + value
        seen.append(total)
    return jnp.stack(seen), seen


@program((UP,), (DOWN,), shows="append in a loop of known length")
def append_in_a_short_for(x: Array) -> list[object]:
    out: list[object] = []
    for k in range(3):
        out.append(x[k])
        out.append(k)
    return out


@program((UP,), (DOWN,), shows="append in a loop of known length; nested loops")
def append_in_nested_loops(x: Array) -> Array:
    rows = []
    for r in range(6):
        row = []
        for c in range(5):
            row.append(x[0] * r + c)
        rows.append(jnp.stack(row))
    return jnp.stack(rows)


@program((UP,), (DOWN,), shows="append in a loop of known length; list methods")
def append_to_a_list_that_has_items(x: Array) -> list[Array]:
    out = [x[0], x[1]]
    for k in range(9):
        out.append(out[0] * k)
    return out


@program((UP,), (DOWN,), shows="append in a loop of known length; list methods")
def append_in_both_branches(x: Array) -> list[Array]:
    out = []
    if x[0] > 0:
        out.append(x)
        out.append(x * 2)
    else:
        out.append(-x)
        out.append(x)
    return out


@program((s(1),), (s(8),), shows="append in a while; loop with max_steps")
def append_in_a_while(x: Array) -> tuple[Array, Array, int]:
    out = []
    y = x
    with jaxgrad.loop(max_steps=6):
        while y < 20:
            y = y * 2
            out.append(y)
    return out[-1], out[0] * y, len(out)


@program((UP,), (DOWN,), shows="list methods")
def list_methods(x: Array) -> tuple[Array, list[object]]:
    xs: list[object] = [3, 1, 2]
    xs.append(x)
    xs.extend([x * 2, 5])
    xs.insert(0, "first")
    last = xs.pop()
    name = xs.pop(0)
    xs.remove(1)
    return x * last + len(name), xs


@program((UP,), (DOWN,), shows="list methods")
def more_list_methods(x: Array) -> tuple[list[int], list[int], int, Array]:
    xs = [4, 2, 9, 2]
    xs.sort()
    copied = xs.copy()
    xs.reverse()
    n = xs.count(2) * 10 + xs.index(9)
    copied.clear()
    return xs, copied, n, x * n


@program((UP,), (DOWN,), shows="list methods; slices")
def list_operators(x: Array) -> list[object]:
    xs = [x, 1] + [2] * 2
    xs += [x * 2]
    xs[1] = x[0]
    del xs[2]
    xs[2:3] = [7, 8]
    return xs + xs[::-2]


@program(([UP, DOWN],), ([DOWN, UP],), shows="list methods; aliases")
def the_callers_list_changes(xs: list[Array]) -> Array:
    if xs[0][0] > 0:
        xs[1] = xs[1] + 1
    else:
        xs[0] = xs[0] * 2
    xs.append(xs[0] + xs[1])
    return xs[2]


@program((UP,), (DOWN,), shows="aliases")
def aliases_of_a_list(x: Array) -> tuple[int, list[Array]]:
    a = [x]
    c = a
    c.append(x * 2)
    d = list(a)
    d.append(x)
    return len(a) * 10 + len(d), a


@program((UP,), (DOWN,), shows="aliases")
def aliases_in_a_traced_branch(x: Array) -> tuple[list[Array], list[Array]]:
    a = [x, x]
    c = a
    if x[0] > 0:
        c[0] = x * 2
    else:
        a[1] = x * 3
    return a, c


@program((UP,), (DOWN,), shows="aliases; for over a static range")
def aliases_in_a_rolled_loop(x: Array) -> tuple[list[Array], Array]:
    a = [x, x[0]]
    box = {"a": a}
    for k in range(9):
        box["a"][0] = a[0] + k
        a[1] = a[1] * 0.5
    return a, box["a"][0]


@program((UP, [1, 2]), (DOWN, [1, 2]), shows="aliases")
def one_object_twice_among_the_arguments(x: Array, n: list[int]) -> list[int]:
    def change(first: list[int], second: list[int]) -> None:
        first.append(len(second))
        second.append(7)

    change(n, n)
    return n


@program((UP,), (DOWN,), shows="list methods; call of a Python function")
def a_callee_changes_a_list(x: Array) -> list[Array]:
    def push(xs: list[Array], value: Array) -> None:
        if value[0] > 0:
            xs[0] = value * 10
        else:
            xs[0] = value
        xs.append(value)

    out = [x]
    push(out, x + 1)
    push(out, x - 5)
    return out


@program((UP,), (DOWN,), shows="list methods; nested loops; break")
def a_stack_of_static_depth(x: Array) -> Array:
    stack = [(x, 0)]
    total = x * 0
    while stack:
        value, depth = stack.pop()
        if depth == 3:
            total = total + value
            continue
        stack.append((value * 2, depth + 1))
        stack.append((value - 1, depth + 1))
    return total


@program((UP,), (DOWN,), shows="comprehension")
def list_comprehension(x: Array) -> list[Array]:
    return [x * k + 1 for k in range(4)]


@program((UP,), (DOWN,), shows="comprehension")
def comprehension_with_static_conditions(x: Array) -> list[Array]:
    return [x[k] * j for k in range(3) if k != 1 for j in range(k + 1) if j]


@program((UP,), (DOWN,), shows="comprehension; ternary")
def comprehension_over_an_array(x: Array) -> Array:
    squares = [value * value if value > 0 else value for value in x]
    return jnp.stack(squares) + squares[0]


@program((TABLE,), (-TABLE,), shows="comprehension")
def comprehension_over_rows(table: Array) -> list[Array]:
    return [row.sum() if row[0] > 0 else row[1] for row in table]


@program((UP,), (DOWN,), shows="comprehension; nested loops")
def nested_comprehension(x: Array) -> Array:
    rows = [[x[r] * c for c in range(2)] for r in range(3)]
    return jnp.stack([jnp.stack(row) for row in rows])


@program((UP,), (DOWN,), shows="comprehension; dict")
def dict_comprehension(x: Array) -> dict[str, Array]:
    parts = {name: x[k] for k, name in enumerate("abc")}
    return {name.upper(): 2 * part for name, part in parts.items() if name != "b"}


@program((UP,), (DOWN,), shows="comprehension; static containers")
def set_comprehension(x: Array) -> tuple[Array, int]:
    kinds = {k % 3 for k in range(10)}
    return x * len(kinds), sum(kinds)


@program((UP,), (DOWN,), shows="comprehension; builtins")
def generator_expression(x: Array) -> Array:
    return sum(x[k] * k for k in range(3)) + max(x[k] for k in range(2))


@program((UP, DOWN), (MIXED, UP), shows="comprehension; for over several arrays")
def comprehension_over_zip(x: Array, y: Array) -> Array:
    return jnp.stack([a * c if a > c else a + c for a, c in zip(x, y)])


@program((UP, 5), (DOWN, 5), shows="comprehension")
def the_variable_of_a_comprehension_is_local(x: Array, k: int) -> Array:
    parts = [x + k for k in range(2)]
    return parts[1] * k


@program((UP,), (DOWN,), shows="comprehension; lambda; closure")
def lambdas_from_a_comprehension(x: Array) -> Array:
    scales = [lambda value, k=k: value * k for k in (1, 2, 3)]
    for scale in scales:
        x = scale(x) + 1
    return x


@program((UP, {"n": i(1)}), (DOWN, {"n": i(1)}), shows="dict store; dict")
def the_callers_dict_changes(x: Array, d: dict[str, Array]) -> Array:
    if x[0] > 0:
        d["n"] = d["n"] + 1
    d["x"] = x
    return x * d["n"]


@program((UP,), (DOWN,), shows="dict store; for over a static range")
def dict_store_in_a_rolled_loop(x: Array) -> dict[str, Array]:
    d = {"total": x[0], "n": 0}
    for k in range(9):
        if x[1] > 0:
            d["total"] = d["total"] + k
        d["n"] += 2
    return d


@program((UP,), (DOWN,), shows="dict")
def dict_methods(x: Array) -> tuple[object, ...]:
    d = {"a": x, "b": x * 2}
    d.update(c=x * 3)
    d.setdefault("a", 0)
    d.setdefault("d", 4)
    got = d.get("nothing"), d.get("e", 5)
    popped = d.pop("b")
    del d["a"]
    merged = {**d, "z": 1} | {"y": 2}
    return got, popped, merged, "a" in d, len(merged)


@program((UP,), (DOWN,), shows="dict store; aliases; nested loops")
def containers_in_containers(x: Array) -> dict[str, list[Array]]:
    d = {"a": [x, x], "b": [x]}
    for k in range(6):
        if x[0] > 0:
            d["a"][1] = d["a"][0] + k
        else:
            d["b"][0] = d["b"][0] - 1
    d["a"].append(d["b"][0])
    return d


@refused((UP,), (DOWN,), shows="dict store", refused="new")
def new_key_in_a_traced_branch(x: Array) -> dict[str, Array]:
    d = {"a": x}
    if x[0] > 0:
        d["new"] = x
    return d
