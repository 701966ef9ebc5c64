"""What runs nodes that were recorded from a jaxpr: an operator for each equation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import LoweringError
from jaxgrad.frontend._edited import EDITABLE, Evaluate, run_edited
from jaxgrad.function._recording import operations
from jaxgrad.graph import Node, SourceRange
from jaxgrad.lower import constant_of

_PLACE = re.compile(r"(?P<file>.*?):(?P<line>\d+)(?::(?P<column>\d+))? \((?P<f>.*)\)\Z")

# Plain calls: their body may stand in their place.
_CALLS = frozenset({"jit", "pjit", "closed_call", "core_call"})


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
        return [self.value if same else constant_of(node)]

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

    __slots__ = ("_effects", "_regions", "equation", "expander")

    def __init__(
        self, equation: Any, expander: Callable[[Node, EquationOperator], None]
    ) -> None:
        """`expander` makes the blocks of a node of this operator."""
        self.equation = equation
        self.expander = expander
        self._regions: tuple[str, ...] | None = None
        self._effects: bool | None = None

    def run(
        self, node: Node, inputs: Sequence[Any], evaluate: Evaluate | None = None
    ) -> list[Any]:
        """What the equation makes of `inputs`; with the node's attributes and blocks.

        Returns:
            Its results.

        Raises:
            LoweringError: an edited block has other types than the equation needs.
        """
        if self.regions():
            self._check(node, inputs)
        if node._changed:
            assert evaluate is not None
            return run_edited(self.equation, node, inputs, evaluate)
        with _compat.at(self.equation):
            return _compat.bind(self.equation, node._attributes, inputs)

    def _check(self, node: Node, inputs: Sequence[Any]) -> None:
        """Refuse operands that the nested jaxprs don't take."""
        expected = [v.aval for v in self.equation.invars]
        got = [jax.typeof(x) for x in inputs]
        if [(a.shape, a.dtype) for a in got] != [(a.shape, a.dtype) for a in expected]:
            raise LoweringError(
                f"{node.kind()} is given other types than it was recorded with.\n"
                f"  Expected ({', '.join(a.str_short() for a in expected)}); got "
                f"({', '.join(a.str_short() for a in got)})."
            )

    def has_effects(self) -> bool:
        """Whether it has an effect, on the host or on a Ref, or an impure Function."""
        if self._effects is None:
            jaxprs = [self.equation.params[name] for name in self.regions()]
            nested = [j for value in jaxprs for j in _compat.nested_jaxprs(value)]
            self._effects = bool(self.equation.effects) or any(map(is_impure, nested))
        return self._effects

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
        return self.equation.primitive.name in EDITABLE

    def opens(self) -> bool:
        """Whether its body may stand in its place: a call that says nothing more."""
        if self.equation.primitive.name not in _CALLS:
            return False
        return says_nothing(self.equation)

    def key(self) -> Any:
        """What equal equations have in common; None where that is not known."""
        equation = self.equation
        if self.regions() or self.has_effects():
            return None
        try:
            params = tuple(sorted(equation.params.items()))
            key = (equation.primitive, params, _compat.surroundings(equation))
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


def is_impure(jaxpr: Any) -> bool:
    """Whether a jaxpr applies a Function that says `pure = False`, at any depth."""
    return any(not op.pure for op, _ in operations(jaxpr))


def says_nothing(equation: Any) -> bool:
    """Whether a call asks for nothing: no sharding, layout, donation or option."""
    return all(map(_says_nothing, equation.params.items()))


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


def source_range(text: str) -> SourceRange | None:
    """The place that JAX writes as `FILE:LINE:COLUMN (FUNCTION)`."""
    match = _PLACE.match(text)
    if match is None:
        return None
    column = None if match["column"] is None else int(match["column"])
    return SourceRange(match["file"], int(match["line"]), column, function=match["f"])
