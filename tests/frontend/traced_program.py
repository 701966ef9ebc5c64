"""What an entry of the table of programs is, and how a function becomes one.

- `Program`: a callable, example arguments, and what is known about it from outside.
- `Table`: a decorator that collects programs.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Arrays = list[Any]

X = np.array([0.5, -1.25, 2.0], np.float32)
Y = np.array([1.5, 0.75, -0.5], np.float32)
M = np.array([[2.0, -0.5, 0.25], [0.75, 3.0, -1.0], [0.5, 0.25, 1.5]], np.float32)
I = np.array([2, 0, 2], np.int32)  # noqa: E741


@dataclasses.dataclass(frozen=True)
class Program:
    """One program.

    Attributes:
        name: For test ids.
        fn: From pytrees of arrays to a pytree of arrays.
        examples: Its arguments, or a callable that makes them (JAX arrays are made
            late, so that importing this file starts no backend).
        gradient: For marked programs: from a list of cotangents, one for each floating
            output, to the gradients of `sum(real(vdot(cotangent, output)))` at the
            examples, in plain NumPy.
        differentiable: Whether reverse mode works; it doesn't through a `while_loop`.
        log: What the program told the host; None if it tells nothing.
    """

    name: str
    fn: Callable[..., Any]
    examples: tuple[Any, ...] | Callable[[], tuple[Any, ...]]
    gradient: Callable[[Arrays], Arrays] | None = None
    differentiable: bool = True
    log: list[Any] | None = None

    def __str__(self) -> str:
        return self.name

    def args(self) -> tuple[Any, ...]:
        """The arguments."""
        made = self.examples() if callable(self.examples) else self.examples
        return jax.tree.map(
            lambda v: jnp.asarray(v) if isinstance(v, np.ndarray) else v, made
        )


class Table:
    """Programs, collected by a decorator."""

    def __init__(self) -> None:
        self.programs: list[Program] = []

    def __call__(
        self,
        *examples: Any,
        make: Callable[[], tuple[Any, ...]] | None = None,
        **rest: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Enter a function under its own name; `make` makes its examples late."""

        def enter(fn: Callable[..., Any]) -> Callable[..., Any]:
            self.programs.append(Program(fn.__name__, fn, make or examples, **rest))
            return fn

        return enter


def two_devices() -> jax.sharding.Mesh:
    """A mesh of two devices; what is not said to be split is whole on both."""
    auto = (jax.sharding.AxisType.Auto,)
    return jax.make_mesh((2,), ("i",), auto, devices=jax.devices()[:2])
