"""The table of wrong programs: functions that script refuses, and what it says of each.

- `WRONG_PROGRAMS`: all of them.
"""

from tests.frontend import (
    wrong_programs_calls,
    wrong_programs_constructs,
    wrong_programs_host,
    wrong_programs_loops,
    wrong_programs_names,
    wrong_programs_objects,
    wrong_programs_types,
    wrong_programs_values,
)
from tests.frontend.wrong_program import Wrong

PARTS = (
    wrong_programs_constructs,
    wrong_programs_host,
    wrong_programs_names,
    wrong_programs_types,
    wrong_programs_objects,
    wrong_programs_loops,
    wrong_programs_values,
    wrong_programs_calls,
)

WRONG_PROGRAMS: list[Wrong] = [p for part in PARTS for p in part.wrong.programs]
