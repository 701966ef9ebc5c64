"""What runs nodes that were recorded from a jaxpr: an operator for each equation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import LoweringError
from jaxgrad.function._recording import RECORDING
from jaxgrad.graph import Block, Node, PythonOp, SourceRange
from jaxgrad.lower import call_python

Evaluate = Callable[[Block, Sequence[Any]], list[Any]]

_PLACE = re.compile(r"(?P<file>.*?):(?P<line>\d+)(?::(?P<column>\d+))? \((?P<f>.*)\)\Z")

# Plain calls: their body may stand in their place.
_CALLS = frozenset({"jit", "pjit", "closed_call", "core_call"})

# Those whose jaxprs may be replaced by others of the same type. Where a rule belongs to
# the jaxpr (custom_jvp, custom_vjp), or it is compiled apart, the blocks only show it.
_EDITABLE = _CALLS | {"scan", "while", "cond", "checkpoint", "remat2", "remat"}


class ConstantOperator:
    """A constant as JAX had it: with its exact dtype, weak or not."""

    __slots__ = ("attributes", "value")

    def __init__(self, value: Any, attributes: dict[str, Any]) -> None:
        self.value = value
        self.attributes = attributes

    def run(
        self, node: Node, inputs: Sequence[Any], evaluate: Evaluate | None = None
    ) -> list[Any]:
        """The constant; another one if the node's attribute was changed."""
        same = node._attributes is self.attributes
        return [self.value if same else node._attributes["value"]]

    def has_effects(self) -> bool:
        """False."""
        return False

    def regions(self) -> Iterable[str]:
        """None."""
        return ()

    def expand(self, node: Node) -> None:
        """Nothing."""

    def opens(self) -> bool:
        """False."""
        return False

    def key(self) -> Any:
        """What equal constants have in common; None for large ones."""
        return constant_key(self.value)

    def source_range(self) -> SourceRange | None:
        """Nowhere."""
        return None

    def scope(self) -> str:
        """No scope."""
        return ""


def constant_key(value: Any) -> Any:
    """Dtype, weakness, shape and bytes of a constant; None for a large one."""
    aval = jax.typeof(value)
    if not hasattr(value, "tobytes"):
        return str(aval), aval.weak_type, type(value), repr(value)
    if value.size > 64:
        return None
    return str(aval), aval.weak_type, value.tobytes()


class EquationOperator:
    """One equation of a jaxpr."""

    __slots__ = ("_regions", "equation", "expander")

    def __init__(
        self, equation: Any, expander: Callable[[Node, EquationOperator], None]
    ) -> None:
        """`expander` makes the blocks of a node of this operator."""
        self.equation = equation
        self.expander = expander
        self._regions: tuple[str, ...] | None = None

    def run(
        self, node: Node, inputs: Sequence[Any], evaluate: Evaluate | None = None
    ) -> list[Any]:
        """What the equation makes of `inputs`; with the node's attributes and blocks.

        Returns:
            Its results.

        Raises:
            LoweringError: an edited block has other types than the equation needs.
        """
        params = node._attributes
        if node._changed:
            assert evaluate is not None
            params = self._rebuilt(node, evaluate)
        return _compat.run_equation(self.equation, params, inputs)

    def _rebuilt(self, node: Node, evaluate: Evaluate) -> dict[str, Any]:
        """The parameters with the jaxprs of the node's blocks."""
        params, blocks = dict(node._attributes), iter(node.blocks())
        for name in self.regions():
            old = params[name]
            new = [
                _jaxpr(j, next(blocks), evaluate) for j in _compat.nested_jaxprs(old)
            ]
            params[name] = type(old)(new) if isinstance(old, tuple | list) else new[0]
        return params

    def has_effects(self) -> bool:
        """Whether the equation has an effect, on the host or on a Ref."""
        return bool(self.equation.effects)

    def regions(self) -> tuple[str, ...]:
        """The names of the parameters that hold jaxprs."""
        if self._regions is None:
            params = self.equation.params.items()
            self._regions = tuple([n for n, v in params if _compat.nested_jaxprs(v)])
        return self._regions

    def expand(self, node: Node) -> None:
        """Make the blocks of `node`."""
        if self.regions():
            self.expander(node, self)

    def editable(self) -> bool:
        """Whether the blocks may be edited."""
        return self.equation.primitive.name in _EDITABLE

    def opens(self) -> bool:
        """Whether its body may stand in its place: a call that says nothing more."""
        if self.equation.primitive.name not in _CALLS:
            return False
        return all(map(_says_nothing, self.equation.params.items()))

    def key(self) -> Any:
        """What equal equations have in common; None where that is not known."""
        equation = self.equation
        if self.regions() or equation.effects:
            return None
        try:
            key = (equation.primitive, tuple(sorted(equation.params.items())))
            hash(key)
        except TypeError:
            return None
        return key

    def source_range(self) -> SourceRange | None:
        """Where the user's code says what it does."""
        return source_range(_compat.source_of(self.equation))

    def scope(self) -> str:
        """The name scopes that it was recorded in."""
        return _compat.name_stack_of(self.equation)


def _says_nothing(item: tuple[str, Any]) -> bool:
    """Whether a parameter of a call is its body, its name, or a default."""
    name, value = item
    if name in ("jaxpr", "call_jaxpr", "name", "keep_unused", "inline", "ctx_mesh"):
        return True
    values = value if isinstance(value, tuple | list) else (value,)
    plain = all(v in (None, False, "") or _unspecified(v) for v in values)
    return plain or not values


def _unspecified(value: Any) -> bool:
    return type(value).__name__ in ("UnspecifiedValue", "EffectsTuple")


class ApplicationOperator(EquationOperator):
    """One application of a Function: a `python_op` equation."""

    __slots__ = ("attributes",)

    def __init__(self, equation: Any, attributes: dict[str, Any]) -> None:
        """`attributes` are those of the node, as it was recorded."""
        super().__init__(equation, lambda node, operator: None)
        self.attributes = attributes

    def run(
        self, node: Node, inputs: Sequence[Any], evaluate: Evaluate | None = None
    ) -> list[Any]:
        """What the Function makes of `inputs`, with its own rule.

        Inside a recording it is one equation again; outside it is what the Function's
        own `apply` would be.

        Returns:
            The arrays of its result.
        """
        if node._attributes is not self.attributes:  # edited: another application
            assert isinstance(node, PythonOp)
            return call_python(node, inputs)
        if RECORDING.value is None:
            return list(self.equation.params["op"].run(inputs))
        return _compat.run_equation(self.equation, self.equation.params, inputs)

    def regions(self) -> tuple[str, ...]:
        """None: a Function is never opened."""
        return ()

    def opens(self) -> bool:
        """False."""
        return False

    def key(self) -> Any:
        """The operation: equal for calls with equal static arguments."""
        return None if self.equation.effects else self.equation.params["op"]


def source_range(text: str) -> SourceRange | None:
    """The place that JAX writes as `FILE:LINE:COLUMN (FUNCTION)`."""
    match = _PLACE.match(text)
    if match is None:
        return None
    column = None if match["column"] is None else int(match["column"])
    return SourceRange(match["file"], int(match["line"]), column, function=match["f"])


def _jaxpr(old: Any, block: Block, evaluate: Evaluate) -> Any:
    """The jaxpr of an edited block, of the same type as the one that it shows."""
    inner, _ = _compat.plain_jaxpr(old)
    avals = [v.aval for v in inner.invars]
    expected = [v.aval for v in inner.outvars]
    new = jax.make_jaxpr(lambda *xs: evaluate(block, xs))(*avals)
    owner = block.owning_node()
    assert owner is not None
    if list(new.out_avals) != expected:
        raise LoweringError(
            f"An edited block of {owner.kind()} returns other types.\n"
            f"  Expected {', '.join(map(str, expected))}; got "
            f"{', '.join(map(str, new.out_avals))}."
        )
    try:
        return _compat.like_jaxpr(old, new)
    except ValueError as error:
        raise LoweringError(f"{owner.kind()} can't be rebuilt: {error}.") from error
