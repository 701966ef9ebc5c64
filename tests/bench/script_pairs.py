"""Which scripted program is compared with which hand-written one, on which arguments.

- `Pair`: a program, its twin, its arguments, and both as compiled functions.
- `WHILES`, `GRADIENTS`, `FIRST_CALLS`, `CALLS`: the pairs of each table.
- `normal` and the other functions of sizes: arguments.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxgrad
from tests.bench import script_programs as programs
from tests.bench import script_twins as twins

Arrays = tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A scripted program beside the one that an expert would write.

    Attributes:
        name: The function's name, in both modules.
        what: What is particular about these arguments.
        arrays: Makes the arguments.
        gradient: Whether the value and gradient are compared, of all arguments.
    """

    name: str
    what: str
    arrays: Callable[[], Arrays]
    gradient: bool = False

    def sides(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """The scripted program and its twin, made afresh, neither of them jitted."""
        ours = jaxgrad.script(getattr(programs, self.name))
        twin = getattr(twins, self.name)
        made: list[Callable[..., Any]] = []
        for side in (ours, twin):
            made.append(_with_gradient(side) if self.gradient else _fresh(side))
        return made[0], made[1]

    def callables(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """Both as users call them: a scripted program compiles itself."""
        ours, twin = self.sides()
        if not self.gradient:
            return jaxgrad.script(getattr(programs, self.name)), jax.jit(twin)
        return jax.jit(ours), jax.jit(twin)


def _fresh(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays: f(*arrays)


def _with_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    def loss(arrays: Arrays) -> jax.Array:
        leaves = jax.tree.leaves(f(*arrays))
        floating = [x for x in leaves if jnp.issubdtype(x.dtype, jnp.floating)]
        return sum((jnp.sum(x) for x in floating), start=jnp.float32(0.0))

    return lambda *arrays: jax.value_and_grad(loss)(arrays)


def normal(*shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).standard_normal(shape, np.float32))


def symmetric(size: int) -> Arrays:
    matrix = normal(size, size) / size**0.5
    return matrix @ matrix.T, jnp.ones(size) / size**0.5


def settling(size: int) -> Arrays:
    return jnp.eye(size) + normal(size, size) / (50 * size), normal(size) / 100


def recurrent(size: int) -> Arrays:
    return normal(size, size) / size**0.5, normal(size)


def populations() -> Arrays:
    rates = jnp.array([1.1, 0.4, 0.1, 0.4])
    return rates, jnp.array([10.0, 5.0]), jnp.float32(10.0)


def speller() -> Arrays:
    model = programs.Speller(2 * normal(8, 16), normal(16, 16) / 4, normal(8, 16))
    return model, jnp.zeros(16)


WHILES = (
    Pair("newton", "scalar", lambda: (jnp.float32(7.0),)),
    Pair("power", "f32[256,256]", lambda: symmetric(256)),
    Pair("collatz", "below 1,000", lambda: (jnp.int32(1_000),)),
)
GRADIENTS = (
    Pair("settle", "f32[128,128], bounded", lambda: settling(128), True),
    Pair("settle_taped", "f32[128,128], taped", lambda: settling(128), True),
    Pair("recurrence", "f32[128,128], for", lambda: recurrent(128), True),
)
FIRST_CALLS = (
    *WHILES,
    Pair("huber", "f32[100]", lambda: (normal(100),)),
    Pair("recurrence", "gradient", lambda: recurrent(16), True),
    Pair("settle", "gradient", lambda: settling(16), True),
    Pair("integrate", "value", populations),
    Pair("integrate", "gradient", populations, True),
    Pair("beam_search", "value", speller),
    Pair("beam_search", "gradient", speller, True),
)
CALLS = (Pair("line", "f32[8]", lambda: (normal(8), jnp.float32(2.0))),)
