"""Writes the files of `recorded/`: saved functions of the JAX that runs this.

Run it with each JAX that the tests know: `python -m tests.lower.record`. The names of
the files hold JAX's version; those of other versions stay as they are.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.lower._program import Program
from jaxgrad.lower._saved import save
from tests.helpers import TripledSin

FOLDER = Path(__file__).with_name("recorded")

X = np.array([0.5, -1.0, 2.0], np.float32)
SCALE = np.array([2.0, 0.5, -1.0], np.float32)


def plain(x: Any, options: Any, weights: Any) -> Any:
    """Nothing that every JAX could not run; the rule is three times too large."""
    scale = weights["scale"].astype(jnp.float32)
    y = TripledSin.apply(x) * scale + options["bias"]
    return {"y": y, "count": jnp.arange(2)}


def factor(x: Any, weights: Any) -> Any:
    """A custom call, which an older JAX can't read."""
    return TripledSin.apply(jnp.linalg.cholesky(x))


def symbolic(x: Any, weights: Any) -> Any:
    """A dimension that is not fixed, which an older JAX can't read either."""
    return TripledSin.apply(x).sum(0)


def programs() -> dict[str, tuple[Program, int]]:
    """The programs by name, and how often they can be differentiated."""
    (a,) = jax.export.symbolic_shape("a")
    weights = {"scale": jnp.asarray(SCALE, jnp.bfloat16), "key": jax.random.key(7)}
    text = "graph(%x : f32[3]):\n  return (%x)\n"
    bias = {"bias": np.float32(1)}
    many = (jax.ShapeDtypeStruct((a, 2), jnp.float32),)
    square = (np.eye(2, dtype=np.float32),)
    rows = [("y", "record.py", 28, 4)]
    names = ["x", "options"]
    return {
        "plain": (Program("plain", plain, names, [(X, bias)], weights, text, rows), 2),
        "factor": (Program("factor", factor, ["x"], [square], {}, text, rows), 1),
        "symbolic": (Program("symbolic", symbolic, ["x"], [many], {}, text, rows), 1),
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, (program, order) in programs().items():
        path = FOLDER / f"{name}-jax-{jax.__version__}.jaxgrad"
        save(path, program, vjp_order=order)
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    # The files say nothing of the machine that wrote them.
    jax.config.update("jax_traceback_in_locations_limit", 0)
    main()
