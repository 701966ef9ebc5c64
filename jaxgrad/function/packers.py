"""Ready-made packers for `saved_tensors_hooks`: less memory between the two passes.

- `bfloat16`: two bytes a number, its 8 leading bits; differentiable. Of float64 numbers
  those beyond 3.4e38 become infinite.
- `int8`: one byte a number, by one scale for each tensor; no second derivative.
- `bitmask`: one bit for each element of a boolean mask.

What a packer is not meant for passes unchanged: other dtypes (complex numbers too), and
numbers that are no wider already. Each is a `Packer`; write your own as
`Packer(pack, unpack, name)`.

Example:
    >>> import jax.numpy as jnp
    >>> from jaxgrad import packers
    >>> packed = packers.int8.pack(jnp.array([0.0, 0.5, 1.0]))
    >>> packed.data.dtype, packers.int8.unpack(packed).dtype
    (dtype('int8'), dtype('float32'))
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.function._hooks import Packer

__all__ = ["Packer", "bfloat16", "bitmask", "int8"]


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["data", "scale"],
    meta_fields=["dtype", "shape"],
)
@dataclasses.dataclass(frozen=True)
class Packed:
    """A packed array.

    Attributes:
        data: the numbers, in fewer bits.
        scale: what they are multiplied with, or None.
        dtype: the dtype of the array before.
        shape: its shape before.
    """

    data: jax.Array
    scale: jax.Array | None
    dtype: Any
    shape: tuple[int, ...]


def _is_float(value: Any) -> bool:
    return jnp.issubdtype(value.dtype, np.floating)


def _pack_bfloat16(value: Any) -> Any:
    if not _is_float(value) or value.dtype.itemsize <= 2:
        return value
    return Packed(value.astype(jnp.bfloat16), None, value.dtype, value.shape)


def _pack_int8(value: Any) -> Any:
    if not _is_float(value) or value.dtype.itemsize <= 1:
        return value
    # Infinities and NaN stay what they are for the scale, and so for every number.
    wide = value.astype(jnp.promote_types(value.dtype, jnp.float32))
    largest = jnp.max(jnp.abs(wide), initial=0.0)
    scale = jnp.where(largest == 0, 1.0, largest / 127).astype(wide.dtype)
    data = jnp.clip(jnp.round(wide / scale), -127, 127).astype(jnp.int8)
    return Packed(data, scale, value.dtype, value.shape)


def _pack_bitmask(value: Any) -> Any:
    if value.dtype != np.bool_:
        return value
    return Packed(jnp.packbits(value.ravel()), None, value.dtype, value.shape)


def _unpack(packed: Any) -> Any:
    if not isinstance(packed, Packed):
        return packed
    if packed.scale is None:
        return packed.data.astype(packed.dtype)
    return (packed.data.astype(packed.scale.dtype) * packed.scale).astype(packed.dtype)


def _unpack_bitmask(packed: Any) -> Any:
    if not isinstance(packed, Packed):
        return packed
    count = int(np.prod(packed.shape, dtype=np.int64))
    bits = jnp.unpackbits(packed.data, count=count)
    return bits.reshape(packed.shape).astype(packed.dtype)


bfloat16 = Packer(_pack_bfloat16, _unpack, "bfloat16")
int8 = Packer(_pack_int8, _unpack, "int8")
bitmask = Packer(_pack_bitmask, _unpack_bitmask, "bitmask")
