"""A loop with everything that it uses as operands.

What `cond` and `body` close over, and the parts of the carry that no step changes, are
constants: they are kept once, whatever a gradient keeps of each step.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat

Arrays = Sequence[Any]


class Closed:
    """A loop as functions of flat operands: constants first, then what is carried.

    Attributes:
        free: which leaves of the carry a step changes; the others are constants.
        count: how many constants there are.
    """

    def __init__(
        self,
        test: _compat.Hoisted,
        body: _compat.Hoisted,
        max_steps: int,
        name: str,
    ) -> None:
        self.test, self.body = test, body
        self.max_steps = max_steps
        self.name = name
        self.free = [i for i, passed in enumerate(body.passed) if not passed]
        self.fixed = [i for i, passed in enumerate(body.passed) if passed]
        self.split = (len(test.consts), len(test.consts) + len(body.consts))
        self.count = self.split[1] + len(self.fixed)

    def _leaves(self, operands: Arrays, carried: Arrays) -> list[Any]:
        leaves: list[Any] = [None] * (len(self.free) + len(self.fixed))
        fixed = operands[self.split[1] : self.count]
        for i, value in zip(self.fixed, fixed, strict=True):
            leaves[i] = value
        for i, value in zip(self.free, carried, strict=True):
            leaves[i] = value
        return leaves

    def holds(self, consts: Arrays, carried: Arrays) -> Any:
        """Whether to go on."""
        own = consts[: self.split[0]]
        return jnp.asarray(self.test.run(own, self._leaves(consts, carried))[0])

    def step(self, consts: Arrays, carried: Arrays) -> list[Any]:
        """What is carried after one more step."""
        own = consts[self.split[0] : self.split[1]]
        new = self.body.run(own, self._leaves(consts, carried))
        return [new[i] for i in self.free]

    def run(self, operands: Arrays) -> list[Any]:
        """What is carried at the end, by JAX's own loop."""
        consts, init = operands[: self.count], operands[self.count :]

        def test(state: Any) -> Any:
            count, carried = state
            return (count < self.max_steps) & self.holds(consts, carried)

        def step(state: Any) -> Any:
            count, carried = state
            return count + 1, self.step(consts, carried)

        return jax.lax.while_loop(test, step, (jnp.int32(0), list(init)))[1]

    def moves(self, flags: Sequence[bool]) -> list[bool]:
        """Which of what is carried has a tangent at the end."""
        consts, carried = flags[: self.count], list(flags[self.count :])
        own = consts[self.split[0] : self.split[1]]
        while True:
            leaves = self._leaves(consts, carried)
            found = self.body.moves([*own, *leaves])
            more = [c or found[i] for c, i in zip(carried, self.free, strict=True)]
            if more == carried:
                return more
            carried = more


def closed(
    cond: Callable[..., Any],
    body: Callable[..., Arrays],
    init: Arrays,
    max_steps: int,
    name: str,
) -> tuple[Closed, list[Any]]:
    """A loop with what its functions close over as operands.

    Returns:
        The loop, and its constants.
    """
    test, step = _compat.hoisted(cond, init), _compat.hoisted(body, init)
    loop = Closed(test, step, max_steps, name)
    fixed = [init[i] for i in loop.fixed]
    return loop, [*test.consts, *step.consts, *fixed]
