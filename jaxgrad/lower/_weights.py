"""Weights as bytes: an npz without pickle, and a table that says what its bits mean.

- `pack(weights)`: the table, and the npz.
- `unpack(table, data)`: the arrays, after a check of each against the table.

NumPy has no bfloat16, no float8, no int4 and no random keys, so that such arrays are
stored as unsigned integers, and the table holds their dtype.
"""

import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# What a table may name; everything else is refused before NumPy sees it.
_PLAIN = frozenset(
    ["bool"]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    + ["float16", "float32", "float64", "complex64", "complex128"]
)
_FLOAT8 = ("e3m4", "e4m3", "e4m3b11fnuz", "e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz")
_EXTENDED = frozenset(
    ["bfloat16", "float8_e8m0fnu", "float4_e2m1fn", "int2", "uint2", "int4", "uint4"]
    + [f"float8_{kind}" for kind in _FLOAT8]
)


class WeightsError(Exception):
    """The bytes are not what the table says; the message says where."""


class NeedsX64(Exception):
    """A weight has 64 bits, and JAX is not told to use so many."""


def is_wide(dtype: Any) -> bool:
    """Whether JAX would cut values of a dtype, as it is not told to use 64 bits."""
    is_key = jax.dtypes.issubdtype(dtype, jax.dtypes.extended)
    return not is_key and jax.dtypes.canonicalize_dtype(dtype) != dtype


def pack(weights: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bytes]:
    """The table of some weights, and their npz.

    Args:
        weights: arrays by name; random keys too.

    Returns:
        For each a dict of name, dtype, shape and key (the random generator, or None);
        and the npz, whose arrays are named by their place in the table.
    """
    table, stored = [], {}
    for i, (name, value) in enumerate(weights.items()):
        array, key = jnp.asarray(value), None
        if jax.dtypes.issubdtype(array.dtype, jax.dtypes.prng_key):
            key = str(jax.random.key_impl(array))
            array = jax.random.key_data(array)
        host = np.asarray(array)
        entry = {"name": name, "dtype": host.dtype.name, "shape": list(host.shape)}
        table.append({**entry, "key": key})
        stored[str(i)] = host.view(_stored_as(host.dtype.name))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i, host in stored.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(host, order="C"), (1, 0))
            archive.writestr(zipfile.ZipInfo(f"{i}.npy"), member.getvalue())
    return table, buffer.getvalue()


def unpack(table: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, jax.Array]:
    """The weights in an npz.

    Args:
        table: what `pack` returned, the types of its entries checked.
        data: the npz.

    Returns:
        The arrays by name.

    Raises:
        WeightsError: the table and the npz don't belong together.
    """
    names = [entry["name"] for entry in table]
    if len(set(names)) != len(names):
        raise WeightsError("two weights have one name")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if [info.filename for info in infos] != [f"{i}.npy" for i in range(len(table))]:
            raise WeightsError("weights.npz holds other arrays than listed")
        for info in infos:
            if info.compress_type != zipfile.ZIP_STORED or info.file_size > len(data):
                raise WeightsError("weights.npz is compressed")
        hosts = [
            _array(entry, archive.read(info))
            for entry, info in zip(table, infos, strict=True)
        ]
    pairs = zip(table, hosts, strict=True)
    return {entry["name"]: _on_device(entry, host) for entry, host in pairs}


def _array(entry: Mapping[str, Any], data: bytes) -> np.ndarray:
    """One array, read without asking NumPy to trust its header."""
    name, shape = entry["name"], tuple(entry["shape"])
    if entry["dtype"] not in _PLAIN | _EXTENDED or any(d < 0 for d in shape):
        raise WeightsError(f"weight {name!r} has the type {entry['dtype']}{shape}")
    stored = np.dtype(_stored_as(entry["dtype"]))
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise WeightsError(f"weight {name!r} has another header")
    header = np.lib.format.read_array_header_1_0(file, max_header_size=10_000)
    if header != (shape, False, stored):
        raise WeightsError(f"weight {name!r} is stored as {header}, not as listed")
    rest = data[file.tell() :]
    if len(rest) != math.prod(shape) * stored.itemsize:
        raise WeightsError(f"weight {name!r} has {len(rest)} bytes")
    host = np.frombuffer(rest, stored).reshape(shape)
    return host.view(_dtype(entry["dtype"]))


def _on_device(entry: Mapping[str, Any], host: np.ndarray) -> jax.Array:
    if is_wide(host.dtype):
        raise NeedsX64(f"weight {entry['name']!r} is {host.dtype}")
    array = jnp.asarray(host)
    if entry["key"] is None:
        return array
    return jax.random.wrap_key_data(array, impl=entry["key"])


def _stored_as(dtype: str) -> str:
    return dtype if dtype in _PLAIN else f"uint{8 * _dtype(dtype).itemsize}"


def _dtype(name: str) -> np.dtype:
    return np.dtype(name) if name in _PLAIN else np.dtype(getattr(jnp, name))
