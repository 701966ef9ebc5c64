"""Export: a function as StableHLO for several platforms, with derivatives.

- `export(run, args, platforms=..., vjp_order=...)`: a `jax.export.Exported`.
- `check_platforms`, `check_order`: what both export and save ask for.
- `lowered`: the export of one function, with errors that name the culprit.
"""

import contextlib
import dataclasses
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax.export import Exported

from jaxgrad import _compat
from jaxgrad.errors import (
    BackendError,
    JaxgradError,
    LoopGradientError,
    LoweringError,
    MissingExtraError,
)
from jaxgrad.lower._structs import name_of, structs

PLATFORMS = ("cpu", "cuda", "tpu")
_KNOWN = frozenset({"cpu", "cuda", "rocm", "tpu"})


class ExportedFunction(Exported):
    """A `jax.export.Exported` that knows how often it is to be differentiated.

    Attributes:
        vjp_order: how many derivatives `serialize` writes by default.
    """

    vjp_order: int
    _vjp: "ExportedFunction | None"

    @staticmethod
    def of(exported: Exported, vjp_order: int) -> "ExportedFunction":
        """A copy of `exported` that knows its order."""
        fields = {
            f.name: getattr(exported, f.name) for f in dataclasses.fields(Exported)
        }
        copy = ExportedFunction(**fields)
        # The base is a frozen dataclass.
        object.__setattr__(copy, "vjp_order", vjp_order)
        object.__setattr__(copy, "_vjp", None)
        return copy

    def vjp(self) -> "ExportedFunction":
        """The exported reverse-mode derivative, made once.

        Returns:
            A function of the flat arguments and then of one cotangent for each output.

        Raises:
            LoweringError: JAX can't differentiate the function.
        """
        if self._vjp is None:
            order = max(self.vjp_order - 1, 0)
            made = differentiated(self.fun_name, super().vjp)
            object.__setattr__(self, "_vjp", ExportedFunction.of(made, order))
        assert self._vjp is not None
        return self._vjp

    def serialize(self, vjp_order: int | None = None) -> bytearray:
        """The function as bytes, which `jax.export.deserialize` reads.

        Args:
            vjp_order: how often what is read back can be differentiated; by default as
                often as was said when the function was exported.

        Returns:
            The bytes.

        Raises:
            MissingExtraError: flatbuffers is not installed.
            LoweringError: a container among the arguments or outputs can't be written,
                or `vjp_order` is not a number of derivatives.
        """
        require_flatbuffers()
        order = self.vjp_order if vjp_order is None else check_order(vjp_order)
        with _errors_of_serialization(self.fun_name):
            return super().serialize(vjp_order=order)


def export(
    run: Callable[..., Any],
    args: Sequence[Any],
    *,
    platforms: Sequence[str] = PLATFORMS,
    vjp_order: int = 1,
) -> ExportedFunction:
    """A function of pytrees, lowered for several platforms.

    Args:
        run: a JAX function of positional arguments.
        args: its arguments: pytrees of arrays or of `jax.ShapeDtypeStruct`, whose
            dimensions may come from `jax.export.symbolic_shape`.
        platforms: what to lower for, of "cpu", "cuda", "rocm" and "tpu"; none of them
            need be here.
        vjp_order: how often what is saved of it can be differentiated. Custom rules are
            the derivative, as they are in JAX.

    Returns:
        What is to be saved, or called: `.call(*args)`, `.mlir_module()`,
        `.serialize()`.

    Raises:
        BackendError: an unknown platform.
        LoweringError: `vjp_order` is negative, or JAX can't differentiate so often; an
            argument is not an array; or the function calls the host, which no file can.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> exported = export(jnp.sin, [jax.ShapeDtypeStruct((3,), jnp.float32)])
        >>> exported.platforms
        ('cpu', 'cuda', 'tpu')
        >>> exported.in_avals, exported.vjp_order
        ((ShapedArray(float32[3]),), 1)
    """
    chosen, order = check_platforms(platforms), check_order(vjp_order)
    made = ExportedFunction.of(lowered(run, structs(run, args), chosen), order)
    last = made
    for _ in range(order):
        # Made now, so that what can't be differentiated is an error here; but not where
        # the function has no gradient either, which whoever asks for one is told.
        try:
            last = last.vjp()
        except LoopGradientError:
            break
    return made


def lowered(
    run: Callable[..., Any], args: Sequence[Any], platforms: Sequence[str]
) -> Exported:
    """What `jax.export.export` makes of a function; errors name what is in its way."""
    jitted = jax.jit(run)
    try:
        return jax.export.export(jitted, platforms=platforms)(*args)
    except (NotImplementedError, TypeError, ValueError) as error:
        calls = _host_calls(jitted, args)
        if not calls:
            raise
        raise LoweringError(
            f"{name_of(run)} calls the host, so that it can't be exported.\n"
            f"  Expected nothing but JAX operations; got {', '.join(calls)}.\n"
            "  Remove it from what is traced, or keep the function in Python."
        ) from error


def differentiated(name: str, make: Callable[[], Exported]) -> Exported:
    """What `make` makes of a derivative of `name`; errors say that it is one."""
    try:
        return make()
    except JaxgradError as error:
        error.add_note(f"  It is a derivative of {name} that was to be exported.")
        raise
    except (NotImplementedError, TypeError, ValueError) as error:
        raise LoweringError(
            f"{name} can't be differentiated as often as vjp_order asks.\n"
            f"  Expected a function that JAX can transpose; got: {error}\n"
            "  Give vjp_order=0 to export it without derivatives (or one less), or "
            "change what stands in the way."
        ) from error


def check_platforms(platforms: Sequence[str]) -> tuple[str, ...]:
    """The platforms, once each.

    Args:
        platforms: what a user asked for.

    Returns:
        A tuple of names that JAX knows.

    Raises:
        BackendError: one of them is unknown, or there are none.
    """
    given = (platforms,) if isinstance(platforms, str) else tuple(platforms)
    known = _KNOWN | {jax.export.default_export_platform()}
    unknown = [name for name in given if name not in known]
    if unknown or not given:
        got = ", ".join(map(repr, unknown)) or "none"
        hint = "; a GPU is 'cuda' or 'rocm'" if "gpu" in unknown else ""
        raise BackendError(
            f"There is no platform to export for: {got}.\n"
            f"  Expected some of {', '.join(sorted(known))}{hint}; got {got}.\n"
            '  Give for example platforms=("cpu", "cuda", "tpu").'
        )
    return tuple(dict.fromkeys(given))


def check_order(vjp_order: int) -> int:
    """The order of derivatives.

    Args:
        vjp_order: what a user asked for.

    Returns:
        The same.

    Raises:
        LoweringError: it is not a number of derivatives.
    """
    if isinstance(vjp_order, bool) or not isinstance(vjp_order, int) or vjp_order < 0:
        raise LoweringError(
            f"vjp_order is {vjp_order!r}.\n"
            f"  Expected an int of at least 0; got {vjp_order!r}.\n"
            "  Give 0 for no derivative, 1 for jax.grad, 2 for jax.grad of jax.grad."
        )
    return vjp_order


def require_flatbuffers() -> None:
    """Checks for the package with which `jax.export` writes and reads.

    Raises:
        MissingExtraError: If it is not installed; the message holds the pip command.
    """
    if importlib.util.find_spec("flatbuffers") is None:
        raise MissingExtraError(
            "saving and loading need the package flatbuffers: "
            "pip install 'jaxgrad[export]'"
        )


def _host_calls(jitted: Any, args: Sequence[Any]) -> list[str]:
    """The callbacks in a function, with their place; none if it can't be traced."""
    try:
        calls = _compat.host_calls(jitted.trace(*args).jaxpr)
    except Exception:
        return []
    return list(dict.fromkeys(f"{name} at {frame}" for name, frame in calls))


@contextlib.contextmanager
def _errors_of_serialization(name: str) -> Iterator[None]:
    try:
        yield
    except JaxgradError:
        raise
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        # What JAX raises for an unknown dtype is its name in a KeyError.
        got = f"the dtype {error}" if isinstance(error, KeyError) else error
        raise LoweringError(
            f"{name} can't be written to a file.\n"
            "  Expected arguments and outputs in tuples, lists, dicts with string keys "
            f"and registered containers, of dtypes that JAX can write; got: {got}\n"
            "  Register a container with jax.export.register_namedtuple_serialization "
            "or register_pytree_node_serialization, here and where the file is loaded."
        ) from error
