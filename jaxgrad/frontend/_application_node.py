"""What runs a recorded application of a Function."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import LoweringError
from jaxgrad.frontend._edited import Evaluate
from jaxgrad.frontend._operators import EquationOperator
from jaxgrad.function._operation import RECORDING, BatchedOperation, Operation
from jaxgrad.graph import Node, PythonOp
from jaxgrad.lower import call_python

# Settings that decide what forward computes, and the contexts that choose them.
_SETTINGS = {
    "jax_default_matmul_precision": jax.default_matmul_precision,
    "jax_numpy_dtype_promotion": jax.numpy_dtype_promotion,
    "jax_numpy_rank_promotion": jax.numpy_rank_promotion,
}


def _settings() -> tuple[Any, ...]:
    return tuple([getattr(jax.config, name) for name in _SETTINGS])


class ApplicationOperator(EquationOperator):
    """One application of a Function: a `python_op` equation."""

    __slots__ = ("attributes", "settings")

    def __init__(self, equation: Any, attributes: dict[str, Any]) -> None:
        """`attributes` are those of the node, as it was recorded."""
        super().__init__(equation, lambda node, operator: None)
        self.attributes = attributes
        self.settings = _settings()

    def run(
        self, node: Node, inputs: Sequence[Any], evaluate: Evaluate | None = None
    ) -> list[Any]:
        """What the Function makes of `inputs`, with its own rule.

        Inside a recording it is one equation again; outside it is what the Function's
        own `apply` would be.

        Returns:
            The arrays of its result.

        Raises:
            GraphError: the node was edited, and doesn't fit together.
            LoweringError: it was edited and can't be; see `_edited`.
        """
        assert isinstance(node, PythonOp)
        op = self.equation.params["op"]
        if len(inputs) != len(self.equation.invars):
            node.lint_python()
        with _compat.around(self.equation), self._as_recorded():
            if node._attributes is not self.attributes:
                return _edited(node, op, inputs)
            if RECORDING.value is None:
                return list(op.run(inputs))
            return _compat.bind(self.equation, self.equation.params, inputs)

    @contextlib.contextmanager
    def _as_recorded(self) -> Iterator[None]:
        """The settings that forward was recorded with."""
        with contextlib.ExitStack() as stack:
            now = zip(_SETTINGS.values(), self.settings, _settings(), strict=True)
            for context, recorded, current in now:
                if recorded != current:
                    stack.enter_context(context(recorded))
            yield

    def regions(self) -> tuple[str, ...]:
        """None: a Function is never opened."""
        return ()

    def opens(self) -> bool:
        """False."""
        return False

    def key(self) -> Any:
        """The operation: equal for calls with equal static arguments."""
        if self.equation.effects:
            return None
        return self.equation.params["op"], _compat.surroundings(self.equation)


def _edited(node: PythonOp, op: Operation, inputs: Sequence[Any]) -> list[Any]:
    """The application with other static arguments, or another Function.

    Returns:
        The arrays of its result.

    Raises:
        LoweringError: it closes over values of a transformation.
    """
    if isinstance(op, BatchedOperation):
        one = op.axis.vmap(
            lambda *xs: _edited(node, op.inner, xs),
            in_axes=op.dims,
            out_axes=0 if op.out_dims is None else list(op.out_dims),
        )
        return one(*inputs)
    if op.hidden:
        raise LoweringError(
            f"This application of {node.name()} can't be edited: the class closes over "
            "values that were traced with it.\n"
            "  Expected a Function whose values are all arguments; pass them to apply."
        )
    return call_python(node, inputs)
