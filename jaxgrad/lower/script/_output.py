"""`print` in compiled code: the text is made on the host, when the program runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback

from jaxgrad.lower.script import _raising

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session


def show(session: Session, *args: Any, **kwargs: Any) -> None:
    """What `print` does, each time that the compiled program runs."""
    if session.host.strip("print", session.place):
        return
    leaves, tree = jax.tree.flatten(args, is_leaf=lambda x: not _is_container(x))
    parts: list[Any] = []
    template = [_raising.take_apart(leaf, parts) for leaf in leaves]

    def callback(values: Any) -> None:
        filled = [_raising.filled(leaf, list(values)) for leaf in template]
        print(*jax.tree.unflatten(tree, filled), **kwargs)

    tell(session, callback, parts)


def tell(session: Session, callback: Callable[[Any], None], parts: Any) -> None:
    """Call `callback` with the values of `parts`, each time that the program runs."""

    def called(token: Any, values: Any) -> Any:
        callback(values)
        return np.int32(0)

    # Each call depends on the one before it, so that their order is Python's, inside
    # branches and loops too. Nothing is differentiated through it.
    held = jax.lax.stop_gradient(parts)

    def printed(token: Any) -> Any:
        shape = jax.ShapeDtypeStruct((), jnp.int32)
        return io_callback(called, shape, token, held)

    code, token = session.errors.code, jnp.asarray(session.output.token, jnp.int32)
    if isinstance(code, int):
        if code == 0:
            session.output.token = printed(token)
        return
    # What comes after a failed check is not printed.
    going = jnp.asarray(code) == 0
    session.output.token = jax.lax.cond(going, printed, lambda t: t, token)


def _is_container(value: Any) -> bool:
    return type(value) in (list, tuple, dict)
