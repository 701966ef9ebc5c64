"""Functions that a backend runs: `to_backend`, save and load.

- `to_backend(name, fn, spec)`: a `LoweredFunction`.
- `load(path)`: what `LoweredFunction.save` wrote.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax

from jaxgrad.errors import BackendError, JaxgradError, SavedFileError
from jaxgrad.graph import Graph
from jaxgrad.lower import _archive, _exported
from jaxgrad.lower._backend import Portable, Prepared
from jaxgrad.lower._registry import get, unavailable

# The one method of a function that was lowered for a tuple of arguments.
CALL = "__call__"


class LoweredFunction:
    """A function, or several methods of an object, that a backend runs.

    Attributes:
        name: The name of the backend.
        backend: The backend.
        spec: The example arguments, as they were given: a tuple, or one by method.
        processed: What the backend's `preprocess` returned, by method.
        handles: What its `compile` returned, by method; empty where it is not
            available. The method of a single function is `__call__`.
    """

    def __init__(self, name: str, fns: Mapping[str, Callable[..., Any]], spec: Any):
        """Lowers functions; `to_backend` is how to make one."""
        self.name = name
        self.backend = get(name)
        self.spec = spec
        self._fns = dict(fns)
        self._specs = dict(spec) if isinstance(spec, Mapping) else {CALL: spec}
        self.processed: dict[str, Any] = {
            m: self.backend.preprocess(fn, self._specs[m]) for m, fn in fns.items()
        }
        self.handles: dict[str, Any] = {}
        if self.is_available():
            self._compile()
        only = fns.get(CALL)
        self.__name__ = _exported.name_of(only) if only else "lowered"

    def is_available(self) -> bool:
        """Whether the backend can run it here."""
        return bool(self.backend.is_available())

    def _compile(self) -> None:
        for method, processed in self.processed.items():
            self.handles[method] = self.backend.compile(processed, self._specs[method])

    def __call__(self, *inputs: Any) -> Any:
        """Runs the function.

        Args:
            *inputs: Arguments like those in `spec`.

        Returns:
            What the function returns.

        Raises:
            BackendError: If the backend is not available here.
            ArgumentError: If the arguments have other types than those in `spec`.
        """
        if CALL not in self._fns:
            known = ", ".join(f".{m}(...)" for m in self._fns)
            raise BackendError(f"this was lowered for its methods alone: call {known}.")
        return self._run(CALL, inputs)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """One of the methods that were lowered, as a function."""
        if method not in self.__dict__.get("_fns", ()):
            raise AttributeError(f"{method!r} is no method that was lowered.")
        return lambda *inputs: self._run(method, inputs)

    def _run(self, method: str, inputs: tuple[Any, ...]) -> Any:
        if not self.is_available():
            raise unavailable(
                self.name,
                "  The function is lowered: save(PATH) writes it, and it can be loaded "
                "where the backend is.",
            )
        if not self.handles:
            self._compile()
        return self.backend.execute(self.handles[method], inputs)

    def save(self, path: Any, *, vjp_order: int = 1) -> None:
        """Writes it to a file, on machines without its backend too.

        Args:
            path: A path, or an open binary file.
            vjp_order: How often what is loaded can be differentiated.

        Raises:
            BackendError: If it can't be exported or written.
            MissingExtraError: If the package flatbuffers is not installed.

        Example:
            >>> import io, jax.numpy as jnp
            >>> file = io.BytesIO()
            >>> to_backend("stablehlo", jnp.sin, (jnp.ones(3),)).save(file)
            >>> _ = file.seek(0)
            >>> load(file)(jnp.zeros(3))
            Array([0., 0., 0.], dtype=float32)
        """
        write(path, self.name, {self.name}, self._prepared(), vjp_order)

    def _prepared(self) -> dict[str, Prepared]:
        return {
            m: p if isinstance(p, Prepared) else Prepared(self._fns[m], self._specs[m])
            for m, p in self.processed.items()
        }

    def __repr__(self) -> str:
        """The backend, the function and whether it can run."""
        called = self.__name__ if CALL in self._fns else ", ".join(self._fns)
        here = "" if self.is_available() else ", which is not available here"
        return f"<LoweredFunction {called} on {self.name}{here}>"


def to_backend(name: str, fn: Any, spec: Any) -> LoweredFunction:
    """Lowers a function for a backend.

    Args:
        name: A backend: `xla:cpu`, `xla:gpu` and `xla:tpu` compile ahead of time,
            `stablehlo` exports a portable program, `interpret` runs one operation at a
            time; or what was registered.
        fn: A JAX callable, a traced function or a Graph.
        spec: A tuple of example arguments, arrays or `jax.ShapeDtypeStruct`. Or, to
            lower several methods of the object `fn`, a dict of such tuples by name.

    Returns:
        A callable that takes the same arguments. Where the backend is not available, it
        can be saved, and says so when it is called.

    Raises:
        BackendError: If there is no such backend, `spec` has another form, or an
            operation can't be lowered.

    Example:
        >>> import jax.numpy as jnp
        >>> double = to_backend("xla:cpu", lambda x: 2 * x, (jnp.ones(2),))
        >>> double(jnp.arange(2.0))
        Array([0., 2.], dtype=float32)
    """
    get(name)
    if isinstance(spec, Mapping):
        return LoweredFunction(name, _methods(fn, spec), spec)
    if not isinstance(spec, tuple):
        raise BackendError(
            f"spec is a tuple of example arguments, or a dict of such tuples by the "
            f"name of a method; got {type(spec).__name__}.\n"
            "  For one argument: (example,)."
        )
    return LoweredFunction(name, {CALL: as_callable(fn)}, spec)


def _methods(fn: Any, spec: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
    found = {}
    for method, examples in spec.items():
        function = getattr(fn, method, None)
        if not callable(function) or not isinstance(examples, tuple):
            raise BackendError(
                f"spec[{method!r}]: expected a method of {type(fn).__name__} and a "
                "tuple of its example arguments; got "
                + (
                    f"no method {method!r}."
                    if not callable(function)
                    else f"{type(examples).__name__}."
                )
            )
        found[method] = function
    if not found:
        raise BackendError("spec names no method. Give {'method': (example, ...)}.")
    return found


def as_callable(fn: Any) -> Callable[..., Any]:
    """A graph as a function of its inputs; a callable as it is, if it can't change."""
    if isinstance(fn, Graph):
        return graph_function(fn)
    if not callable(fn):
        raise BackendError(
            f"to_backend lowers a callable or a Graph; got {type(fn).__name__}."
        )
    if not isinstance(getattr(fn, "graph", None), Graph):
        return fn

    # JAX remembers what it traced by the function: a graph may be edited after that.
    @functools.wraps(fn, updated=())
    def call(*args: Any) -> Any:
        return fn(*args)

    return call


def graph_function(graph: Graph) -> Callable[..., Any]:
    """A graph as a function: of its inputs, to its output or a tuple of them."""

    def graph_call(*inputs: Any) -> Any:
        from jaxgrad.lower import run

        outputs = run(graph, *inputs)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    return graph_call


def write(
    path: Any,
    name: str,
    needs: set[str],
    prepared: Mapping[str, Prepared],
    vjp_order: int,
) -> None:
    """Writes the portable program of each method to a sealed file."""
    order = _exported.check_order(vjp_order)
    members = {f"{m}.stablehlo": p.serialize(order) for m, p in prepared.items()}
    manifest = {"backend": name, "needs": sorted(needs), "methods": list(prepared)}
    _archive.write(path, manifest, members)


def load(path: Any) -> LoweredFunction:
    """Reads what `LoweredFunction.save` wrote, and compiles it.

    Args:
        path: A path, or an open binary file. No code in it is run.

    Returns:
        The function, on the backend that it was lowered for.

    Raises:
        BackendError: If that backend is not registered, or not available here.
        SavedFileError: If the file is damaged, foreign, or can't be compiled here.
        JaxgradError: What a registered backend raises; or the package flatbuffers is
            not installed.
    """
    _exported.require_flatbuffers()
    where, manifest, members = _archive.read(path)
    name, needs, methods = _header(where, manifest)
    _check_needs(where, [name, *needs])
    try:
        programs = {
            m: jax.export.deserialize(bytearray(members[f"{m}.stablehlo"]))
            for m in methods
        }
        specs = {m: _spec_of(program) for m, program in programs.items()}
        for m, program in programs.items():
            _probe(program, specs[m])
        fns = {m: Portable(program) for m, program in programs.items()}
        return LoweredFunction(name, fns, specs.get(CALL, specs))
    except JaxgradError:
        raise
    except Exception as error:
        raise SavedFileError(
            f"{where} can't be used here, with JAX {jax.__version__}.\n  {error}\n"
            "  Save it again with a JAX that is not newer than this one."
        ) from error


def _header(
    where: str, manifest: Mapping[str, Any]
) -> tuple[str, list[str], list[str]]:
    """The backend, the backends that are needed, and the methods."""
    if "backend" not in manifest:
        raise SavedFileError(
            f"{where} was not saved by a LoweredFunction.\n"
            "  A traced function is read by jaxgrad.load."
        )
    name: Any = manifest["backend"]
    needs, methods = (manifest.get(key, []) for key in ("needs", "methods"))
    if not methods or not all(
        isinstance(text, str) for text in [name, *needs, *methods]
    ):
        raise _archive.changed(where, "it doesn't say what was lowered")
    return name, needs, methods


def _probe(program: Any, spec: tuple[Any, ...]) -> None:
    """Compiles what calls into XLA's libraries, which differ from JAX to JAX."""
    fixed = all(isinstance(n, int) for aval in program.in_avals for n in aval.shape)
    here = jax.export.default_export_platform() in program.platforms
    if not fixed or not here or "custom_call" not in program.mlir_module():
        return
    jax.jit(program.call).lower(*spec).compile()
    if program.has_vjp():
        again = program.vjp()
        _probe(again, _spec_of(again))


def _check_needs(where: str, needs: Iterable[str]) -> None:
    for name in needs:
        if not get(name).is_available():
            raise unavailable(name, f"  {where} was lowered for it: load it there.")


def _spec_of(program: Any) -> tuple[Any, ...]:
    leaves = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in program.in_avals]
    args, _ = jax.tree.unflatten(program.in_tree, leaves)
    return args
