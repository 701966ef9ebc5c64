"""Recording: an application becomes one equation, `python_op[op=^Square(2)] a`.

- `recording`: a region of this thread in which applications are recorded.
- `wanted`, `record`: what `apply` asks, and does there.
- `operation_for`: the `Operation` of a call, and its arrays.

Outside a recording there is no such equation.
"""

from collections.abc import Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import TraceError
from jaxgrad.function._operation import RECORDING as RECORDING
from jaxgrad.function._operation import Operation as Operation
from jaxgrad.function._operation import python_op_p as python_op_p
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._spec import Spec
from jaxgrad.function._trees import is_array


def recording() -> Any:
    """A region of this thread in which applications are recorded.

    Returns:
        A context manager.
    """
    return RECORDING(True)


def wanted(spec: Spec) -> bool:
    """Whether a call is recorded; one with Refs never is: they can't be batched."""
    return RECORDING.value is not None and not spec.refs


def record(spec: Spec, arrays: Sequence[Any]) -> Outputs:
    """A call as one equation.

    Args:
        spec: its static side.
        arrays: its operands.

    Returns:
        What forward returned.
    """
    if spec.operation is None:
        spec.operation = Operation(spec)
    return spec.operation.apply(*arrays)


def check_steady(name: str, closed: Any) -> None:
    """Refuse Functions that read Python values which changed during a recording.

    A Function in a graph is its class: forward is traced again when the graph is
    compiled, and would read what it finds then.

    Args:
        name: what was recorded.
        closed: its jaxpr.

    Raises:
        TraceError: the forward of an application is no longer what was recorded.
    """
    for op, avals in operations(closed):
        if not op.hidden and not op.is_steady(avals):
            raise TraceError(
                f"{op.name}.forward is not what it was when {name} applied it: it "
                "reads Python values that changed since, in a closure, a global or "
                "an argument that can be changed.\n"
                "  Expected a forward that computes the same from the same arguments; "
                "got another program.\n"
                f"  Pass such values as arguments of {op.name}.apply."
            )


def operations(closed: Any) -> set[tuple[Operation, Any]]:
    """The applications in a jaxpr, at any depth, each kind once."""
    found: set[tuple[Operation, Any]] = set()
    seen: set[int] = set()
    todo = [_compat.plain_jaxpr(closed)[0]]
    while todo:
        jaxpr = todo.pop()
        if id(jaxpr) in seen:
            continue
        seen.add(id(jaxpr))
        for equation in jaxpr.eqns:
            if equation.primitive is python_op_p:
                avals = tuple([v.aval for v in equation.invars])
                found.add((equation.params["op"], avals))
                continue
            for value in equation.params.values():
                nested = _compat.nested_jaxprs(value)
                todo += [_compat.plain_jaxpr(j)[0] for j in nested]
    return found


def operation_for(
    cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Operation, list[Any]]:
    """The operation that `cls.apply(*args, **kwargs)` is, and its operands.

    Args:
        cls: the Function.
        args: the arguments of `apply`.
        kwargs: those passed by name.

    Returns:
        The operation; the arrays to call its `apply` with.

    Raises:
        TraceError: the call can't be an equation: it has no arrays, or a Ref.
    """
    leaves, treedef = jax.tree.flatten((args, kwargs))
    places = [i for i, leaf in enumerate(leaves) if is_array(leaf)]

    def call(*arrays: Any) -> Any:
        filled = list(leaves)
        for place, array in zip(places, arrays, strict=True):
            filled[place] = array
        args, kwargs = jax.tree.unflatten(treedef, filled)
        cls.apply(*args, **kwargs)

    given = [leaves[i] for i in places]
    with recording():
        closed = jax.make_jaxpr(call)(*given)
    known = dict(zip(closed.jaxpr.invars, given, strict=True))
    known |= zip(closed.jaxpr.constvars, closed.consts, strict=True)
    for equation in closed.jaxpr.eqns:
        if equation.primitive is python_op_p:
            operands = [
                v.val if isinstance(v, _compat.Literal) else known[v]
                for v in equation.invars
            ]
            return equation.params["op"], operands
    raise TraceError(
        f"{cls.__name__} can't be applied as one equation to these arguments.\n"
        "  Expected arrays among them, and no Ref; got "
        f"{'a Ref' if places else 'no arrays'}.\n"
        f"  Call {cls.__name__}.apply."
    )
