"""`constant_fold`: a graph without what can be computed beforehand."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat
from jaxgrad.graph import types
from jaxgrad.graph._callables import call
from jaxgrad.graph._python_op import PythonOp
from jaxgrad.graph._walk import is_if, open_blocks, splice, stand_in

if TYPE_CHECKING:
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value

# Results above this size stay computed: a graph is for reading.
_MOST_BYTES = 1 << 16
# So do those with more elements than their inputs: a broadcast says more than they do.
_MOST_GROWN = 64


def _kinds(names: str) -> frozenset[str]:
    return frozenset(f"lax::{name}" for name in names.split())


# These move values and change none.
_MOVES = _kinds(
    "broadcast_in_dim concatenate copy copy_p expand_dims imag pad real reshape "
    "rev select_n slice split squeeze transpose"
)
# Their results on integers are the same however they are computed. Those of division
# are not, and a division by zero ends the process on some machines.
_OF_INTEGERS = _kinds(
    "abs add and clamp convert_element_type eq ge gt integer_pow le lt max min "
    "mul ne neg not or reduce_and reduce_max reduce_min reduce_or reduce_prod "
    "reduce_sum shift_left shift_right_arithmetic shift_right_logical sign "
    "square sub xor"
)
# On floats these are exact, but for subnormal numbers and NaNs, which depend on who
# computes: XLA's compiler beforehand, or the code that it makes, or NumPy. What JAX and
# NumPy agree about is certain. Of `exp`, of sums, of products of matrices even the
# compiled programs have other last bits than JAX has outside them.
_OF_FLOATS: dict[str, Callable[..., Any]] = {
    "lax::abs": np.abs,
    "lax::add": np.add,
    "lax::ceil": np.ceil,
    "lax::clamp": lambda low, x, high: np.minimum(np.maximum(low, x), high),
    "lax::div": np.divide,
    "lax::eq": np.equal,
    "lax::floor": np.floor,
    "lax::ge": np.greater_equal,
    "lax::gt": np.greater,
    "lax::is_finite": np.isfinite,
    "lax::le": np.less_equal,
    "lax::lt": np.less,
    "lax::max": np.maximum,
    "lax::min": np.minimum,
    "lax::mul": np.multiply,
    "lax::ne": np.not_equal,
    "lax::neg": np.negative,
    "lax::rem": np.fmod,
    "lax::sign": np.sign,
    "lax::sqrt": np.sqrt,
    "lax::square": np.square,
    "lax::sub": np.subtract,
}
_CONVERT = "lax::convert_element_type"
_NUMBERS = (bool, int, float, complex, str)


def constant_fold(graph: Graph) -> Graph:
    """A graph in which nodes of constants are constants, where that changes no bit.

    Folded are nodes of `lax` and pure Python functions of numbers, without effects or
    blocks, whose result is small and has the type that the graph says. Floats are what
    a compiled program computes, to the last bit: where that can't be known, as for
    `exp`, sums, half precision, subnormal numbers and NaNs, the node stays. A
    `prim::If` with a constant condition becomes its branch. A Function is never
    evaluated.

    Args:
        graph: it stays as it is.

    Returns:
        A new graph.

    Example:
        >>> from jaxgrad.graph import Graph, constant_fold, types
        >>> graph = Graph()
        >>> x = graph.add_input("x", types.parse("f32[]"))
        >>> two = graph.insert_constant(2.0)
        >>> scale = graph.insert("lax::mul", two, two)
        >>> graph.register_output(graph.insert("lax::mul", x, scale))
        0
        >>> [node.kind() for node in constant_fold(graph).nodes()]
        ['prim::Constant', 'lax::mul']
    """
    new = graph.copy()
    used: dict[Node, None] = {}
    todo = [new.block()]
    with _on_the_cpu():
        while todo:
            block = todo.pop()
            node: Any = block._end
            while node._next is not block._end:
                before, node = node, node._next
                operands = dict.fromkeys(value._node for value in node._inputs)
                if _fold(node) or _take_branch(node):
                    used.update(operands)
                    node = before
                else:
                    todo += open_blocks(node)
    for constant in used:
        if not constant.has_uses():
            constant.destroy()
    return new


@contextlib.contextmanager
def _on_the_cpu() -> Iterator[None]:
    """Where values are computed now, whatever is traced, and not on an accelerator."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(jax.ensure_compile_time_eval())
        # Without a CPU in JAX_PLATFORMS there is none.
        with contextlib.suppress(RuntimeError):
            cpu = jax.local_devices(backend="cpu")[0]
            stack.enter_context(jax.default_device(cpu))
        yield


def _fold(node: Node) -> bool:
    """Put constants in the place of a node; False if it stays."""
    kind = node._kind
    foldable = kind in _MOVES or kind in _OF_INTEGERS or kind in _OF_FLOATS
    if not foldable and not kind.startswith("py::"):
        return False
    if not node._inputs or isinstance(node, PythonOp) or node._blocks:
        return False
    if any(v._node._kind != "prim::Constant" for v in node._inputs):
        return False
    if node.has_side_effects() or not _is_small(node):
        return False
    results = _evaluate(node, [_constant(v) for v in node._inputs])
    if results is None:
        return False
    _replace(node, results)
    return True


def _is_small(node: Node) -> bool:
    """Whether it is known that the results are not too large to be shown."""
    sizes = [_size(value) for value in node._outputs]
    given = sum(_size(value) or 0 for value in node._inputs)
    for size, value in zip(sizes, node._outputs, strict=True):
        dtype = value.type().dtype() if size else np.dtype(bool)
        if size is None or not isinstance(dtype, np.dtype):
            return False
        if size * dtype.itemsize > _MOST_BYTES or size > max(given, _MOST_GROWN):
            return False
    return True


def _size(value: Value) -> int | None:
    """The number of elements; 0 for what is no array, None where unknown."""
    type_ = value.type()
    if not isinstance(type_, types.TensorType):
        return 0
    sizes = type_.sizes()
    return None if sizes is None else math.prod(sizes)


def _constant(value: Value) -> Any:
    """What a program is given for a constant."""
    node = value._node
    if node._operator is not None:
        return node._operator.run(node, [])[0]
    raw, type_ = node._attributes["value"], value.type()
    if not isinstance(raw, _NUMBERS) or not isinstance(type_, types.TensorType):
        return raw
    strong = type_.is_complete() and not type_.weak_type()
    return np.asarray(raw, type_.dtype()) if strong else raw


def _evaluate(node: Node, inputs: list[Any]) -> list[Any] | None:
    """The outputs of a node of constants; None where they are not certain."""
    try:
        if node._kind.startswith("py::"):
            results = _of_python(node, inputs)
        elif all(map(_is_plain, inputs)):
            results = _of_arrays(node, inputs)
        else:
            return None
    except Exception:
        return None  # whoever runs the program gets the error, with its place
    if results is None or len(results) != len(node._outputs):
        return None
    fits = map(_fits, results, node._outputs)
    return results if all(fits) else None


def _fits(result: Any, value: Value) -> bool:
    inferred = types.try_infer(result)
    return inferred.success() and inferred.type() == value.type()


def _is_plain(value: Any) -> bool:
    """Whether a value is a number, or an array that is here as a whole."""
    if isinstance(value, _compat.Tracer):
        return False
    if isinstance(value, jax.Array):
        return isinstance(value.dtype, np.dtype) and len(value.sharding.device_set) == 1
    return hasattr(value, "dtype") or isinstance(value, bool | int | float | complex)


def _of_python(node: Node, inputs: list[Any]) -> list[Any] | None:
    # Arrays may be computed otherwise by a compiled program than alone.
    if not all(type(x) in _NUMBERS for x in inputs):
        return None
    results = _run(node, inputs)
    return results if all(type(x) in _NUMBERS for x in results) else None


def _of_arrays(node: Node, inputs: list[Any]) -> list[Any] | None:
    made = [value.type().dtype() for value in node._outputs]
    dtypes = [jax.typeof(x).dtype for x in inputs] + made
    kind = node._kind
    if kind in _MOVES:
        return _run(node, inputs)
    inexact = {str(d) for d in dtypes if jnp.issubdtype(d, jnp.inexact)}
    if inexact:
        # XLA gives half precision more bits where it can, and complex numbers fewer.
        certain = inexact <= {"float32", "float64"}
        return _of_floats(node, inputs, made[0]) if certain else None
    odd = kind == "lax::clamp" and bool in dtypes
    return _run(node, inputs) if kind in _OF_INTEGERS and not odd else None


def _of_floats(node: Node, inputs: list[Any], dtype: Any) -> list[Any] | None:
    arrays = [np.asarray(x, jax.typeof(x).dtype) for x in inputs]
    with np.errstate(all="ignore"):
        if node._kind == _CONVERT:
            expected = arrays[0].astype(dtype)
        elif node._kind in _OF_FLOATS:
            expected = _OF_FLOATS[node._kind](*arrays)
        else:
            return None
        if np.isnan(expected).any():
            return None
        results = _run(node, inputs)
    got = np.asarray(results[0])
    same = got.dtype == expected.dtype and got.tobytes() == expected.tobytes()
    return results if same else None


def _run(node: Node, inputs: Sequence[Any]) -> list[Any]:
    if node._operator is not None:
        return list(node._operator.run(node, list(inputs)))
    return call(node, inputs)


def _replace(node: Node, results: Sequence[Any]) -> None:
    graph, made = node._graph, []
    for old, result in zip(node._outputs, results, strict=True):
        constant = graph.create("prim::Constant")
        constant._attributes = {"value": result}
        constant._outputs[0]._type = old._type
        constant.copy_metadata(node)
        constant.insert_before(node)
        made.append(constant._outputs[0])
    stand_in(node, made, set(made))


def _take_branch(node: Node) -> bool:
    """Put a branch in the place of a `prim::If` that always takes it."""
    if not is_if(node) or node._inputs[0]._node._kind != "prim::Constant":
        return False
    condition = _constant(node._inputs[0])
    if not _is_plain(condition) or np.shape(condition) != ():
        return False
    block = open_blocks(node)[not condition]
    results = block.outputs()
    same = [
        old.type() == v.type() for old, v in zip(node._outputs, results, strict=True)
    ]
    # An array makes both branches run as one program, whose type is that of both.
    if type(condition) is not bool and not all(same):
        return False
    made = {value for inner in splice(block, node) for value in inner._outputs}
    stand_in(node, results, made)
    return True
