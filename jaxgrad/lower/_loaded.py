"""`LoadedFunction`: what `jaxgrad.load` returns.

- call it as the traced function was called: pytrees in and out, names as they were;
- `with_weights(...)`: the same function of other weights, differentiable in them;
- `signatures`, `graph_text`, `source_map`, `weights`, `platforms`, `vjp_order`.
"""

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from jaxgrad.errors import ArgumentError
from jaxgrad.lower._loaded_signature import Shown, Signature, as_array, fits, text


class LoadedFunction:
    """A saved function: it runs where its source is not.

    It takes the arguments that it was traced with, by position or by name, and picks
    the signature that they fit. `jax.jit` and `jax.grad` work as on any function:
    gradients are the custom ones of its Functions, up to the order it was saved with.

    Attributes:
        graph_text: its graph, printed when it was saved.
        source_map: for each value of the graph its name, and the file, line and column
            of the code that made it.
        weights: the arrays it captured, by name.
        platforms: what it can run on.
        vjp_order: how often it can be differentiated.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        signatures: Sequence[Signature],
        weights: Mapping[str, jax.Array],
        *,
        graph_text: str,
        source_map: tuple[tuple[str, str, int, int], ...],
        platforms: tuple[str, ...],
        vjp_order: int,
    ) -> None:
        """Put together what was read."""
        self.__name__ = self.__qualname__ = name
        self.weights = dict(weights)
        self.graph_text = graph_text
        self.source_map = source_map
        self.platforms = platforms
        self.vjp_order = vjp_order
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature(
            [inspect.Parameter(argument, kind) for argument in arguments]
        )
        # Those without symbolic dimensions first: they say more of what they take.
        self._signatures = sorted(signatures, key=lambda s: s.is_symbolic)

    @property
    def graph(self) -> str:
        """The text of the graph: a loaded function has no `Graph` to edit."""
        return self.graph_text

    @property
    def signatures(self) -> tuple[str, ...]:
        """What it can be called with, for example `(x: f32[a, 3])`."""
        return tuple(map(self._signature_text, self._signatures))

    def __repr__(self) -> str:
        return (
            f"<loaded {self.__name__!r}: {', '.join(self.signatures)}; "
            f"{len(self.weights)} weights, vjp_order={self.vjp_order}, "
            f"for {', '.join(self.platforms)}>"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it.

        Args:
            *args: the arguments, pytrees of arrays.
            **kwargs: arguments by name.

        Returns:
            What the traced function returned: a pytree of arrays.

        Raises:
            ArgumentError: the arguments fit no signature; the message lists those.
        """
        try:
            bound = self._bound(args, kwargs)
        except TypeError as error:
            raise ArgumentError(
                f"{self.__name__} takes other arguments: {error}.\n"
                f"  Expected {' or '.join(self.signatures)}; got {len(args)} by "
                f"position and {', '.join(kwargs) or 'none'} by name.\n"
                "  Call it as the traced function was called."
            ) from error
        signature, leaves = self._fitting(bound)
        outputs = signature.apply([*leaves, *jax.tree.leaves(self.weights)])
        if signature.script is not None:
            return signature.script.finish(outputs, bound, self.weights)
        return jax.tree.unflatten(signature.program.exported.out_tree, outputs)

    def with_weights(self, weights: Mapping[str, Any]) -> "LoadedFunction":
        """The same function of other weights, which may be traced.

        The gradient in the weights is that of `lambda w: loaded.with_weights(w)(x)`.

        Args:
            weights: arrays by name; those not named stay as they are.

        Returns:
            A function that shares everything else with this one.

        Raises:
            ArgumentError: there is no such weight, or it has another shape or dtype.
        """
        changed = {name: as_array(value) for name, value in weights.items()}
        for name, value in changed.items():
            old = self.weights.get(name)
            expected = "one of " + ", ".join(map(repr, self.weights))
            if old is None or not fits(old, value):
                raise ArgumentError(
                    f"{self.__name__} has no such weight: {name!r}.\n"
                    f"  Expected {expected if old is None else text(old)}; got "
                    f"{text(value)}.\n"
                    "  The weights are those that were captured when it was traced."
                )
        other = copy.copy(self)
        other.weights = {**self.weights, **changed}
        return other

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """One value for each parameter."""
        bound = self.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        return [bound.arguments[name] for name in self.__signature__.parameters]

    def _fitting(self, args: Sequence[Any]) -> tuple[Signature, list[Any]]:
        """The first signature that arguments fit, and their leaves as it takes them."""
        broken = []
        for signature in self._signatures:
            leaves = signature.fitted(args)
            if isinstance(leaves, list):
                return signature, leaves
            broken += [leaves] if leaves else []
        expected = " or ".join(self.signatures)
        raise ArgumentError(
            f"{self.__name__} was not saved for these arguments.\n"
            f"  Expected {expected}; got {self._shown(args)}.\n"
            + "".join(f"  {reason}\n" for reason in broken)
            + "  Save it for them too, or with symbolic dimensions "
            "(jax.export.symbolic_shape)."
        )

    def _signature_text(self, signature: Signature) -> str:
        if signature.script is None:
            return self._shown(signature.args)
        names = list(self.__signature__.parameters)
        groups = [list(map(text, group)) for group in signature.args]
        return f"({', '.join(signature.script.shown(groups, names))})"

    def _shown(self, args: Sequence[Any]) -> str:
        parts = zip(self.__signature__.parameters, args, strict=True)
        shown = (f"{name}: {jax.tree.map(Shown, value)}" for name, value in parts)
        return f"({', '.join(shown)})"
