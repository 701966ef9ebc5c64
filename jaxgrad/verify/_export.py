"""The cell about `jax.export`: out to bytes, back again, and differentiated there."""

import importlib.util
from typing import Any

import jax
from jax import export

from jaxgrad.errors import MissingExtraError
from jaxgrad.verify._autodiff import grad_of_grad
from jaxgrad.verify._problem import Problem


def require_flatbuffers() -> None:
    """Checks for the package with which `jax.export` writes its files.

    Raises:
        MissingExtraError: If it is not installed; the message holds the pip command.
    """
    if importlib.util.find_spec("flatbuffers") is None:
        raise MissingExtraError(
            "exporting needs the package flatbuffers: pip install 'jaxgrad[export]'"
        )


def round_trip(p: Problem, order: int) -> Any:
    """Value and derivatives up to `order` of a function read back from bytes."""
    require_flatbuffers()
    exported = export.export(jax.jit(p.loss))(*p.xs)
    again = export.deserialize(exported.serialize(vjp_order=order))
    found = [again.call(*p.xs), p.grad(again.call)(*p.xs)]
    return found if order == 1 else [*found, grad_of_grad(p, again.call)(*p.xs)]
