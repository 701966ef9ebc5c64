"""`DebugState`: what was compiled for one signature."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from jaxgrad.lower._loaded_signature import text

if TYPE_CHECKING:
    from jaxgrad.frontend.script._function import Compiled


class DebugState:
    """What was compiled for one signature; its parts are made when they are asked for.

    Attributes:
        signature: the types of the arrays, as text.
    """

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._structs = compiled.incoming.leaves
        self.signature = f"({', '.join(map(text, self._structs))})"

    @functools.cached_property
    def _traced(self) -> Any:
        return self._compiled.run.trace(*self._structs)

    @property
    def jaxpr(self) -> Any:
        """The closed jaxpr."""
        return self._traced.jaxpr

    @functools.cached_property
    def lowered(self) -> Any:
        """The `jax.stages.Lowered`."""
        return self._traced.lower()

    @functools.cached_property
    def compiled(self) -> Any:
        """The `jax.stages.Compiled`."""
        return self.lowered.compile()

    def cost_analysis(self) -> Any:
        """What XLA says of its operations."""
        return self.compiled.cost_analysis()

    def memory_analysis(self) -> Any:
        """What XLA says of its memory."""
        return self.compiled.memory_analysis()

    def __repr__(self) -> str:
        return f"<DebugState {self.signature}>"
