"""What torch's own classes answer for the entries of the database.

- `database`: torch's `autograd_function_db`, by name.
- `plain`, `batched`: what `jax_answers.py` gives, from torch.
"""

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.upstream.entries import BATCH, Dims, Entry, weights

Answers = dict[str, list[np.ndarray]]


def database() -> dict[str, Any]:
    """The entries that torch ships, by name.

    The module imports `expecttest` for tests of its own. Where that isn't installed, an
    empty module stands in for it while torch's is imported.
    """
    stand_in = importlib.util.find_spec("expecttest") is None
    if stand_in:
        module = types.ModuleType("expecttest")
        module.TestCase = object  # type: ignore[attr-defined]
        module.assert_expected_inline = None  # type: ignore[attr-defined]
        sys.modules["expecttest"] = module
    try:
        name = "torch.testing._internal.autograd_function_db"
        found = importlib.import_module(name)
    finally:
        if stand_in:
            del sys.modules["expecttest"]
    return {entry.name: entry for entry in found.autograd_function_db}


def outputs_of(entry: Entry) -> Callable[..., tuple]:
    op = database()[entry.name].op

    def f(*arrays: Any) -> tuple:
        out = op(*arrays, *entry.static())
        return (out if isinstance(out, tuple) else (out,))[: entry.n_outputs]

    return f


def smooth_of(outs: tuple) -> list:
    return [v for v in outs if v.is_floating_point()]


def loss_of(values: Any, start: int = 0) -> Any:
    import torch

    total = torch.zeros((), dtype=torch.float64)
    for slot, value in enumerate(values, start):
        w = torch.from_numpy(weights(tuple(value.shape), slot))
        total = total + (value * w).sum() + 0.5 * (value**2).sum()
    return total


def tensors_of(arrays: list[np.ndarray]) -> list:
    import torch

    return [torch.from_numpy(np.ascontiguousarray(v)) for v in arrays]


def leaves_of(entry: Entry, arrays: list[np.ndarray]) -> tuple[list, list]:
    """All arguments, and those of them that want a gradient."""
    tensors = tensors_of(arrays)
    leaves = [tensors[i].requires_grad_() for i in entry.smooth()]
    return tensors, leaves


def as_numpy(values: Any) -> list[np.ndarray]:
    return [v.detach().numpy() for v in values]


def pushforward(entry: Entry, f: Callable) -> Callable:
    import torch

    def push(arrays: list, tangents: list) -> Any:
        def smooth(*given: Any) -> tuple:
            live = [*arrays]
            for i, value in zip(entry.smooth(), given, strict=True):
                live[i] = value
            return tuple(smooth_of(f(*live)))

        primals = tuple(arrays[i] for i in entry.smooth())
        return torch.func.jvp(smooth, primals, tuple(tangents))[1]

    return push


def plain(entry: Entry) -> Answers:
    import torch

    f = outputs_of(entry)
    tensors, leaves = leaves_of(entry, entry.arrays())
    outs = f(*tensors)
    first = torch.autograd.grad(
        loss_of(smooth_of(outs)), leaves, create_graph=entry.complete
    )
    got = {"values": as_numpy(outs), "first": as_numpy(first)}
    if entry.complete:
        again = loss_of(first, 10)
        if again.requires_grad:
            second = torch.autograd.grad(again, leaves)
        else:  # constants, which have no graph in torch
            second = [torch.zeros_like(v) for v in leaves]
        got["second"] = as_numpy(second)
        tangents = tensors_of(entry.tangents(entry.arrays()))
        push = pushforward(entry, f)
        got["jvp"] = as_numpy(push(tensors_of(entry.arrays()), tangents))
    return got


def batched(entry: Entry, dims: Dims) -> Answers:
    import torch

    f = outputs_of(entry)
    vmap = torch.func.vmap if entry.complete else one_by_one
    vf = vmap(f, dims)
    arrays = entry.batched(dims)
    tensors, leaves = leaves_of(entry, arrays)
    outs = vf(*tensors)
    grad_of_vmap = torch.autograd.grad(loss_of(smooth_of(outs)), leaves)
    grad = torch.func.grad(lambda *a: loss_of(smooth_of(f(*a))), entry.smooth())
    got = {
        "vmap": as_numpy(outs),
        "grad of vmap": as_numpy(grad_of_vmap),
        "vmap of grad": as_numpy(vmap(grad, dims)(*tensors_of(arrays))),
    }
    if entry.complete:
        tangents = tensors_of(entry.tangents(arrays))
        tangent_dims = [dims[i] for i in entry.smooth()]
        tensors = tensors_of(arrays)
        got["jvp of vmap"] = as_numpy(pushforward(entry, vf)(tensors, tangents))
        push = torch.func.vmap(pushforward(entry, f), ([*dims], tangent_dims))
        got["vmap of jvp"] = as_numpy(push(tensors, tangents))
    return got


def one_by_one(f: Callable, dims: Dims) -> Callable:
    """A loop, for what torch refuses to batch."""
    import torch

    def mapped(*args: Any) -> tuple:
        rows = [
            f(*(v if d is None else v.select(d, i) for v, d in zip(args, dims)))  # noqa: B905
            for i in range(BATCH)
        ]
        return tuple(torch.stack(column) for column in zip(*rows, strict=True))

    return mapped
