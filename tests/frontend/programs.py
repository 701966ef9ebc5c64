"""The table of script programs.

- `PROGRAMS`: each runs as script as it does in plain Python.
- `REFUSED`: each runs in plain Python, and script says why it can't.
"""

from tests.frontend import (
    programs_branches,
    programs_errors,
    programs_for,
    programs_functions,
    programs_iterate,
    programs_jax,
    programs_lists,
    programs_logic,
    programs_numbers,
    programs_stores,
    programs_subscripts,
    programs_types,
    programs_while,
)
from tests.frontend.program import Program

_PARTS = (
    programs_branches,
    programs_logic,
    programs_while,
    programs_for,
    programs_iterate,
    programs_lists,
    programs_stores,
    programs_subscripts,
    programs_functions,
    programs_errors,
    programs_types,
    programs_jax,
    programs_numbers,
)
_REFUSING = (programs_branches, programs_lists, programs_functions)

PROGRAMS: tuple[Program, ...] = tuple(p for m in _PARTS for p in m.program.programs)
REFUSED: tuple[Program, ...] = tuple(p for m in _REFUSING for p in m.refused.programs)


def by_name(name: str) -> Program:
    """The program of a name."""
    return next(program for program in PROGRAMS if str(program) == name)
