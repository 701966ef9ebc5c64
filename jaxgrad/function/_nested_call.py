"""`NestedCall`: the form of a call whose arguments are not all leaves by position."""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from jaxgrad.function._spec import Spec


class NestedCall:
    """How the leaves of a call are put together: in containers, or by name."""

    def __init__(self, spec: Spec) -> None:
        self.slots = spec.slots[: spec.given]
        cut = len(spec.names) - len(spec.keywords)
        self.keywords = spec.names[cut : spec.given]

    def __call__(self, function: Callable[..., Any], leaves: Sequence[Any]) -> Any:
        """Call `function` with the arguments that `leaves` are the leaves of."""
        rest = iter(leaves)
        values = [
            jax.tree.unflatten(slot, [next(rest) for _ in range(slot.num_leaves)])
            for slot in self.slots
        ]
        cut = len(values) - len(self.keywords)
        named = dict(zip(self.keywords, values[cut:], strict=True))
        return function(*values[:cut], **named)

    def _key(self) -> Any:
        return tuple(self.slots), tuple(self.keywords)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NestedCall) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        names = [""] * (len(self.slots) - len(self.keywords)) + [
            f"{name}=" for name in self.keywords
        ]
        pairs = zip(names, self.slots, strict=True)
        return f"({', '.join(n + _slot_text(slot) for n, slot in pairs)})"


def _slot_text(slot: Any) -> str:
    return str(slot).removeprefix("PyTreeDef(").removesuffix(")")
