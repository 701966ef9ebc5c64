"""The backends, by name.

- `register(name, backend)`, `names()`, `get(name)`.
- `unavailable(name, way_out)`: the error about one that is not available here.
"""

import difflib

import jax

from jaxgrad.errors import BackendError
from jaxgrad.lower._backend import XLA, Backend, Interpret, StableHLO

_METHODS = ("is_available", "preprocess", "compile", "execute")
_registry: dict[str, Backend] = {
    "xla:cpu": XLA("cpu"),
    "xla:gpu": XLA("gpu"),
    "xla:tpu": XLA("tpu"),
    "stablehlo": StableHLO(),
    "interpret": Interpret(),
}


def register(name: str, backend: Backend) -> None:
    """Makes a backend known.

    Args:
        name: What `to_backend` and saved files call it.
        backend: An object with the methods of `Backend`.

    Raises:
        BackendError: If a method is missing, or another backend has the name.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from jaxgrad.lower.backends import to_backend
        >>> class Doubled:
        ...     def is_available(self):
        ...         return True
        ...
        ...     def preprocess(self, fn, spec):
        ...         return fn
        ...
        ...     def compile(self, processed, spec):
        ...         return jax.jit(processed)
        ...
        ...     def execute(self, handle, inputs):
        ...         return 2 * handle(*inputs)
        >>> register("doubled", Doubled())
        >>> float(to_backend("doubled", jnp.square, (1.0,))(3.0))
        18.0
    """
    lacking = [m for m in _METHODS if not callable(getattr(backend, m, None))]
    if isinstance(backend, type) or lacking:
        got = f"one without {', '.join(lacking)}" if lacking else "a class"
        raise BackendError(
            f"register({name!r}): that is no backend.\n"
            f"  Expected an object with the methods {', '.join(_METHODS)}; got {got}."
        )
    if not isinstance(name, str) or not name:
        raise BackendError(f"the name of a backend is text, not {name!r}.")
    if _registry.get(name, backend) is not backend:
        raise BackendError(
            f"a backend {name!r} is registered already: {_registry[name]!r}.\n"
            "  Give this one another name."
        )
    _registry[name] = backend


def names() -> list[str]:
    """The names of all backends, available here or not.

    Returns:
        A list, the built-in ones first.

    Example:
        >>> names()[:5]
        ['xla:cpu', 'xla:gpu', 'xla:tpu', 'stablehlo', 'interpret']
    """
    return list(_registry)


def get(name: str) -> Backend:
    """The backend of a name.

    Args:
        name: One of `names()`.

    Returns:
        The backend.

    Raises:
        BackendError: If there is none; the message lists what there is.

    Example:
        >>> get("xla:cpu").is_available()
        True
    """
    if not isinstance(name, str) or name not in _registry:
        close = difflib.get_close_matches(str(name), _registry, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise BackendError(
            f"there is no backend {name!r}.{hint}\n  Expected one of "
            f"{', '.join(names())}, or what register(NAME, BACKEND) was given."
        )
    return _registry[name]


def unavailable(name: str, way_out: str) -> BackendError:
    """The error about a backend that is not available here."""
    devices = sorted({device.platform for device in jax.devices()})
    here = [other for other, backend in _registry.items() if backend.is_available()]
    return BackendError(
        f"the backend {name!r} is not available here.\n"
        f"  Available are {', '.join(here)}; the devices are {', '.join(devices)}.\n"
        f"{way_out}"
    )
