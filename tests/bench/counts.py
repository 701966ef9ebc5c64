"""What a Function costs once it is compiled, and what it keeps for backward.

- `Counts`: instructions, flops, bytes accessed, temporary bytes, residual bytes.
- `measure(f, arrays, argnums)`: the counts of one callable.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from tests.bench.pairs import Arrays


@dataclasses.dataclass(frozen=True)
class Counts:
    """Counts of one callable; equal counts mean equally good compiled code.

    Attributes:
        instructions: Instructions in the optimized HLO of the value and gradient.
        flops: Floating point operations that XLA expects.
        accessed_bytes: Bytes that XLA expects to read and write.
        temp_bytes: Scratch memory of the compiled program.
        saved_bytes: Distinct arrays that `jax.vjp` holds outside jit.
        traced_saved_bytes: Distinct values that forward hands to backward in a trace.
    """

    instructions: int
    flops: float
    accessed_bytes: float
    temp_bytes: int
    saved_bytes: int
    traced_saved_bytes: int


def measure(
    f: Callable[..., jax.Array], arrays: Arrays, argnums: tuple[int, ...]
) -> Counts:
    """Compiles the value and gradient of `f` and counts.

    Args:
        f: A function of the arrays with one array output.
        arrays: Its arguments.
        argnums: The arguments that gradients are taken of.

    Returns:
        The counts.
    """
    weights = jnp.ones_like(jax.eval_shape(f, *arrays))

    def loss(weights: jax.Array, *arrays: jax.Array) -> jax.Array:
        return jnp.sum(weights * f(*arrays))

    grad = jax.value_and_grad(loss, tuple(i + 1 for i in argnums))
    compiled = jax.jit(grad).lower(weights, *arrays).compile()
    cost = compiled.cost_analysis()
    return Counts(
        instructions=sum(" = " in line for line in compiled.as_text().splitlines()),
        flops=cost["flops"],
        accessed_bytes=cost["bytes accessed"],
        temp_bytes=compiled.memory_analysis().temp_size_in_bytes,
        saved_bytes=_saved_bytes(f, arrays, argnums),
        traced_saved_bytes=_traced_saved_bytes(f, arrays, argnums),
    )


def _vjp(
    f: Callable[..., jax.Array], arrays: Arrays, argnums: tuple[int, ...]
) -> Callable[..., Arrays]:
    def of_these(*some: jax.Array) -> jax.Array:
        full = dict(enumerate(arrays)) | dict(zip(argnums, some, strict=True))
        return f(*full.values())

    return jax.vjp(of_these, *(arrays[i] for i in argnums))[1]


def _saved_bytes(
    f: Callable[..., jax.Array], arrays: Arrays, argnums: tuple[int, ...]
) -> int:
    held = jax.tree.leaves(_vjp(f, arrays, argnums))
    # Two arrays on one buffer are one residual.
    arrays_held = [leaf for leaf in held if isinstance(leaf, jax.Array)]
    assert all(leaf.nbytes == 0 for leaf in held if not isinstance(leaf, jax.Array))
    sizes = {leaf.unsafe_buffer_pointer(): leaf.nbytes for leaf in arrays_held}
    return sum(sizes.values())


def _traced_saved_bytes(
    f: Callable[..., jax.Array], arrays: Arrays, argnums: tuple[int, ...]
) -> int:
    traced = jax.make_jaxpr(lambda *arrays: _vjp(f, arrays, argnums))(*arrays)
    held = {id(var): var.aval for var in traced.jaxpr.outvars}
    return sum(aval.size * aval.dtype.itemsize for aval in held.values())
