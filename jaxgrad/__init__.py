"""jaxgrad: PyTorch-style custom functions, lowered to JAX.

- `Function`: subclass it with `forward` and `backward`, call `apply`;
- `Context`: the `ctx` that both are given;
- `once_differentiable`: marks a backward that must not be differentiated again;
- `saved_tensors_hooks`, `save_on_host`, `disable_saved_tensors_hooks`, `packers`: how
  saved tensors are kept until backward;
- `gradcheck`, `gradgradcheck`: compare derivatives with central differences;
- `detect_anomaly`: names the Function whose gradient first became NaN or Inf;
- `errors`: everything that jaxgrad raises on purpose.
"""

from importlib.metadata import PackageNotFoundError as _PackageNotFoundError
from importlib.metadata import version as _version

from jaxgrad import errors as errors
from jaxgrad.function import Context as Context
from jaxgrad.function import Function as Function
from jaxgrad.function import detect_anomaly as detect_anomaly
from jaxgrad.function import disable_saved_tensors_hooks as disable_saved_tensors_hooks
from jaxgrad.function import once_differentiable as once_differentiable
from jaxgrad.function import packers as packers
from jaxgrad.function import save_on_host as save_on_host
from jaxgrad.function import saved_tensors_hooks as saved_tensors_hooks
from jaxgrad.verify import gradcheck as gradcheck
from jaxgrad.verify import gradgradcheck as gradgradcheck

try:
    __version__ = _version("jaxgrad")
except _PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = [
    "Context",
    "Function",
    "detect_anomaly",
    "disable_saved_tensors_hooks",
    "errors",
    "gradcheck",
    "gradgradcheck",
    "once_differentiable",
    "packers",
    "save_on_host",
    "saved_tensors_hooks",
]
