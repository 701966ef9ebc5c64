"""jaxgrad: PyTorch-style custom functions, lowered to JAX.

- `Function`: subclass it with `forward` and `backward`, call `apply`;
- `Context`: the `ctx` that both are given;
- `once_differentiable`: marks a backward that must not be differentiated again;
- `errors`: everything that jaxgrad raises on purpose.
"""

from importlib.metadata import PackageNotFoundError as _PackageNotFoundError
from importlib.metadata import version as _version

from jaxgrad import errors as errors
from jaxgrad.function import Context as Context
from jaxgrad.function import Function as Function
from jaxgrad.function import once_differentiable as once_differentiable

try:
    __version__ = _version("jaxgrad")
except _PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = ["Context", "Function", "errors", "once_differentiable"]
