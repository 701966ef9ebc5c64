"""`print` in compiled code: the text is made on the host, when the program runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxgrad.lower.script import _raising

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session


def show(session: Session, *args: Any, **kwargs: Any) -> None:
    """What `print` does, each time that the compiled program runs."""
    leaves, tree = jax.tree.flatten(args, is_leaf=lambda x: not _is_container(x))
    parts: list[Any] = []
    template = [_raising.take_apart(leaf, parts) for leaf in leaves]

    def callback(values: Any) -> None:
        filled = [_raising.filled(leaf, list(values)) for leaf in template]
        print(*jax.tree.unflatten(tree, filled), **kwargs)

    def printed() -> None:
        jax.debug.callback(callback, parts, ordered=False)

    code = session.errors.code
    if isinstance(code, int):
        if code == 0:
            printed()
        return
    # What comes after a failed check is not printed.
    jax.lax.cond(jnp.asarray(code) == 0, printed, lambda: None)


def _is_container(value: Any) -> bool:
    return type(value) in (list, tuple, dict)
