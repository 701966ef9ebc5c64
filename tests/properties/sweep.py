"""Runs a check on many random cases: the same ones every time, counted.

- `Shard`: a check, what it is run on and how often.
- `SHARDS`: those of a run of the tests, each a test of its own.
"""

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis.strategies as st
import jax
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.properties import checks, mistakes
from tests.properties.strategies import FEW_SHAPES, SMOOTH_DTYPES, cases

DUAL = ("derived", "both", "jvp")
TOGETHER = 8  # Functions in one compiled program
ROUNDS = 5
PROFILE = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    report_multiple_bugs=False,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow],
)


class Shard(NamedTuple):
    """A check, and the cases that it is run on.

    Attributes:
        check: raises where a case fails.
        strategy: of the cases.
        examples: how many different ones, at least.
        seed: of the draws.
        functions: how many random Functions there are in a case.
        compiled: whether `jax.jit` compiles. Otherwise jitted parts of JAX run
            operation by operation, so that few programs serve all cases.
        shrink: whether a failing case is made smaller, which runs it very often.
    """

    check: Callable[[Any], None]
    strategy: st.SearchStrategy
    examples: int
    seed: int = 0
    functions: int = 1
    compiled: bool = False
    shrink: bool = True


def sweep(shard: Shard) -> int:
    """Run a shard.

    Args:
        shard: the check, the cases, how many.

    Returns:
        How many different cases passed.
    """
    passed: set[str] = set()

    def one(case: Any) -> None:
        shard.check(case)
        passed.add(repr(case))

    with contextlib.nullcontext() if shard.compiled else jax.disable_jit():
        for more in range(ROUNDS):  # as some cases are drawn twice
            missing = shard.examples - len(passed)
            if missing > 0:
                # Lists of several Functions are never drawn twice.
                spare = missing // 8 + 4 if shard.functions == 1 else 0
                profile = settings(PROFILE, max_examples=missing + spare)
                if not shard.shrink:
                    profile = settings(profile, phases=[Phase.generate])
                seed(shard.seed + 100 * more)(profile(given(shard.strategy)(one)))()
    return len(passed)


_SECOND = cases(
    ("reverse", "reverse", *DUAL), dtypes=SMOOTH_DTYPES, marked=False, steps=4
)
_BATCHED = cases(("reverse", "derived"), dtypes=SMOOTH_DTYPES)
_FLOAT32 = cases(
    ("reverse", "derived", "both"), dtypes=SMOOTH_DTYPES[:1], steps=3, jit=True
)
_PARTS = cases(DUAL, dtypes=SMOOTH_DTYPES[:1], steps=3, shapes=FEW_SHAPES)

FUNCTIONS: dict[str, Shard] = {
    **{f"reverse-{n}": Shard(checks.reverse, cases(), 270, n) for n in range(4)},
    **{f"forward-{n}": Shard(checks.forward, cases(DUAL), 230, n) for n in range(2)},
    **{f"second-{n}": Shard(checks.second, _SECOND, 110, n) for n in range(2)},
    **{f"batched-{n}": Shard(checks.batched, _BATCHED, 100, n) for n in range(2)},
    "jitted-parts": Shard(checks.forward, _PARTS, 30, 9, compiled=True),
    "compiled": Shard(
        checks.compiled,
        st.lists(_FLOAT32, min_size=TOGETHER, max_size=TOGETHER),
        8,
        functions=TOGETHER,
        compiled=True,
    ),
}
MISTAKES: dict[str, Shard] = {
    kind.replace(" ", "-"): Shard(mistakes.refused, mistakes.mistakes(kind), 60)
    for kind in mistakes.KINDS
}
