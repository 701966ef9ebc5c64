"""Programs: NamedTuples, Enums, Optional, dtypes, complex numbers, static arguments."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: B007, RUF005, SIM108

import collections
import dataclasses
import enum
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import jaxgrad
from tests.frontend.program import Array, Table, b, bv, i, iv, s, v

program = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)


class State(NamedTuple):
    """A NamedTuple with a default and a method."""

    x: Any
    n: Any = 0

    def moved(self, value: Any) -> "State":
        return self._replace(x=self.x + value, n=self.n + 1)


Old = collections.namedtuple("Old", "a c")


class Mode(enum.Enum):
    """What to do."""

    ADD = 1
    SCALE = "scale"


class Size(enum.IntEnum):
    """A number with a name."""

    SMALL = 2
    LARGE = 5


@dataclasses.dataclass(frozen=True)
class Options:
    """Static settings with an array among them."""

    scale: Any
    mode: Mode = Mode.ADD
    name: str = "options"
    parts: tuple[Any, ...] = ()


@program((State(UP),), (State(DOWN),), shows="NamedTuple")
def namedtuple_argument(state: State) -> State:
    if state.x[0] > 0:
        state = state.moved(1)
    else:
        state = State(x=state.x * 2, n=5)
    return state


@program(
    (State(UP, i(0)),),
    (State(v(6, 6, 6), i(2)),),
    shows="NamedTuple",
    gradient="forward",
)
def namedtuple_in_a_while(state: State) -> State:
    while state.x[0] < 12:
        state = state.moved(state.x)
        if state.n > 3:
            state = state._replace(x=state.x * 10)
    return state


@program((UP,), (DOWN,), shows="NamedTuple; unpacking; for over a static range")
def namedtuples_in_a_loop(x: Array) -> tuple[Old, Array]:
    pair = Old(x, c=x[0])
    for k in range(8):
        a, c = pair
        if a.sum() > 10:
            pair = Old(a * 0.5, c)
        else:
            pair = pair._replace(a=a + k, c=c - 1)
    return pair, pair[1] + pair.a


@program((UP,), (DOWN,), shows="tuple; NamedTuple; join of types")
def namedtuples_joined(x: Array) -> State:
    return State(x, 1) if x[0] > 0 else State(-x, 2)


@program((UP, Mode.ADD), (DOWN, Mode.ADD), (UP, Mode.SCALE), shows="Enum")
def enum_argument(x: Array, mode: Mode) -> tuple[Array, Mode]:
    if mode is Mode.ADD:
        if x[0] > 0:
            return x + 1, mode
        return x - 1, mode
    elif mode == Mode.SCALE:
        return x * len(mode.value), Mode["ADD"]
    return x, mode


@program((UP, Size.SMALL), (UP, Size.LARGE), shows="Enum; for over a static range")
def int_enum_argument(x: Array, size: Size) -> Array:
    for k in range(size):
        x = x * 0.5 + k
    return x if size < Size.LARGE else -x


@program((UP,), (DOWN,), shows="Enum; join of types; elif and nested ifs")
def enum_of_static_paths(x: Array) -> Array:
    for mode in Mode:
        if mode is Mode.ADD:
            x = x + 1
        elif x[0] > 0:
            x = x * 2
    return x


@program((UP, None, None), (UP, DOWN, None), (UP, DOWN, MIXED), shows="Optional")
def optional_arguments(x: Array, w: Array | None, c: Array | None = None) -> Array:
    y = x if w is None else x * w
    if c is not None:
        if c[0] > 0:
            y = y + c
        y = y * 2
    return y


@program((UP, None), (UP, s(2)), shows="Optional; and, or, not")
def optional_in_containers(x: Array, w: Array | None) -> dict[str, Any]:
    found = {"x": x, "w": w, "none": None}
    if found["w"] is None:
        found["w"] = "nothing"
    return found


@program(
    (UP, Options(s(2))),
    (DOWN, Options(s(2))),
    (UP, Options(s(3), Mode.SCALE, "other", (UP,))),
    shows="dataclass; Enum; str",
)
def frozen_dataclass_argument(x: Array, options: Options) -> Array:
    if options.mode is Mode.ADD and x[0] > 0:
        x = x + options.scale
    elif options.name == "other":
        x = x * options.scale + options.parts[0]
    return x


@program((UP,), (DOWN,), shows="dataclass; tuple")
def frozen_dataclass_result(x: Array) -> Options:
    options = Options(x[0], name="new", parts=(x, 2))
    if x[0] > 0:
        options = dataclasses.replace(options, scale=x[1])
    return options


@program((UP, jnp.float16), (UP, jnp.int32), shows="dtype")
def dtype_argument(x: Array, dtype: Any) -> Array:
    y = x.astype(dtype)
    if jnp.issubdtype(dtype, jnp.integer):
        return y // 2
    return y / 2


@program((UP, np.dtype("int32")), (DOWN, np.dtype("int32")), shows="dtype")
def dtype_in_a_branch(x: Array, dtype: Any) -> Array:
    if x[0] > 0:
        y = x.astype(dtype)
    else:
        y = jnp.zeros(x.shape, dtype) + x.astype(dtype) * 2
    return y + jnp.ones_like(y)


@program(
    (iv(1, 2, 3), i(2)), (iv(-1, 2, 3), i(5)), shows="other dtypes", gradient="none"
)
def int_arrays(x: Array, n: Array) -> Array:
    if x[0] > 0:
        x = x * n
    for k in range(6):
        if x.sum() % 2 == 0:
            x = x + k
        else:
            x = x - n
    return x


@program((bv(True, False),), (bv(False, False),), shows="other dtypes", gradient="none")
def bool_arrays(flags: Array) -> tuple[Array, Array]:
    if flags[0]:
        flags = ~flags
    else:
        flags = flags | jnp.array([False, True])
    return flags, flags.sum()


@program(
    (np.array(1 + 2j, np.complex64),),
    (np.array(-1 + 0.5j, np.complex64),),
    shows="other dtypes; if on a traced value",
)
def complex_arrays(z: Array) -> tuple[Array, Array]:
    if z.real > 0:
        z = z * (1 + 1j)
    else:
        z = z.conj() - 2j
    return z, abs(z)


@program(
    (np.array([1, 2], jnp.bfloat16), i(3)),
    (np.array([-1, 4], jnp.bfloat16), i(3)),
    shows="other dtypes; for over a static range",
)
def bfloat16_arrays(x: Array, n: Array) -> Array:
    for k in range(5):
        if x[0] > 0:
            x = x + 0.5
        else:
            x = x * 2
    if n > 2:
        x = x - 1
    return x


@program(
    (np.array([1, 2], np.float16), UP[:2]),
    (np.array([-1, 2], np.float16), UP[:2]),
    shows="other dtypes; join of types",
)
def float16_with_python_numbers(x: Array, y: Array) -> tuple[Array, Array]:
    if x[0] > 0:
        x = x * 2
        x = x + 1
    else:
        x = x / 4
    return x, x + y


@program((UP,), (DOWN,), shows="other dtypes; if on a traced value")
def empty_arrays(x: Array) -> tuple[Array, Array]:
    nothing = x[:0]
    if x[0] > 0:
        nothing = nothing * 2
    if nothing.size:
        x = x / 0
    return nothing, jnp.concatenate([nothing, x]) + nothing.sum()


@program((b(True), s(2)), (b(False), s(2)), shows="other dtypes; int arithmetic")
def bools_as_numbers(flag: Array, x: Array) -> Array:
    n = 0
    if flag:
        n = n + flag
    return x * n + flag


@program(
    (UP, (1, [2.5, "a"], {"k": None})),
    (DOWN, (1, [2.5, "a"], {"k": None})),
    shows="static containers; tuple; str",
)
def nested_static_argument(x: Array, settings: Any) -> tuple[Array, Any]:
    n, (scale, word), options = settings
    if x[0] > 0:
        x = x * scale + n
    if options["k"] is None and word == "a":
        x = x + 1
    return x, settings


@program((UP, 2, 0.5, True), (DOWN, 2, 0.5, True), (UP, 3, 1.5, False), shows="str")
def python_numbers_stay_static(
    x: Array, n: int, c: float, flag: bool
) -> tuple[Any, ...]:
    size = n * 2 + 1
    if flag:
        size = size // 2
    y = jnp.zeros(size) + c
    return y * x[0], size, c * n, not flag, "x" * n, complex(n, c)


@program((UP,), (DOWN,), shows="is_scripting; if on a static value")
def is_scripting(x: Array) -> Array:
    if jaxgrad.is_scripting():
        y = x * 2
    else:
        y = x + x
    return y if x[0] > 0 else -y


@program(({"w": UP, "more": [DOWN, (s(2),)]},), ({"w": DOWN, "more": [UP, (s(3),)]},),
         shows="dict; list methods; transformation inside")  # fmt: skip
def pytree_functions(params: dict[str, Any]) -> tuple[dict[str, Any], int]:
    if params["w"][0] > 0:
        params = jax.tree.map(lambda leaf: leaf * 2, params)
    else:
        params = jax.tree.map(lambda leaf: leaf + 1, params)
    return params, len(jax.tree.leaves(params))


@program((UP,), (DOWN,), shows="tuple; join of types")
def nested_tuples_swap(x: Array) -> tuple[Any, ...]:
    pair = (x[0], (x[1], (x[2],)))
    if x[0] > 0:
        pair = (pair[1][0], (pair[0], (pair[1][1][0] * 2,)))
    a, (c, d) = pair
    return a, c, d[0], (a, c) + (d[0],)
