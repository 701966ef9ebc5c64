"""Programs: stores into arrays and objects; slices; unpacking."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: SIM108

import dataclasses
from typing import Any

import jax.numpy as jnp

import jaxgrad
from tests.frontend.program import Array, Table, i, m, s, v

program = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)
TABLE = m((1, 2, 3), (-4, 5, 6))


class Holder:
    """An object with attributes, and methods that change them."""

    def __init__(self, x: Any, n: Any = 0) -> None:
        self.x = x
        self.n = n

    def add(self, value: Any) -> Any:
        self.x = self.x + value
        self.n = self.n + 1
        return self.x

    @property
    def total(self) -> Any:
        return self.x.sum()


@dataclasses.dataclass
class Point:
    """A dataclass that changes."""

    a: Any
    c: Any = 2.0

    def norm(self) -> Any:
        return jnp.sqrt(self.a * self.a + self.c * self.c)


# Plain Python can't store into an array of JAX: what is stored into is one of these.
class Cells:
    """A list of numbers behind subscripts, as an object of one's own."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __getitem__(self, key: Any) -> Any:
        return self.values[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.values = self.values.at[key].set(value)


@program((UP,), (DOWN,), shows="subscript store; object")
def own_setitem(x: Array) -> Array:
    cells = Cells(x)
    if x[0] > 0:
        cells[1] = x[0] * 10
    cells[2] += 1
    return cells.values


@program((UP, i(1)), (DOWN, i(2)), shows="subscript store; object")
def own_setitem_in_a_rolled_loop(x: Array, n: Array) -> Array:
    cells = Cells(jnp.zeros(8))
    for k in range(8):
        cells[k] = x[n] * k
        if k > 4:
            cells[k] *= -1
    return cells.values


@program((Holder(UP),), (Holder(DOWN),), shows="attribute store; object")
def attribute_store(h: Holder) -> Array:
    h.x = h.x * 2
    h.n += 1
    return h.x + h.n


@program((Holder(UP, i(3)),), (Holder(DOWN, i(3)),), shows="attribute store; object")
def attribute_store_in_a_branch(h: Holder) -> Array:
    if h.total > 0:
        h.n = h.n + 1
        h.x = -h.x
    else:
        h.n = h.n - 1
    return h.x * h.n


@program((Holder(UP),), (Holder(DOWN),), shows="attribute store; object")
def methods_change_the_object(h: Holder) -> Array:
    y = h.add(1)
    if h.total > 0:
        y = h.add(y)
    return y * h.n


@program((Holder(UP),), (Holder(DOWN),), shows="attribute store; for over an array")
def attribute_store_in_a_loop(h: Holder) -> Array:
    for value in h.x:
        if value > 1:
            h.n = h.n + 1
        h.x = h.x + value
    return h.total


@program(
    (Holder(s(1.5)),),
    (Holder(s(30)),),
    shows="attribute store; while on a traced value",
    gradient="forward",
)
def attribute_store_in_a_while(h: Holder) -> Array:
    while h.x < 20:
        h.add(h.x)
    return h.x * h.n


@program((UP,), (DOWN,), shows="object; attribute store")
def object_made_inside(x: Array) -> Array:
    h = Holder(x)
    if x[0] > 0:
        h.add(x)
    h.add(1)
    return h.x * h.n


@program((Holder(UP),), (Holder(DOWN),), shows="aliases; attribute store")
def aliases_of_an_object(h: Holder) -> Array:
    same = h
    pair = [h, same]
    if h.x[0] > 0:
        same.x = same.x * 2
    pair[1].add(1)
    return h.x


@program(
    (Holder(Holder(UP)),), (Holder(Holder(DOWN)),), shows="attribute store; object"
)
def objects_in_objects(h: Holder) -> Array:
    if h.x.x[0] > 0:
        h.x.x = h.x.x * 3
    h.x.n += 5
    h.n = h.x.total
    return h.x.x


@program((Point(s(3), s(4)),), (Point(s(-3), s(4)),), shows="dataclass")
def dataclass_argument(p: Point) -> Array:
    if p.a > 0:
        p.a = p.a + p.c
    return p.norm()


@program((s(3),), (s(-3),), shows="dataclass")
def dataclass_made_inside(x: Array) -> Point:
    p = Point(x)
    if x > 0:
        p.c = x * 2
    q = Point(c=p.c, a=p.a)
    return dataclasses.replace(q, a=p.norm())


@program((s(3),), (s(-3),), shows="dataclass; join of types")
def dataclasses_joined(x: Array) -> Point:
    if x > 0:
        p = Point(x, x * 2)
    else:
        p = Point(-x, x)
    return p


@program((s(1),), (s(9),), shows="dataclass; loop with max_steps; attribute store")
def dataclass_in_a_while(x: Array) -> Array:
    p = Point(x, x)
    with jaxgrad.loop(max_steps=8):
        while p.a < 10:
            p.a = p.a * 1.5 + p.c
    return p.norm()


@program((UP,), (DOWN,), shows="slices")
def slices(x: Array) -> Array:
    y = jnp.concatenate([x[1:], x[:-1], x[::-1], x[-2:], x[::2]])
    if y[0] > 0:
        y = y[3:7]
    else:
        y = y[-4:]
    return y


@program((TABLE,), (-TABLE,), shows="slices")
def slices_of_two_axes(x: Array) -> Array:
    if x[0, 0] > 0:
        y = x[:, 1]
    else:
        y = x[..., -1]
    return y + x[1, 1:] + x[None, 0, :2][0] + x[:, ::-2][0]


@program((UP, i(2)), (UP, i(0)), shows="slices")
def traced_index(x: Array, n: Array) -> Array:
    y = x[n]
    if n > 1:
        y = y + x[n - 1]
    return y


@program((UP, v(9, 8)), (DOWN, v(7, 6)), shows="unpacking")
def unpacking(x: Array, y: Array) -> Array:
    a, (c, d) = x[0], y
    p, *rest, q = [a, c, d, x[2]]
    *first, last = x[0], x[1], x[2]
    a, c = c, a
    return a - 2 * c + p * q + len(rest) * rest[0] + first[1] * last


@program((UP,), (DOWN,), shows="unpacking")
def unpacking_an_array(x: Array) -> Array:
    a, c, d = x
    if a > c:
        a, c, d = d, a, c
    return a + 10 * c + 100 * d


@program((UP,), (DOWN,), shows="unpacking; tuple")
def one_value_for_several_names(x: Array) -> tuple[Array, ...]:
    a = c = x * 2
    c = c + 1
    return a, c, *(a, c), *[x]


@program((UP,), (DOWN,), shows="del, pass, docstring")
def del_of_names_and_items(x: Array) -> dict[str, Array]:
    t = x * 2
    d = {"a": t, "b": x}
    del t
    if x[0] > 0:
        t = x
    else:
        t = -x
    del d["b"]
    d["t"] = t
    return d


@program((UP,), (DOWN,), shows="augmented subscript store; aliases")
def augmented_subscripts_of_a_list(x: Array) -> list[Array]:
    xs = [x, x * 2, x[0]]
    if x[0] > 0:
        xs[0] += 1
        xs[2] *= 3
    for k in range(2):
        xs[k] -= xs[2]
    return xs


@program((UP,), (DOWN,), shows="augmented subscript store; for over a static range")
def augmented_subscripts_in_a_rolled_loop(x: Array) -> dict[str, Array]:
    d = {"a": x, "n": x[0]}
    for k in range(9):
        d["a"] *= 0.5
        d["n"] += d["a"].sum() * k
        d["n"] /= 2
    return d


@program((UP, i(3)), (DOWN, i(3)), shows="augmented subscript store; int arithmetic")
def augmented_operators(x: Array, n: Array) -> tuple[Array, Array]:
    n += 4
    n -= 1
    n *= 3
    n //= 2
    n %= 5
    n **= 2
    x += n
    x /= 3
    x @= jnp.eye(3)
    n <<= 2
    n |= 1
    n &= 29
    n ^= 3
    n >>= 1
    return x, n
