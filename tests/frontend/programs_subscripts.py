"""Programs: stores into arrays. Plain Python runs them on NumPy arrays."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from tests.frontend.program import Array, Table, i, iv, m, s, v

program = Table()

UP, DOWN = v(1, 2, 3), v(-1, -2, -3)
TABLE = m((1, 2, 3), (-4, 5, 6))


def _store(x: Any) -> Any:
    return (x * 2).at[1].set(x[0] * 7)


@program((UP,), (DOWN,), shows="subscript store", numpy=True, reference=_store)
def store(x: Array) -> Array:
    y = x * 2
    y[1] = x[0] * 7
    return y


def _store_in_a_branch(x: Any) -> Any:
    return (x * 2).at[0].set(x[2]) if x[0] > 0 else (x * 2).at[-1].set(5)


@program(
    (UP,), (DOWN,), shows="subscript store", numpy=True, reference=_store_in_a_branch
)
def store_in_a_branch(x: Array) -> Array:
    y = x * 2
    if x[0] > 0:
        y[0] = x[2]
    else:
        y[-1] = 5
    return y


def _store_in_a_rolled_loop(x: Any) -> Any:
    return jnp.stack([x[0] * k if k > 4 else x[1] + k for k in range(9)])


@program(
    (UP,),
    (DOWN,),
    shows="subscript store; for over a static range",
    numpy=True,
    reference=_store_in_a_rolled_loop,
)
def store_in_a_rolled_loop(x: Array) -> Array:
    y = np.zeros(9, np.float32)
    for k in range(9):
        if k > 4:
            y[k] = x[0] * k
        else:
            y[k] = x[1] + k
    return y


def _store_at_a_traced_index(x: Any, n: Any) -> Any:
    return (x + 1).at[n].set(x[n] * 10).at[n - 1].add(x[0])


@program(
    (UP, i(2)),
    (UP, i(1)),
    shows="subscript store; augmented subscript store",
    numpy=True,
    reference=_store_at_a_traced_index,
)
def store_at_a_traced_index(x: Array, n: Array) -> Array:
    y = x + 1
    y[n] = x[n] * 10
    y[n - 1] += x[0]
    return y


def _store_into_slices(x: Any) -> Any:
    y = jnp.concatenate([x, x]).at[1:4].set(0).at[::3].add(x[:2])
    return y.at[-2:].multiply(3).at[4:].add(-1)


@program(
    (UP,),
    (DOWN,),
    shows="subscript store; augmented subscript store; slices",
    numpy=True,
    reference=_store_into_slices,
)
def store_into_slices(x: Array) -> Array:
    y = x[np.array([0, 1, 2, 0, 1, 2])]
    y[1:4] = 0
    y[::3] += x[:2]
    y[-2:] *= 3
    y[4:] -= 1
    return y


def _store_into_a_matrix(x: Any) -> Any:
    y = (x * 1).at[0].set(x[1]).at[:, 2].set(4).at[1, 0].divide(2).at[..., 1].add(1)
    return y.at[1, 1:].set(x[0, :2] if x[0, 0] > 0 else x[0, 1:])


@program(
    (TABLE,),
    (-TABLE,),
    shows="subscript store; slices",
    numpy=True,
    reference=_store_into_a_matrix,
)
def store_into_a_matrix(x: Array) -> Array:
    y = x * 1
    y[0] = x[1]
    y[:, 2] = 4
    y[1, 0] /= 2
    y[..., 1] += 1
    if x[0, 0] > 0:
        y[1, 1:] = x[0, :2]
    else:
        y[1, 1:] = x[0, 1:]
    return y


def _store_by_mask(x: Any) -> Any:
    return jnp.where(x > 1, 0, x * 3).at[jnp.array([0, 2])].add(1)


@program((UP,), (DOWN,), shows="subscript store", numpy=True, reference=_store_by_mask)
def store_by_mask_and_list(x: Array) -> Array:
    y = x * 3
    y[x > 1] = 0
    y[np.array([0, 2])] += 1
    return y


def _store_in_a_while(x: Any, n: Any) -> Any:
    y = x * 2
    for k in range(int(n)):
        y = y.at[k].add(x[k - 1])
    return y


@program(
    (UP, i(3)),
    (UP, i(1)),
    shows="augmented subscript store; while on a traced value",
    numpy=True,
    gradient="forward",
    reference=_store_in_a_while,
)
def store_in_a_while(x: Array, n: Array) -> Array:
    y = x * 2
    k = n * 0
    while k < n:
        y[k] += x[k - 1]
        k = k + 1
    return y


def _store_in_containers(x: Any) -> Any:
    first = (x * 2).at[1].add(x[0]) if x[0] > 0 else x * 2
    return {"a": [first, x]}


@program(
    (UP,),
    (DOWN,),
    shows="subscript store; dict; list methods",
    numpy=True,
    reference=_store_in_containers,
)
def store_in_containers(x: Array) -> dict[str, list[Array]]:
    d = {"a": [x * 2, x]}
    if x[0] > 0:
        d["a"][0][1] += x[0]
    return d


def _store_through_an_attribute(x: Any) -> Any:
    y = (x * 2).at[0].set(x[1])
    return y.at[2].set(-y[2]) if x[0] > 0 else y


class Box:
    """An object with an array that is stored into."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def put(self, k: int, value: Any) -> None:
        self.x[k] = value


@program(
    (UP,),
    (DOWN,),
    shows="subscript store; attribute store; object",
    numpy=True,
    reference=_store_through_an_attribute,
)
def store_through_an_attribute(x: Array) -> Array:
    box = Box(x * 2)
    box.x[0] = x[1]
    if x[0] > 0:
        box.put(2, -box.x[2])
    return box.x


@program(
    (iv(3, 1, 2, 5, 4),),
    (iv(1, 2, 3, 4, 5),),
    shows="subscript store; nested loops; unpacking",
    numpy=True,
    gradient="none",
)
def bubble_sort(x: Array) -> Array:
    y = x + 0
    for end in range(4, 0, -1):
        for k in range(end):
            if y[k] > y[k + 1]:
                low, high = y[k + 1] * 1, y[k] * 1
                y[k] = low
                y[k + 1] = high
    return y


@program(
    (iv(3, 1, 2, 5, 4), i(0)),
    (iv(9, 8, 7, 5, 1), i(3)),
    shows="subscript store; nested loops; while on a traced value",
    numpy=True,
    gradient="none",
)
def insertion_sort(x: Array, first: Array) -> Array:
    y = x + 0
    for k in range(1, 5):
        value = y[k] * 1
        j = k - 1
        while j >= first and y[j] > value:
            y[j + 1] = y[j]
            j = j - 1
        y[j + 1] = value
    return y


def _walk(x: Any) -> Any:
    y = x * 0 + x[0]
    return y.at[0].add(x[2]) if x[2] > 0 else y.at[1].set(x[2])


@program(
    (UP,),
    (DOWN,),
    shows="subscript store; early return; condition of shape (1,) or not bool",
    numpy=True,
    reference=_walk,
)
def store_before_a_return(x: Array) -> Array:
    y = x * 0
    y[:] = x[0]
    if x[2:] > 0:
        y[0] += x[2]
        return y
    y[1] = x[2]
    return y


@program(
    (s(3), iv(0, 0, 0, 0)),
    (s(0.5), iv(1, 2, 3, 4)),
    shows="subscript store; for over an array; other dtypes",
    numpy=True,
    gradient="none",
)
def store_of_ints(x: Array, counts: Array) -> Array:
    y = counts * 1
    for k in counts:
        y[k % 4] += 1
    if x > 1:
        y[0] = 100
    return y
