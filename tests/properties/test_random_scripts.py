"""Random programs of script's language run as in Python.

`JAXGRAD_SCRIPTS` says how many (200).
"""

import pytest

from tests.properties.script_sweep import SHARDS, Check, count
from tests.properties.sweep import sweep

# What at least every so manieth program holds, on average.
AT_LEAST = {
    "If": 1,
    "For": 2,
    "While": 2,
    "Break": 8,
    "Continue": 30,
    "return in a loop": 60,
    "loop else": 5,
    "loop in a loop": 4,
    "AugAssign": 1,
    "subscript store": 2,
    "attribute store": 2,
    "swap": 2,
    "append": 4,
    "pop": 80,
    "chained comparison": 1,
    "BoolOp": 1,
    "Not": 3,
    "IfExp": 1,
    "NamedExpr": 2,
    "range": 3,
    "enumerate": 30,
    "zip": 30,
}


@pytest.mark.parametrize("name", SHARDS)
def test_random_programs_run_as_in_python(name: str) -> None:
    shard = SHARDS[name]
    check = shard.check
    assert isinstance(check, Check)
    assert sweep(shard) >= shard.examples
    programs = check.seen["functions"]
    assert programs >= shard.examples * shard.functions
    assert check.seen["unstable"] <= programs // 50
    if name == "loose":
        assert check.seen["unbound"] >= programs // 20
        assert check.seen["equal"] >= programs
        assert check.seen["refused"] <= programs
    else:
        rare = {k for k, n in AT_LEAST.items() if check.seen[k] < programs // (2 * n)}
        assert rare == set()


def test_there_are_enough_programs() -> None:
    assert count() >= 200
    assert sum(s.examples * s.functions for s in SHARDS.values()) >= count()
