"""torch-style Functions, lowered to `jax.custom_vjp` or to a dual-mode rule.

- `Function`, `Context`, `once_differentiable`: what users write classes with;
- `residuals`: what an application keeps for its backward.
"""

from jaxgrad.function._context import Context as Context
from jaxgrad.function._function import Function as Function
from jaxgrad.function._once import once_differentiable as once_differentiable
from jaxgrad.function._residuals import Residual as Residual
from jaxgrad.function._residuals import residuals as residuals

__all__ = ["Context", "Function", "Residual", "once_differentiable", "residuals"]
