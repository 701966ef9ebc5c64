"""Compiled code of scripted programs equals that of the `lax` programs by hand."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.bench.script_pairs import Pair, normal, recurrent, settling

EQUAL = (
    Pair("newton", "scalar", lambda: (jnp.float32(7.0),)),
    Pair("collatz", "nested", lambda: (jnp.int32(9),)),
    Pair("huber", "branches", lambda: (normal(8),)),
    Pair("recurrence", "gradient", lambda: recurrent(8), True),
)
# A scripted loop looks whether it was done within `max_steps`; those by hand don't.
NEAR = (
    Pair("settle", "gradient", lambda: settling(8), True),
    Pair("settle_taped", "gradient", lambda: settling(8), True),
)
MOST_MORE = 1.1


class Counts(NamedTuple):
    """What XLA says of a compiled program."""

    instructions: int
    flops: float
    accessed_bytes: float


def measured(side: Any, arrays: tuple[Any, ...]) -> tuple[Counts, Any]:
    compiled = jax.jit(side).lower(*arrays).compile()
    cost = compiled.cost_analysis()
    lines = compiled.as_text().splitlines()
    counts = Counts(
        instructions=sum(" = " in line for line in lines),
        flops=cost.get("flops", 0.0),
        accessed_bytes=cost["bytes accessed"],
    )
    return counts, compiled(*arrays)


@pytest.mark.parametrize("pair", EQUAL, ids=lambda pair: pair.name)
def test_counts_equal(pair: Pair) -> None:
    arrays = pair.arrays()
    (ours, value), (twin, expected) = (measured(s, arrays) for s in pair.sides())
    assert ours == twin
    assert ours.instructions > 5
    jax.tree.map(np.testing.assert_array_equal, value, expected)


@pytest.mark.parametrize("pair", NEAR, ids=lambda pair: pair.name)
def test_counts_are_near(pair: Pair) -> None:
    arrays = pair.arrays()
    (ours, value), (twin, expected) = (measured(s, arrays) for s in pair.sides())
    assert all(a <= MOST_MORE * b for a, b in zip(ours, twin, strict=True))
    for a, b in zip(*map(jax.tree.leaves, (value, expected)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)
