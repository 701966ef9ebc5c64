"""What runs a lowered function: the built-in backends, and what a new one has to do.

- `Backend`: the four methods.
- `XLA(platform)`, `StableHLO(platforms)`, `Interpret()`: the built-in ones.
- `Prepared`: a function with what it is lowered for, which can be exported.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jax.export import Exported

from jaxgrad._compat import Tracer
from jaxgrad.errors import ArgumentError, BackendError
from jaxgrad.lower import _exported
from jaxgrad.lower._targets import lowering_platform


@runtime_checkable
class Backend(Protocol):
    """What `register` takes: any object with these four methods.

    An attribute `traceable = True` says that `execute` is made of JAX operations, so
    that it may be called inside `jax.jit` and other transformations.
    """

    def is_available(self) -> bool:
        """Whether it can compile and run here."""
        ...

    def preprocess(self, fn: Callable[..., Any], spec: tuple[Any, ...]) -> Any:
        """Prepares a function for arguments like `spec`; works everywhere.

        Returns:
            What `compile` takes.
        """
        ...

    def compile(self, processed: Any, spec: tuple[Any, ...]) -> Any:
        """Compiles what was prepared; called only where it is available.

        Returns:
            What `execute` takes.
        """
        ...

    def execute(self, handle: Any, inputs: tuple[Any, ...]) -> Any:
        """Runs what was compiled.

        Returns:
            What the function returns.
        """
        ...


class Prepared:
    """A function, example arguments, and the platforms that it is lowered for.

    Attributes:
        name: What errors call the function.
        function: The function under `jax.jit`.
        spec: Example arguments: pytrees of arrays or `jax.ShapeDtypeStruct`.
        platforms: As `jax.export` names them.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        spec: tuple[Any, ...],
        platforms: Sequence[str] = _exported.PLATFORMS,
    ) -> None:
        """Nothing is traced before it is asked for."""
        self.name = _exported.name_of(fn)
        self.function = jax.jit(fn)
        self.spec = spec
        self.platforms = tuple(platforms)
        self._fn = fn

    @functools.cached_property
    def exported(self) -> Exported:
        """The portable program.

        Raises:
            BackendError: If an operation has no lowering for one of the platforms.
        """
        if isinstance(self._fn, Portable):  # it was loaded from a file
            return self._fn.exported
        try:
            return _exported.export(
                self._fn, self.spec, platforms=self.platforms, vjp_order=0
            )
        except NotImplementedError as error:
            raise BackendError(
                f"{self.name} can't be lowered for {', '.join(self.platforms)}.\n"
                f"  {error}\n"
                "  Choose platforms that can do it: 'xla:cpu', say, or a backend of "
                "your own, register('stablehlo:cpu', StableHLO(['cpu']))."
            ) from error

    def serialize(self, vjp_order: int) -> bytes:
        """The portable program with derivatives up to an order, as bytes.

        Returns:
            The bytes.

        Raises:
            BackendError: If a file that was loaded has fewer derivatives.
        """
        _exported.require_flatbuffers()
        try:
            return bytes(self.exported.serialize(vjp_order=vjp_order))
        except ValueError as error:
            raise BackendError(
                f"{self.name} can't be saved with vjp_order={vjp_order}.\n  {error}"
            ) from error

    def __repr__(self) -> str:
        """The function and its platforms."""
        return f"<Prepared {self.name} for {', '.join(self.platforms)}>"

    def check(self, inputs: tuple[Any, ...]) -> None:
        """Refuses arguments of other types than the examples.

        Raises:
            ArgumentError: The message names the first one that differs.
        """
        expected, tree = jax.tree_util.tree_flatten_with_path(self.spec)
        leaves, got = jax.tree.flatten(inputs)
        again = "Lower the function again for arguments like these: to_backend."
        if got != tree:
            raise ArgumentError(
                f"{self.name} was lowered for other arguments.\n"
                f"  Expected the structure {tree};\n  got                    {got}.\n"
                f"  {again}"
            )
        for (path, example), leaf in zip(expected, leaves, strict=True):
            if not _fits(example, leaf):
                where = jax.tree_util.keystr(path[1:])
                raise ArgumentError(
                    f"{self.name} was lowered for other arguments.\n"
                    f"  Expected {_show(example)} for argument {path[0].idx}{where}; "
                    f"got {_show(leaf)}.\n  {again}"
                )


class Portable:
    """A portable program as a function.

    Attributes:
        exported: The program.
    """

    def __init__(self, exported: Exported) -> None:
        """Takes the name of what was exported."""
        self.exported = exported
        self.__name__ = exported.fun_name

    def __call__(self, *inputs: Any) -> Any:
        """Calls the program; XLA compiles it for the devices of the inputs.

        Returns:
            What the function returns.

        Raises:
            ArgumentError: If it was exported for other arguments or platforms.
        """
        try:
            return self.exported.call(*inputs)
        except ValueError as error:
            raise ArgumentError(
                f"{self.__name__} was lowered for other arguments, or platforms.\n"
                f"  {error}"
            ) from error


class Executable(NamedTuple):
    """A compiled program, and the function for where it can't be called."""

    compiled: Any
    prepared: Prepared


class XLA:
    """Compiles for one platform ahead of time.

    Inside a transformation (`jax.jit`, `jax.grad`, ...) the function itself is traced,
    so that Functions keep their rules.
    """

    traceable = True

    def __init__(self, platform: str) -> None:
        """Takes `cpu`, `gpu` or `tpu`."""
        self.platform = platform

    def is_available(self) -> bool:
        """Whether there is such a device."""
        try:
            return bool(jax.devices(self.platform))
        except RuntimeError:
            return False

    def preprocess(self, fn: Callable[..., Any], spec: tuple[Any, ...]) -> Prepared:
        """Lowers for the platform where that is all that can be done.

        Returns:
            The function with its portable program.

        Raises:
            BackendError: If a shape is symbolic.
        """
        symbolic = [
            leaf
            for leaf in jax.tree.leaves(spec)
            if not all(isinstance(n, int) for n in np.shape(leaf))
        ]
        if symbolic:
            raise BackendError(
                f"xla:{self.platform} compiles for fixed shapes; got "
                f"{_show(symbolic[0])}.\n  The backend 'stablehlo' takes symbolic ones."
            )
        prepared = Prepared(fn, spec, (lowering_platform(self.platform),))
        if not self.is_available():
            _ = prepared.exported
        return prepared

    def compile(self, processed: Prepared, spec: tuple[Any, ...]) -> Executable:
        """Compiles for the first device of the platform.

        Returns:
            The executable.
        """
        function: Any = processed.function
        if jax.default_backend() != self.platform:
            function = jax.jit(function, in_shardings=self._device())
        return Executable(function.lower(*spec).compile(), processed)

    def execute(self, handle: Executable, inputs: tuple[Any, ...]) -> Any:
        """Runs the executable; what is traced goes through the function itself.

        Returns:
            What the function returns.
        """
        if is_traced(inputs) or getattr(jax.config, "jax_disable_jit", False):
            return handle.prepared.function(*inputs)
        handle.prepared.check(inputs)
        if jax.default_backend() != self.platform:
            inputs = jax.device_put(inputs, self._device())
        return handle.compiled(*inputs)

    def __repr__(self) -> str:
        """How it is made."""
        return f"XLA({self.platform!r})"

    def _device(self) -> Any:
        return jax.sharding.SingleDeviceSharding(jax.devices(self.platform)[0])


class StableHLO:
    """Exports a portable program with `jax.export`, and runs it on what is here.

    In memory it can be differentiated to any order, from a file to the `vjp_order` that
    it was saved with.
    """

    traceable = True

    def __init__(self, platforms: Sequence[str] = _exported.PLATFORMS) -> None:
        """Takes the platforms, as `jax.export` names them."""
        self.platforms = tuple(platforms)

    def is_available(self) -> bool:
        """It is."""
        return True

    def preprocess(self, fn: Callable[..., Any], spec: tuple[Any, ...]) -> Prepared:
        """Exports the function.

        Returns:
            The function with its portable program.
        """
        prepared = Prepared(fn, spec, self.platforms)
        _ = prepared.exported
        return prepared

    def compile(self, processed: Prepared, spec: tuple[Any, ...]) -> Exported:
        """The portable program; XLA compiles it where it is called.

        Returns:
            The `jax.Exported`.
        """
        return processed.exported

    def execute(self, handle: Exported, inputs: tuple[Any, ...]) -> Any:
        """Calls the portable program.

        Returns:
            What the function returns.
        """
        return Portable(handle)(*inputs)

    def __repr__(self) -> str:
        """How it is made."""
        return f"StableHLO({self.platforms!r})"


class Interpret:
    """Runs the function one operation at a time, uncompiled, also inside of loops."""

    traceable = True

    def is_available(self) -> bool:
        """It is."""
        return True

    def preprocess(self, fn: Callable[..., Any], spec: tuple[Any, ...]) -> Any:
        """There is nothing to prepare.

        Returns:
            The function.
        """
        return fn

    def compile(self, processed: Any, spec: tuple[Any, ...]) -> Any:
        """There is nothing to compile.

        Returns:
            The function.
        """
        return processed

    def execute(self, handle: Any, inputs: tuple[Any, ...]) -> Any:
        """Calls the function with `jax.jit` switched off.

        Returns:
            What the function returns.
        """
        if is_traced(inputs):
            return handle(*inputs)
        with jax.disable_jit():
            return handle(*inputs)

    def __repr__(self) -> str:
        """How it is made."""
        return "Interpret()"


def is_traced(inputs: Any) -> bool:
    """Whether a transformation is looking at one of the inputs."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(inputs))


def _dtype(leaf: Any) -> Any:
    if isinstance(leaf, jax.Array | jax.ShapeDtypeStruct):
        return leaf.dtype
    return jax.dtypes.result_type(leaf)


def _fits(example: Any, leaf: Any) -> bool:
    return np.shape(example) == np.shape(leaf) and _dtype(example) == _dtype(leaf)


def _show(leaf: Any) -> str:
    return f"{_dtype(leaf)}[{','.join(map(str, np.shape(leaf)))}]"
