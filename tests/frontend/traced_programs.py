"""The table of programs for the round trip: much of JAX, and marked Functions in it.

- `PROGRAMS`: `traced_programs_jax`, `traced_programs_arrays` and
  `traced_programs_marked` together; `by_name(name)` picks from it.
"""

from tests.frontend import (
    traced_programs_arrays,
    traced_programs_jax,
    traced_programs_marked,
)
from tests.frontend.traced_program import Program

_PARTS = (traced_programs_jax, traced_programs_arrays, traced_programs_marked)

PROGRAMS: tuple[Program, ...] = tuple(p for m in _PARTS for p in m.program.programs)


def by_name(name: str) -> Program:
    """The program of a name."""
    return next(program for program in PROGRAMS if program.name == name)
