"""`Program`: what is exported and saved, whoever recorded it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple


class Program(NamedTuple):
    """A JAX function with its weights, and what is known about where it comes from.

    Attributes:
        name: what errors and the saved file call it.
        run: the function, of one pytree for each argument and then `weights`.
        arguments: the names of its arguments, in order, without the weights.
        examples: for each signature, a tuple of arguments: pytrees of arrays or
            `jax.ShapeDtypeStruct`, whose dimensions may be symbolic.
        weights: the arrays it captured, by name; gradients may be asked of them too.
        graph_text: its graph, printed.
        source_map: for each value of the graph its name, and the file, line and column
            of the code that made it.
        variants: of a script, one for each signature: its `run`, in the place of that
            above, and after the export its `record()`, for the file.
        parameters: of a script, the name, the kind and the default of each argument.
    """

    name: str
    run: Callable[..., Any]
    arguments: Sequence[str]
    examples: Sequence[tuple[Any, ...]]
    weights: Mapping[str, Any]
    graph_text: str = ""
    source_map: Sequence[tuple[str, str, int, int]] = ()
    variants: Sequence[Any] = ()
    parameters: Sequence[Any] = ()
