"""The transform matrix: what is tried on a Function, and what has to come out.

A cell is a combination of JAX transformations. It runs on a `Problem` (the Function, or
its twin) and knows where the `Oracle` has the expected answer.

- `Spec`: one cell.
- `CELLS`: the table.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import AxisType

from jaxgrad.verify import _autodiff as ad
from jaxgrad.verify import _control as control
from jaxgrad.verify import _meshes as meshes
from jaxgrad.verify._export import round_trip
from jaxgrad.verify._oracle import Oracle
from jaxgrad.verify._problem import Problem


@dataclasses.dataclass(frozen=True)
class Spec:
    """One cell of the matrix.

    Attributes:
        name: What is printed.
        run: The transformations, on a problem.
        expect: The answer, from the oracle.
        order: How many times the Function is differentiated.
        forward: Whether forward mode reaches the Function itself.
        fixed: Whether it needs an array without a gradient among the arguments.
    """

    name: str
    run: Callable[[Problem], Any]
    expect: Callable[[Oracle], Any]
    order: int = 1
    forward: bool = False
    fixed: bool = False


def _gradient(o: Oracle) -> Any:
    return o.gradient()


def _loss_and_gradient(o: Oracle) -> Any:
    return o.loss(), o.gradient()


def _second(o: Oracle) -> Any:
    return o.second


def _hessian(o: Oracle) -> Any:
    return o.hessian()


CELLS: tuple[Spec, ...] = (
    Spec("value", ad.value, ad.expect_value, order=0),
    Spec(
        "jit(value)",
        lambda p: tuple(jax.jit(p.function)(*p.arrays)),
        lambda o: tuple(o.run(o.base).arrays),
        order=0,
    ),
    Spec("grad", lambda p: p.grad(p.loss)(*p.xs), _gradient),
    Spec("jit(grad)", ad.jit_of_grad, _gradient),
    Spec("grad(jit)", lambda p: p.grad(jax.jit(p.loss))(*p.xs), _gradient),
    Spec(
        "value_and_grad",
        lambda p: jax.value_and_grad(p.loss, p.argnums)(*p.xs),
        _loss_and_gradient,
    ),
    Spec("grad, one argument at a time", ad.one_at_a_time, _gradient),
    Spec(
        "jacrev",
        lambda p: jax.jacrev(p.projections)(p.zero),
        lambda o: o.jacobian,
    ),
    Spec(
        "grad(value_and_grad), the value",
        lambda p: p.grad(ad.inner_value(p))(*p.xs),
        _gradient,
    ),
    Spec(
        "inner value, checkpoint outside",
        lambda p: p.grad(jax.checkpoint(ad.inner_value(p)))(*p.xs),
        _gradient,
    ),
    Spec(
        "inner value, in another argument",
        ad.second_argument,
        ad.expect_second_argument,
    ),
    Spec(
        "grad(value_and_grad), both",
        ad.value_and_gradient,
        ad.expect_value_and_gradient,
        order=2,
    ),
    Spec("grad(grad)", lambda p: ad.grad_of_grad(p)(*p.xs), _second, order=2),
    Spec(
        "jit(grad(grad))",
        lambda p: jax.jit(ad.grad_of_grad(p))(*p.xs),
        _second,
        order=2,
    ),
    Spec("third order", ad.third_order, lambda o: o.third, order=3),
    Spec("hessian", lambda p: ad.hessian_at(p)(*p.xs), _hessian, order=2),
    Spec("jvp", ad.jvp, ad.expect_jvp, forward=True),
    Spec(
        "jacfwd",
        lambda p: jax.jacfwd(p.projections)(p.zero),
        lambda o: o.tangents,
        forward=True,
    ),
    Spec("linearize", ad.linearize, lambda o: o.tangents, forward=True),
    Spec(
        "forward over forward",
        ad.forward_over_forward,
        ad.expect_forward_over_forward,
        order=2,
        forward=True,
    ),
    Spec(
        "reverse over forward",
        ad.reverse_over_forward,
        ad.expect_reverse_over_forward,
        order=2,
        forward=True,
    ),
    Spec(
        "vmap(value)",
        lambda p: tuple(jax.vmap(p.function)(*p.all_batches(2))),
        control.expect_batch,
        order=0,
    ),
    Spec("vmap(vmap(value))", control.nested_vmap, control.expect_nested_vmap, order=0),
    Spec(
        "vmap(grad)",
        lambda p: jax.vmap(p.grad(p.loss))(*p.batches(2)),
        control.expect_vmap_of_grad,
    ),
    Spec("grad(vmap)", control.grad_of_vmap, control.expect_grad_of_vmap),
    Spec("grad(vmap), shared operands", control.shared, control.expect_shared),
    Spec(
        "grad(vmap), only integers batched",
        control.shared_with_fixed,
        control.expect_shared_with_fixed,
        fixed=True,
    ),
    Spec(
        "vmap(hessian)",
        lambda p: jax.vmap(ad.hessian_at(p))(*p.batches(2)),
        control.expect_vmap_of_hessian,
        order=2,
    ),
    Spec("grad(scan)", control.grad_of_scan, control.expect_grad_of_vmap),
    Spec("while_loop, value", control.while_value, lambda o: 2 * o.loss(), order=0),
    Spec("while_loop, jvp", control.while_jvp, control.expect_while_jvp, forward=True),
    Spec("grad(cond)", control.grad_of_cond, _gradient),
    Spec("grad(checkpoint)", control.grad_of_checkpoint, _gradient),
    Spec("jit(grad(checkpoint, policy))", control.checkpoint_with_policy, _gradient),
    Spec(
        "grad(scan(checkpoint))",
        lambda p: control.grad_of_scan(p, checkpoint=True),
        control.expect_grad_of_vmap,
    ),
    Spec(
        "grad(grad(checkpoint))",
        lambda p: ad.grad_of_grad(p, jax.checkpoint(p.loss))(*p.xs),
        _second,
        order=2,
    ),
    Spec(
        "hessian(checkpoint)",
        lambda p: ad.hessian_at(p, jax.checkpoint(p.loss))(*p.xs),
        _hessian,
        order=2,
    ),
    Spec("shard_map, check_vma=True", meshes.shard_map, meshes.expect_shard_map),
    Spec(
        "shard_map, check_vma=False",
        lambda p: meshes.shard_map(p, check_vma=False),
        meshes.expect_shard_map,
    ),
    Spec(
        "shard_map, explicit mesh",
        lambda p: meshes.shard_map(p, kind=AxisType.Explicit),
        meshes.expect_shard_map,
    ),
    Spec(
        "vmap on an explicit mesh",
        meshes.vmap_on_explicit_mesh,
        meshes.expect_batch_gradient,
    ),
    Spec("jit on several devices", meshes.jit_on_mesh, meshes.expect_batch_gradient),
    Spec(
        "export, first order",
        lambda p: round_trip(p, 1),
        lambda o: [o.loss(), o.gradient()],
    ),
    Spec(
        "export, second order",
        lambda p: round_trip(p, 2),
        lambda o: [o.loss(), o.gradient(), o.second],
        order=2,
    ),
)
