"""A longer sweep: `python -m tests.properties --examples 20000 --seed 1`.

It runs the shards of the tests, on other random Functions, graphs and mistakes for each
seed. With `--scripts 20000`, random programs of script's language are run instead.
The exit status is 1 if any fails; the smallest failing case is printed.
"""

import argparse
import os
import sys
import time
import traceback

os.environ.setdefault("JAX_PLATFORMS", "cpu")

from tests.properties.graph_sweep import GRAPHS, REFUSED
from tests.properties.script_sweep import shards as script_shards
from tests.properties.sweep import FUNCTIONS, MISTAKES, sweep


def main() -> int:
    """Run every shard, and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.properties")
    parser.add_argument("--examples", type=int, default=20_000, help="in all")
    parser.add_argument("--seed", type=int, default=1, help="the tests use others")
    parser.add_argument("--scripts", type=int, help="only so many scripts, instead")
    options = parser.parse_args()
    shards = {**FUNCTIONS, **MISTAKES, **GRAPHS, **REFUSED}
    if options.scripts:
        shards, options.examples = script_shards(options.scripts), options.scripts
    factor = options.examples / sum(s.examples * s.functions for s in shards.values())
    failed = 0
    for name, shard in shards.items():
        examples = max(1, round(shard.examples * factor))
        seed = shard.seed + 1000 * options.seed
        started = time.perf_counter()
        try:
            count = sweep(shard._replace(examples=examples, seed=seed))
            said = f"{count * shard.functions} passed"
        except Exception:
            traceback.print_exc()
            failed, said = failed + 1, "FAILED"
        print(f"{name:14} {said}, {time.perf_counter() - started:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
