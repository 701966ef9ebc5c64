"""What a program is compiled for: `cpu`, `gpu`, `tpu`, or a TPU that is not there.

- `parse_target("tpu:v5e:2x2")`: the target's parts, checked.
- `lowering_platform(platform)`: what JAX calls its platform when it lowers.
- `devices_of(target)`: its devices; a described TPU's can be compiled for, not run on.
- `mesh_for(target, shape, names)`: a `jax.sharding.Mesh` over them.
"""

import contextlib
import functools
import importlib.metadata
import importlib.util
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.export
from jax.experimental import topologies

from jaxgrad.errors import BackendError, MissingExtraError

_EXAMPLES = (
    "cpu, gpu or tpu (devices that are here), or a TPU that need not be here, as "
    "tpu:CHIP:SHAPE: tpu:v5e:2x2, tpu:v5e:4x4, tpu:v6e:2x2, tpu:v4:2x2x1, "
    "tpu:v5p:2x2x1 or tpu:tpu7x:2x2x1"
)
_ATTACHED = {"cpu": "cpu", "gpu": "gpu", "cuda": "gpu", "rocm": "gpu", "tpu": "tpu"}
_TOPOLOGY = re.compile(r"tpu:([A-Za-z0-9]+):([1-9]\d*(?:x[1-9]\d*){1,2})")
# More chips than a pod has; libtpu would describe each of them in earnest.
_MOST_CHIPS = 16_384
# What libtpu asks for when it is loaded where there is no TPU. Without the first two it
# complains on stderr; without the third only one process of the machine may load it.
_NO_CHIPS = {
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}


class Target(NamedTuple):
    """A target, taken apart.

    Attributes:
        platform: `cpu`, `gpu` or `tpu`, as `jax.devices` names them.
        chip: The chip of a described TPU, such as `v5e`, or "" for devices at hand.
        shape: How many chips along each axis of a described TPU.
    """

    platform: str
    chip: str = ""
    shape: tuple[int, ...] = ()

    def __str__(self) -> str:
        """The target as it is written, such as `tpu:v5e:2x2`."""
        if not self.chip:
            return self.platform
        return f"{self.platform}:{self.chip}:{'x'.join(map(str, self.shape))}"


def parse_target(text: str) -> Target:
    """Reads a target.

    Args:
        text: `cpu`, `gpu` (also `cuda`, `rocm`), `tpu`, or `tpu:CHIP:SHAPE`.

    Returns:
        The target.

    Raises:
        BackendError: If the text is none of these; the message lists examples.

    Example:
        >>> parse_target("tpu:v5e:2x2")
        Target(platform='tpu', chip='v5e', shape=(2, 2))
    """
    if not isinstance(text, str):
        raise BackendError(f"a target is text, not {text!r}: {_EXAMPLES}.")
    if text in _ATTACHED:
        return Target(_ATTACHED[text])
    match = _TOPOLOGY.fullmatch(text)
    if match is None:
        raise BackendError(f"unknown target {text!r}. Expected {_EXAMPLES}.")
    shape = tuple(map(int, match[2].split("x")))
    if math.prod(shape) > _MOST_CHIPS:
        raise BackendError(
            f"target {text!r} has {math.prod(shape):,} chips; at most {_MOST_CHIPS:,} "
            "can be compiled for."
        )
    return Target("tpu", match[1], shape)


def lowering_platform(platform: str) -> str:
    """What JAX calls a platform when it lowers for it.

    Args:
        platform: `cpu`, `gpu` or `tpu`.

    Returns:
        For `gpu` the kind of GPU that is here, `cuda` if none is.

    Example:
        >>> lowering_platform("tpu")
        'tpu'
    """
    if platform != "gpu":
        return platform
    return (
        jax.export.default_export_platform()
        if jax.default_backend() == "gpu"
        else "cuda"
    )


def devices_of(target: Target) -> Sequence[jax.Device]:
    """The devices of a target.

    Args:
        target: What `parse_target` returned.

    Returns:
        The devices at hand, or those of the TPU that is described.

    Raises:
        BackendError: If there is no such device or TPU, or the package `libtpu` is too
            old for this JAX.
        MissingExtraError: If a TPU is described and `libtpu` is not installed.

    Example:
        >>> devices_of(parse_target("cpu"))[0].platform
        'cpu'
    """
    return _topology(target).devices


def mesh_for(
    target: str, shape: Sequence[int] | None = None, names: Sequence[str] = ("x",)
) -> jax.sharding.Mesh:
    """A mesh over the devices of a target, to make shardings and `shard_map` with.

    Args:
        target: As in `compile_for`.
        shape: How many devices along each axis, by default all along one.
        names: The names of the axes.

    Returns:
        The mesh.

    Raises:
        BackendError: If the target is unknown or not available, or `shape` and `names`
            don't fit its devices.
        MissingExtraError: If a TPU is described and `libtpu` is not installed.

    Example:
        >>> mesh_for("cpu", (1,), ("batch",)).axis_names
        ('batch',)
    """
    found = _topology(parse_target(target))
    sizes = tuple(shape) if shape is not None else (len(found.devices),)
    if len(sizes) != len(names) or math.prod(sizes) > len(found.devices):
        raise BackendError(
            f"a mesh over {target} can't have shape {sizes} and axes {tuple(names)}.\n"
            f"  Expected one size for each axis, and at most {len(found.devices)} "
            "devices."
        )
    some = topologies.TopologyDescription(list(found.devices[: math.prod(sizes)]))
    return topologies.make_mesh(some, sizes, tuple(names), contiguous_submeshes=False)


@functools.cache
def _topology(target: Target) -> Any:
    if target.chip:
        return _described(target)
    try:
        return topologies.get_attached_topology(target.platform)
    except RuntimeError as error:
        here = ", ".join(sorted({device.platform for device in jax.devices()}))
        raise BackendError(
            f"no {target.platform} device is here; there is {here}.\n"
            "  A TPU need not be here if the target says which: tpu:v5e:2x2."
        ) from error


def _described(target: Target) -> Any:
    _check_libtpu(target)
    x, y, *_ = target.shape
    try:
        with _where_no_tpu_is():
            return topologies.get_topology_desc(
                f"{target.chip}:{'x'.join(map(str, target.shape))}",
                "tpu",
                # A host has at most 2x2 chips; libtpu assumes as many.
                chips_per_host_bounds=(min(x, 2), min(y, 2), 1),
            )
    except RuntimeError as error:
        raise BackendError(
            f"libtpu knows no {target}.\n  It says: {str(error).splitlines()[0]}\n"
            f"  Expected {_EXAMPLES}."
        ) from error


def _check_libtpu(target: Target) -> None:
    """Refuses without libtpu, and with one that crashes where this JAX calls it."""
    package = importlib.util.find_spec("libtpu")
    named = os.environ.get("TPU_LIBRARY_PATH", "")
    if package is None:
        if Path(named).is_file():
            return
        raise MissingExtraError(
            f"compiling for {target} needs the package libtpu, which holds the TPU "
            "compiler for Linux on x86-64: pip install 'jaxgrad[tpu]'"
        )
    if named and not Path(named).is_relative_to(Path(package.origin or "/").parent):
        return
    have, need = importlib.metadata.version("libtpu"), _libtpu_of_jax()
    if _numbers(have) < _numbers(need):
        raise BackendError(
            f"libtpu {have} is too old for JAX {jax.__version__}, which goes with "
            f"libtpu {need}.\n  Get that one: pip install --upgrade 'jaxgrad[tpu]'"
        )


def _libtpu_of_jax() -> str:
    """The version that JAX's own `tpu` extra asks for, or "" if it doesn't say."""
    for requirement in importlib.metadata.requires("jax") or ():
        if match := re.match(r"libtpu\s*[=~>]=\s*([\d.]*\d)", requirement):
            return match[1]
    return ""


def _numbers(version: str) -> list[int]:
    leading = re.match(r"[\d.]*", version)
    return [int(part) for part in leading[0].split(".") if part] if leading else []


@contextlib.contextmanager
def _where_no_tpu_is() -> Iterator[None]:
    """Tells libtpu, while it is loaded, what it would ask a TPU's host."""
    # JAX sets this one where it finds no TPU.
    alone = "TPU_SKIP_MDS_QUERY" in os.environ
    told = {k: v for k, v in _NO_CHIPS.items() if alone and k not in os.environ}
    os.environ.update(told)
    try:
        yield
    finally:
        for name in told:
            os.environ.pop(name, None)
