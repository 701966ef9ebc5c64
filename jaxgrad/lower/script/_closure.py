"""`Closure`: a function that a script defined, as a Python callable.

The interpreter runs its program. Called by anybody else (`jax.vmap`, `jax.grad`, a
library), it is a call of its own: its checks can't join those of the script around it,
whose trace is another one, so that they are reported by a callback.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxgrad.lower.script._foreign import foreign
from jaxgrad.lower.script._program import Program, bind
from jaxgrad.lower.script._run import run_program

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session


class Closure:
    """A function that a script defined.

    Attributes:
        program: its program, the session, the live function around it, and the names of
            its defaults.
    """

    _walked = True

    def __init__(self, program: Any, captured: Sequence[Any]) -> None:
        self.program = program
        self._captured = list(captured)
        self.__name__ = self.__qualname__ = program[0].name

    _captured: list[Any] = []  # noqa: RUF012 (each has its own; tells the class apart)

    def values(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        """What its program is given for the arguments of a call."""
        program, _, _, names = self.program
        count = len(program.captures)
        defaults = dict(zip(names, self._captured[count:], strict=True))
        return [*self._captured[:count], *bind(program, args, kwargs, defaults)]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it for somebody else."""
        session = self.program[1]
        with foreign(session):
            return run_closure(session, self, args, kwargs)

    def __repr__(self) -> str:
        program: Program = self.program[0]
        return f"<function {program.name}>"


def run_closure(session: Session, closure: Closure, args: Any, kwargs: Any) -> Any:
    """Call a function that a script defined."""
    program, _, function, _ = closure.program
    values = closure.values(args, kwargs)
    with session.call(program.name, session.place):
        return run_program(session, program, function, values)
