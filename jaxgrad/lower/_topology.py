"""Programs compiled for a target, to be read or run: `compile_for`.

A TPU need not be here: the package libtpu compiles for a described one, on a CPU.
"""

import re
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec, SingleDeviceSharding

from jaxgrad.errors import BackendError
from jaxgrad.lower._targets import (
    Target,
    devices_of,
    lowering_platform,
    mesh_for,
    parse_target,
)

_INSTRUCTION = re.compile(r"^\s+(?:ROOT )?%?[\w.-]+ = ", re.MULTILINE)
_COLLECTIVE = re.compile(
    r" (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)"
    r"(?:-start)?\("
)


class CompiledProgram:
    """A program that was compiled for a target.

    Attributes:
        target: The target, such as `tpu:v5e:2x2`.
        devices: How many devices the program runs on.
        kind: What a device is called, such as `TPU v5 lite`.
        shardings: A sharding for each array argument, in order.
        stablehlo: The program's text before XLA compiled it.
    """

    def __init__(
        self, target: Target, lowered: Any, compiled: Any, shardings: list[Any]
    ) -> None:
        """Keeps a compiled program; `compile_for` makes them."""
        self.target = str(target)
        self.shardings = shardings
        self.stablehlo: str = lowered.as_text()
        self._compiled = compiled
        self._described = bool(target.chip)
        devices = shardings[0].device_set if shardings else set(devices_of(target)[:1])
        self.devices = len(devices)
        self.kind = next(iter(devices)).device_kind

    def as_text(self) -> str:
        """The optimized HLO, as it runs on one device."""
        return self._compiled.as_text()

    def cost_analysis(self) -> dict[str, float]:
        """XLA's estimates for one device: `flops`, `bytes accessed`, and others."""
        return self._compiled.cost_analysis() or {}

    def memory_analysis(self) -> Any:
        """XLA's sizes for one device: arguments, outputs, temporaries, code."""
        return self._compiled.memory_analysis()

    def instruction_count(self) -> int:
        """How many instructions the optimized HLO has, those in fusions too."""
        return len(_INSTRUCTION.findall(self.as_text()))

    def collectives(self) -> dict[str, int]:
        """How many instructions of each kind communicate between devices."""
        return dict(Counter(_COLLECTIVE.findall(self.as_text())))

    def __call__(self, *args: Any) -> Any:
        """Runs the program.

        Args:
            *args: Arguments of the types that it was compiled for.

        Returns:
            What the function returns.

        Raises:
            BackendError: If the program was compiled for a TPU that is only described.
        """
        if self._described:
            raise BackendError(
                f"this program was compiled for {self.target}, which is only "
                "described: it can be read, not run.\n"
                "  Where such a TPU is, compile for the target 'tpu'."
            )
        leaves, tree = jax.tree.flatten(args)
        if len(leaves) == len(self.shardings):  # else JAX says what is wrong
            leaves = list(map(jax.device_put, leaves, self.shardings))
        return self._compiled(*jax.tree.unflatten(tree, leaves))

    def __repr__(self) -> str:
        """The target and the size of the program."""
        count = self.instruction_count()
        return (
            f"<CompiledProgram for {self.target}: {count} HLO instructions on "
            f"{self.devices} of {self.kind}>"
        )


def compile_for(
    target: str, fn: Callable[..., Any], *args: Any, in_shardings: Any = None
) -> CompiledProgram:
    """Compiles a function for a target, which for a TPU need not be here.

    Args:
        target: `cpu`, `gpu` or `tpu` for devices at hand; or a TPU by its chip and the
            shape in which its chips are connected, such as `tpu:v5e:2x2`, which needs
            the package libtpu and no TPU.
        fn: A function of pytrees of arrays.
        *args: Its arguments, arrays or `jax.ShapeDtypeStruct`; values don't matter.
        in_shardings: By default the program is for one device. A name, such as `"x"`,
            makes it one for all of them: a mesh with one axis of that name, over which
            the leading axis of every argument is split where it divides. Or shardings
            as `jax.jit` takes them, made with `mesh_for`; or `PartitionSpec`s over a
            mesh with one axis, of the name that they use.

    Returns:
        The program: its text, its cost and memory analyses, and for devices at hand a
        callable.

    Raises:
        BackendError: If the target is unknown or not here, nothing can be split, or XLA
            can't compile the function for it.
        MissingExtraError: If a TPU is described and libtpu is not installed.

    Example:
        >>> import jax.numpy as jnp
        >>> program = compile_for("cpu", lambda x: jnp.sin(x) + 1, jnp.ones(4))
        >>> program.memory_analysis().output_size_in_bytes
        16
    """
    parsed = parse_target(target)
    devices = devices_of(parsed)
    types = jax.tree.map(_type_of, args)
    shardings = _shardings(target, in_shardings, types, devices)
    alone = isinstance(shardings, SingleDeviceSharding)
    # Without arguments the outputs alone tell which device is meant.
    placed: dict[str, Any] = {"out_shardings": shardings} if alone else {}
    traced = jax.jit(fn, in_shardings=shardings, **placed).trace(*types)
    try:
        platform = lowering_platform(parsed.platform)
        lowered = traced.lower(lowering_platforms=(platform,))
        with warnings.catch_warnings():
            # What JAX's cache holds for a described TPU can't be read back from it.
            warnings.filterwarnings("ignore", "Error reading persistent compilation")
            compiled = lowered.compile()
    except (NotImplementedError, jax.errors.JaxRuntimeError) as error:
        name = getattr(fn, "__name__", repr(fn))
        raise BackendError(
            f"{name} can't be compiled for {target}.\n  {_first_line(error)}"
        ) from error
    count = len(jax.tree.leaves(types))
    flat = [shardings] * count if alone else _flat(compiled, shardings, types)
    return CompiledProgram(parsed, lowered, compiled, flat)


def _flat(compiled: Any, shardings: Any, types: Any) -> list[Any]:
    """A sharding for each leaf, from a prefix of the arguments' tree."""
    is_end = lambda s: s is None or isinstance(s, jax.sharding.Sharding)  # noqa: E731
    spread: list[Any] = []
    jax.tree.map(
        lambda s, part: spread.extend([s] * len(jax.tree.leaves(part))),
        shardings,
        types,
        is_leaf=is_end,
    )
    if None not in spread:
        return spread
    # What was left to XLA is what it chose.
    return jax.tree.leaves(compiled.input_shardings[0])


def _shardings(target: str, asked: Any, types: Any, devices: Any) -> Any:
    if asked is None:
        return SingleDeviceSharding(devices[0])
    if isinstance(asked, str):
        return _leading(mesh_for(target, names=(asked,)), asked, types)
    specs = [s for s in jax.tree.leaves(asked, is_leaf=_is_spec) if _is_spec(s)]
    if not specs:
        return asked
    names = sorted({name for spec in specs for name in _names(spec)})
    if len(names) > 1:
        raise BackendError(
            f"in_shardings: PartitionSpecs of the axes {', '.join(names)} don't say "
            f"how long each is.\n  Use NamedSharding(mesh_for({target!r}, SHAPE, "
            "NAMES), spec)."
        )
    mesh = mesh_for(target, names=names or ("x",))
    return jax.tree.map(
        lambda s: NamedSharding(mesh, s) if _is_spec(s) else s, asked, is_leaf=_is_spec
    )


def _leading(mesh: jax.sharding.Mesh, name: str, types: Any) -> Any:
    """Splits leading axes that divide; what doesn't is whole on every device."""

    def divides(leaf: Any) -> bool:
        return bool(leaf.shape) and leaf.shape[0] > 0 and leaf.shape[0] % mesh.size == 0

    leaves = jax.tree.leaves(types)
    if not any(map(divides, leaves)):
        shapes = ", ".join(str(list(leaf.shape)) for leaf in leaves) or "none"
        raise BackendError(
            f"nothing can be split over {mesh.size} devices: no argument has a leading "
            f"axis that {mesh.size} divides.\n  The shapes are {shapes}."
        )
    split, whole = PartitionSpec(name), PartitionSpec()
    return jax.tree.map(
        lambda leaf: NamedSharding(mesh, split if divides(leaf) else whole), types
    )


def _type_of(leaf: Any) -> Any:
    """The type alone: an array is on some device of its own."""
    if not hasattr(leaf, "dtype"):
        leaf = jax.numpy.asarray(leaf)
    if isinstance(leaf, np.ndarray | np.generic):
        leaf = jax.eval_shape(lambda: jax.numpy.asarray(leaf))
    weak = getattr(leaf, "weak_type", False)
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, weak_type=weak)


def _is_spec(value: Any) -> bool:
    return isinstance(value, PartitionSpec)


def _names(spec: PartitionSpec) -> list[str]:
    parts = [part for part in spec if part is not None]
    return [n for part in parts for n in ((part,) if isinstance(part, str) else part)]


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
