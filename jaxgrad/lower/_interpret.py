"""The interpreter: a graph run on JAX values, traced or concrete.

There is one for both dialects, and it is what `jit`, `jax.make_jaxpr`, `jax.eval_shape`
and `jax.export` see. A recorded node is replayed by its operator; any other by what its
kind says (`_kinds.KINDS`).
"""

from collections.abc import Sequence
from typing import Any

from jaxgrad.errors import JaxgradError, LoweringError
from jaxgrad.graph import Block, Graph, Node, PythonOp, Value
from jaxgrad.lower._kinds import KINDS, call_python, call_resolved

Environment = dict[Value, Any]


def run(graph: Graph, *inputs: Any) -> list[Any]:
    """What a graph makes of its inputs.

    Args:
        graph: the graph; nothing of it is changed.
        *inputs: one value for each of its inputs, arrays mostly.

    Returns:
        One value for each of its outputs.

    Raises:
        LoweringError: wrong number of inputs; JAX refuses what a node does, which the
            message shows in the user's code.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from jaxgrad.graph import Graph, types
        >>> from jaxgrad.lower import run
        >>> graph = Graph()
        >>> x = graph.add_input("x").set_type(types.parse("f32[]"))
        >>> graph.register_output(graph.insert("lax::mul", x, x))
        0
        >>> float(jax.grad(lambda x: run(graph, x)[0])(3.0))
        6.0
    """
    return run_block(graph.block(), inputs, {})


def run_block(block: Block, inputs: Sequence[Any], around: Environment) -> list[Any]:
    """What a block makes of its inputs, and of the values around it."""
    given = block._param._outputs
    if len(given) != len(inputs):
        owner = block.owning_node()
        what = "The graph" if owner is None else f"A block of {owner.kind()}"
        raise LoweringError(f"{what} expected {len(given)} inputs; got {len(inputs)}.")
    env = {**around, **dict(zip(given, inputs, strict=True))}

    def nested(inner: Block, values: Sequence[Any]) -> list[Any]:
        return run_block(inner, values, env)

    node: Any = block._end._next
    while node is not block._end:
        values = [env[v] for v in node._inputs]
        try:
            results = _run_node(node, values, nested)
        except Exception as error:
            raise _placed(node, values, error) from error.__cause__
        if len(results) != len(node._outputs):
            raise LoweringError(
                f"{node.kind()} made {len(results)} outputs; expected "
                f"{len(node._outputs)}."
            )
        for value, result in zip(node._outputs, results, strict=True):
            env[value] = result
        node = node._next
    return [env[v] for v in block._end._inputs]


def _run_node(node: Node, values: list[Any], nested: Any) -> list[Any]:
    if node._operator is not None:
        return node._operator.run(node, values, nested)
    if isinstance(node, PythonOp):
        return call_python(node, values)
    rule = KINDS.get(node._kind)
    return rule(node, values, nested) if rule else call_resolved(node, values)


def _placed(node: Node, values: Sequence[Any], error: Exception) -> Exception:
    """The error with the place in the user's code that the node comes from."""
    place = node.source_range()
    where = "" if place is None else f"\n  {place.text()}\n{place.highlight()}"
    if isinstance(node, PythonOp) or isinstance(error, JaxgradError):
        # The user's own, or one of ours that says all: it keeps its type.
        if where and not getattr(error, "_placed", False):
            error.add_note(f"In {_line(node)}{where}")
            error._placed = True  # type: ignore[attr-defined]
        return error
    if not isinstance(error, TypeError | ValueError | IndexError | KeyError):
        return error
    got = ", ".join(map(_type_text, values))
    fresh = LoweringError(
        f"JAX refuses {_line(node)}, given ({got}).{where}\n  {error}"
    )
    fresh.__cause__ = error
    return fresh


def _line(node: Node) -> str:
    return repr(node).strip()


def _type_text(value: Any) -> str:
    from jaxgrad.graph import types

    inferred = types.try_infer(value)
    return str(inferred.type()) if inferred.success() else type(value).__name__
