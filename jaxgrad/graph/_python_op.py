"""`PythonOp`: the application of a Function as a node, opaque to every pass."""

from __future__ import annotations

from typing import Any

from jaxgrad.errors import GraphError
from jaxgrad.graph._node import Node


class PythonOp(Node):
    """A node that applies a Python callable, of a Function mostly.

    Its inputs are the arrays among the arguments; the others are `scalar_args`. `cconv`
    has one letter for each argument: `d` for an array (dynamic), `c` for a Python value
    (constant); a container has one for each of its leaves. Printed as
    `^Name(scalar_args)(inputs)`.

    Example:
        >>> from jaxgrad import Function
        >>> from jaxgrad.graph import Graph
        >>> class Power(Function):
        ...     @staticmethod
        ...     def forward(ctx, x, n):
        ...         return x**n
        >>> graph = Graph()
        >>> op = graph.create_python_op(Power.apply, "dc", [3])
        >>> op.name(), op.autograd_function() is Power, op.cconv, op.scalar_args
        ('Power', True, 'dc', [3])
    """

    __slots__ = ()

    @property
    def pyobj(self) -> Any:
        """The callable; for a Function its bound `apply`."""
        return self.attr["pyobj"]

    @property
    def cconv(self) -> str:
        """One letter for each argument, `d` or `c`."""
        return self.attr["cconv"]

    @property
    def scalar_args(self) -> list[Any]:
        """The Python values among the arguments, in order."""
        return list(self.attr["scalar_args"])

    def autograd_function(self) -> Any:
        """The Function whose `apply` it calls; None for another callable."""
        owner = getattr(self.pyobj, "__self__", None)
        apply = getattr(owner, "apply", None)
        return owner if apply is not None and bool(apply == self.pyobj) else None

    def name(self) -> str:
        """The name of the Function, else that of the callable."""
        function = self.autograd_function()
        return get_python_name(self.pyobj if function is None else function)

    def pyname(self) -> str:
        """The same as `name`, under the name of torch's Python binding."""
        return self.name()

    def clone_from(self, other: Node) -> PythonOp:
        """Become an application like `other`: attributes, source range and scope.

        Returns:
            The node itself.

        Raises:
            GraphError: `other` is no PythonOp.
        """
        if not isinstance(other, PythonOp):
            raise GraphError(f"clone_from expected a PythonOp; got {other.kind()}.")
        self.copy_metadata(other)
        self._attributes, self._shared = other._attributes, True
        other._shared = True
        self._operator = other._operator
        return self

    def lint_python(self) -> None:
        """Raise if callable, letters, scalars and inputs don't fit together.

        Raises:
            GraphError: the message says what doesn't.
        """
        attributes = self._attributes
        if not callable(attributes.get("pyobj")):
            raise GraphError("A PythonOp has no callable: its pyobj is not set.")
        letters = attributes.get("cconv")
        if not isinstance(letters, str) or not set(letters) <= {"c", "d"}:
            raise GraphError(
                f"^{self.name()} has the calling convention {letters!r}.\n"
                "  Expected one letter for each argument, 'd' or 'c'."
            )
        scalars = len(attributes.get("scalar_args", ()))
        if letters.count("c") != scalars:
            raise GraphError(
                f"^{self.name()} has {letters.count('c')} constant arguments in its "
                f"calling convention {letters!r}, and {scalars} scalar_args."
            )
        if letters.count("d") != len(self._inputs):
            raise GraphError(
                f"^{self.name()} has {letters.count('d')} dynamic arguments in its "
                f"calling convention {letters!r}, and {len(self._inputs)} inputs."
            )

    def has_side_effects(self) -> bool:
        """Whether its Function says `pure = False`, or its forward has an effect."""
        function = self.autograd_function()
        if not getattr(function, "pure", True):
            return True
        return self._operator is not None and self._operator.has_effects()


def get_python_name(obj: Any) -> str:
    """The name of a Python object, `<python_value>` if it has none."""
    return str(getattr(obj, "__name__", "<python_value>"))
