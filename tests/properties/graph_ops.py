"""What random graphs are made of: operations, Functions, effects, and what they do.

- `Rule`, `UNARY`, `BINARY`, `MIXED`, `SHAPING`: operations, and bounds on what they do.
- `CALLS`: what each kind means, looked up by nobody but this table.
- `FUNCTIONS`, `Applied`: Functions whose rules are deliberately not the derivative.
- `note`: an effect, counted in `LOG`.
"""

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Function, _compat

LOG: list[Any] = []
NOTE = "py::tests.properties.graph_ops.note"


def note(x: Any, tag: str) -> Any:
    """Write down that it was called, and with what; return `x`."""
    traced = isinstance(x, _compat.Tracer)
    LOG.append((tag, None if traced else np.asarray(x).tobytes()))
    return x


# --- operations -----------------------------------------------------------------------


class Rule(NamedTuple):
    """When an operation may be used, and what can become of its operands.

    Attributes:
        dtypes: those of the first operand, without its shape.
        bound: from the largest magnitudes of the operands, that of the result.
        steep: from the same, the largest derivative by operand k.
        shapes: those of the first operand; any if there are none.
        attributes: of the node.
    """

    dtypes: str
    bound: Callable[..., float]
    steep: Callable[..., float]
    shapes: str = ""
    attributes: dict[str, Any] = {}  # noqa: RUF012


def _one(*_: float) -> float:
    return 1.0


def _first(b: float, *_: float) -> float:
    return b


def _larger(*b: float) -> float:
    return max(b)


def _added(a: float, b: float) -> float:
    return a + b


def _product(a: float, b: float) -> float:
    return 2 * a * b  # 2: of complex numbers


def _other(k: int, *b: float) -> float:
    return 2 * b[1 - k]


REAL, SIGNED = "f32 bf16", "f32 bf16 i32"
UNARY: dict[str, Rule] = {
    "lax::sin": Rule(REAL, _one, _one),
    "lax::tanh": Rule(REAL, _one, _one),
    "lax::cos": Rule(REAL, _one, _one),
    "lax::neg": Rule(SIGNED + " c64", _first, _one),
    "lax::abs": Rule(SIGNED, _first, _one),
    "lax::bitwise_not": Rule("i32 bool", lambda b: b + 1, _one),
    "lax::real": Rule("c64", _first, _one),
    "lax::imag": Rule("c64", _first, _one),
    "lax::conj": Rule("c64", _first, _one),
    "py::jax.numpy.square": Rule(SIGNED, lambda b: b * b, lambda k, b: 2 * b),
    "py::jax.numpy.sum": Rule(SIGNED + " bool", lambda b: 3 * b, _one),
    "lax::stop_gradient": Rule("f32", _first, _one),
}
SHAPING: dict[str, Rule] = {
    "lax::reduce_sum": Rule(
        "f32", lambda b: 3 * b, _one, "[3]", attributes={"axes": (0,)}
    ),
    "lax::expand_dims": Rule("f32", _first, _one, "[3]", {"dimensions": (0,)}),
    "lax::reshape": Rule("f32", _first, _one, "[1, 3]", {"new_sizes": (3,)}),
    "lax::rev": Rule("f32 i32", _first, _one, "[3]", {"dimensions": (0,)}),
    "lax::broadcast_in_dim": Rule(
        "f32 i32", _first, _one, "[]", {"shape": (3,), "broadcast_dimensions": ()}
    ),
    "lax::integer_pow": Rule(
        REAL, lambda b: b**3, lambda k, b: 3 * b * b, "", {"y": 3}
    ),
}
# Both operands are of the same type.
BINARY: dict[str, Rule] = {
    "lax::add": Rule(SIGNED + " c64", _added, _one),
    "lax::sub": Rule(SIGNED + " c64", _added, _one),
    "lax::mul": Rule(SIGNED + " c64", _product, _other),
    "lax::max": Rule(SIGNED, _larger, _one),
    "lax::min": Rule(SIGNED, _larger, _one),
    "lax::bitwise_and": Rule("bool i32", _added, _one),
    "lax::bitwise_xor": Rule("bool i32", lambda a, b: 2 * (a + b) + 1, _one),
    "lax::lt": Rule(SIGNED, _one, _one),
    "lax::ge": Rule(SIGNED, _one, _one),
    "lax::complex": Rule("f32", _added, _one, "[3]"),
}
# The operands broadcast and are promoted; Python's numbers are among them.
MIXED: dict[str, Rule] = {
    "py::jax.numpy.add": Rule("", _added, _one),
    "py::jax.numpy.subtract": Rule("", _added, _one),
    "py::jax.numpy.multiply": Rule("", _product, _other),
}
CONVERT = "lax::convert_element_type"
SELECT = "py::jax.numpy.where"
CONVERSIONS = {
    "f32": (np.dtype(jnp.bfloat16), np.dtype(np.complex64), np.dtype(np.int32)),
    "bf16": (np.dtype(np.float32),),
    "i32": (np.dtype(np.float32), np.dtype(np.bool_)),
    "bool": (np.dtype(np.float32), np.dtype(np.int32)),
}
_NUMBERS = {
    f"py::operator.{name}": getattr(operator, name) for name in ("add", "mul", "neg")
}
CALLS: dict[str, Callable[..., Any]] = {
    **{
        kind: getattr(jax.lax, kind[5:])
        for kind in (*UNARY, *BINARY, *SHAPING, CONVERT)
        if kind.startswith("lax::") and hasattr(jax.lax, kind[5:])
    },
    **{
        kind: getattr(jnp, kind[14:])
        for kind in (*UNARY, *MIXED, SELECT, "py::jax.numpy.any")
        if kind.startswith("py::jax.numpy.")
    },
    **_NUMBERS,
    "lax::reduce_sum": lambda x, axes: jnp.sum(x, axes),
    NOTE: note,
}


# --- Functions ------------------------------------------------------------------------


class Scaled(Function):
    """x * factor, but x + an integer; three times the gradient of the former."""

    jit = False

    @staticmethod
    def forward(ctx: Any, x: Any, factor: Any) -> Any:
        ctx.factor = factor
        return x * factor if isinstance(factor, float) else x + factor

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 3 * g * ctx.factor, None


class Bent(Function):
    """tanh(x); the gradient is twice x."""

    jit = False

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return jnp.tanh(x)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * g * x


class Mixed(Function):
    """a * x + y or a * x - y; both gradients are wrong."""

    jit = False

    @staticmethod
    def forward(ctx: Any, x: Any, a: Any, y: Any, mode: Any) -> Any:
        return a * x + y if mode == "add" else a * x - y

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 5 * g, None, -4 * g, None


class Both(Function):
    """sin(x) and -x; the gradient is five times that of the second one."""

    jit = False

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return jnp.sin(x), -x

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        return 5 * h


class Loud(Function):
    """-x, with an effect at every application; the gradient is seven times x's."""

    jit = False
    pure = False

    @staticmethod
    def forward(ctx: Any, x: Any, tag: Any) -> Any:
        return -note(x, tag)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 7 * g, None


class Applied(NamedTuple):
    """How a Function may be applied.

    Attributes:
        cls: the Function.
        cconv: of the application.
        statics: the lists of static arguments to draw from.
        outputs: how many there are.
        bound: from those of the operands.
        steep: the largest factor in its rule, from the same.
    """

    cls: Any
    cconv: str
    statics: tuple[tuple[Any, ...], ...] = ((),)
    outputs: int = 1
    bound: Callable[..., float] = _first
    steep: Callable[..., float] = _one


APPLIED = (
    Applied(
        Scaled, "dc", ((2.0,), (0.5,), (2,)), 1, lambda b: 2 * b + 2, lambda b: 6.0
    ),
    Applied(Bent, "d", ((),), 1, _one, lambda b: 2 * b),
    Applied(
        Mixed,
        "dcdc",
        ((2.0, "add"), (2.0, "sub"), (-0.5, "add")),
        1,
        lambda a, b: 2 * a + b,
        lambda *b: 5.0,
    ),
    Applied(Both, "d", ((),), 2, lambda b: max(1.0, b), lambda b: 5.0),
    Applied(Loud, "dc", (("a",), ("b",)), 1, _first, lambda b: 7.0),
)
FUNCTIONS = {applied.cls.__name__: applied.cls for applied in APPLIED}
