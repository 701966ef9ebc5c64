"""Where an exception comes from: JAX, somebody's function, a rule without forward mode.

JAX has no classes of its own for these errors, and users want their own to pass through
unchanged.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp


def raised_by_jax(error: BaseException) -> bool:
    """Whether an exception was raised inside JAX, not in somebody's own code."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace else ""
    return module.partition(".")[0] == "jax"


def passed_through(error: BaseException, functions: Sequence[Any]) -> bool:
    """Whether an exception came out of one of `functions`."""
    codes = {getattr(getattr(f, "__func__", f), "__code__", None) for f in functions}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes:
            return True
        trace = trace.tb_next
    return False


def forward_mode_refusal(error: Exception) -> bool:
    """Whether `error` is JAX's refusal to run a `custom_vjp` in forward mode.

    JAX gives this error no class of its own, so the question is put to JAX: a trivial
    `custom_vjp` is run in forward mode, alone and inside reverse mode, and the errors
    are compared.

    Returns:
        True if `error` was raised by JAX and reads like one of those refusals.
    """
    if not raised_by_jax(error):
        return False
    trivial = jax.custom_vjp(lambda x: x)
    trivial.defvjp(
        lambda x: (x.value, x.value), lambda x, ct: (ct * x,), symbolic_zeros=True
    )
    one = jnp.ones(())

    def forward(x: Any) -> Any:
        return jax.jvp(trivial, (x,), (one,))[1]

    for attempt in (forward, jax.grad(forward), lambda x: jax.jvp(forward, (x,), (x,))):
        try:
            attempt(one)
        except (TypeError, NotImplementedError) as refusal:
            if type(error) is type(refusal) and str(error) == str(refusal):
                return True
    return False
