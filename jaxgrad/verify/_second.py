"""Gradients as a function that can be checked itself, for `gradgradcheck`.

- `gradients_of`: the function of the arguments and of the cotangents.
- `random_like`: random numbers between -1 and 1.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import GradcheckOptionError
from jaxgrad.verify._subject import Subject


def gradients_of(subject: Subject, args: tuple[Any, ...], given: Any) -> Subject:
    """The gradients of a subject as a function of its arguments and cotangents.

    Args:
        subject: The function, whose `live` is known.
        args: Its arguments.
        given: The cotangents, in any containers; None for random ones.

    Returns:
        A subject whose outputs are the gradients.

    Raises:
        GradcheckOptionError: The cotangents don't fit the outputs.
    """
    cotangents = _cotangents(subject, given)
    count = len(args)

    def gradients(call: Callable[..., Any]) -> Callable[..., Any]:
        def function(*values: Any) -> Any:
            leaves = jax.tree.leaves(tuple(values[:count]))
            xs = [leaves[i] for i in subject.active]

            def live(*xs: Any) -> Any:
                outputs = call(*xs)
                return tuple(outputs[k] for k in subject.live)

            return jax.vjp(live, *xs)[1](tuple(values[count:]))

        return function

    reference: Any = subject.reference
    if callable(reference):
        reference = gradients(subject.declared)
    names = [f"grad_outputs[{i}]" for i in range(len(cotangents))]
    return Subject(
        gradients(subject.call),
        (*args, *cotangents),
        (*subject.names, *names),
        f"the gradient of {subject.title}",
        reference,
    )


def _cotangents(subject: Subject, given: Any) -> list[jax.Array]:
    """The cotangents that the user gave, or random ones."""
    wanted = [subject.outputs[k] for k in subject.live]
    rng = np.random.default_rng(2)
    if given is None:
        return [random_like(rng, a) for a in wanted]
    found = [jnp.asarray(a) for a in jax.tree.leaves(given)]
    types = [[(a.shape, a.dtype) for a in arrays] for arrays in (wanted, found)]
    if types[0] != types[1]:
        want, have = (
            ", ".join(f"{dtype}{list(shape)}" for shape, dtype in t) or "none"
            for t in types
        )
        raise GradcheckOptionError(
            f"grad_outputs don't fit the outputs of {subject.title}.\n"
            f"  Expected one for each output that has a derivative, {want}; got {have}."
            "\n  Leave grad_outputs out for random ones."
        )
    return found


def random_like(rng: np.random.Generator, like: Any) -> jax.Array:
    """Random numbers between -1 and 1, in the shape and dtype of an array."""
    values = rng.uniform(-1, 1, size=like.shape)
    if jnp.iscomplexobj(like):
        values = values + 1j * rng.uniform(-1, 1, size=like.shape)
    return jnp.asarray(values.astype(like.dtype))
