"""torch-style Functions, lowered to `jax.custom_vjp` or to a dual-mode rule.

- `Function`, `Context`, `once_differentiable`: what users write classes with;
- `VmapInfo`: what a `vmap` staticmethod is told;
- `residuals`: what an application keeps for its backward;
- `saved_tensors_hooks`, `save_on_host`, `packers`: how it is kept;
- `detect_anomaly`: names the Function whose gradient first became NaN or Inf.
"""

from jaxgrad.function import packers as packers
from jaxgrad.function._anomaly import detect_anomaly as detect_anomaly
from jaxgrad.function._batching import VmapInfo as VmapInfo
from jaxgrad.function._context import Context as Context
from jaxgrad.function._function import Function as Function
from jaxgrad.function._hooks import (
    disable_saved_tensors_hooks as disable_saved_tensors_hooks,
)
from jaxgrad.function._hooks import save_on_host as save_on_host
from jaxgrad.function._hooks import saved_tensors_hooks as saved_tensors_hooks
from jaxgrad.function._once import once_differentiable as once_differentiable
from jaxgrad.function._residuals import Residual as Residual
from jaxgrad.function._residuals import residuals as residuals

__all__ = [
    "Context",
    "Function",
    "Residual",
    "VmapInfo",
    "detect_anomaly",
    "disable_saved_tensors_hooks",
    "once_differentiable",
    "packers",
    "residuals",
    "save_on_host",
    "saved_tensors_hooks",
]
