"""The table of programs for the round trip: much of JAX, and marked Functions in it.

- `PROGRAMS`: `programs_jax`, `programs_arrays` and `programs_marked` together;
  `by_name(name)` picks from it.
"""

from tests.frontend import programs_arrays, programs_jax, programs_marked
from tests.frontend.program import Program

_PARTS = (programs_jax, programs_arrays, programs_marked)

PROGRAMS: tuple[Program, ...] = tuple(p for m in _PARTS for p in m.program.programs)


def by_name(name: str) -> Program:
    """The program of a name."""
    return next(program for program in PROGRAMS if program.name == name)
