"""Modules of Equinox and of Flax NNX, scripted as they are."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import jaxgrad

X = jnp.array([1.0, 2.0])


class Gate(eqx.Module):
    w: jax.Array
    linear: eqx.nn.Linear
    times: int = eqx.field(static=True)

    def __call__(self, x: Any) -> Any:
        return self.scaled(self.linear(x)) if x[0] > 0 else x

    def scaled(self, x: Any) -> Any:
        if x[0] > 0:
            return x * self.w
        return -x * self.w * self.times


class Counter(nnx.Module):
    def __init__(self) -> None:
        self.w = nnx.Param(jnp.array([3.0, 4.0]))
        self.seen = nnx.BatchStat(jnp.zeros(()))
        self.inner = nnx.List([nnx.Linear(2, 2, rngs=nnx.Rngs(0))])

    def __call__(self, x: Any) -> Any:
        self.seen[...] = self.seen[...] + 1
        if x[0] > 0:
            self.seen[...] = self.seen[...] + x[0]
            x = x * self.w
        for layer in self.inner:
            x = layer(x)
        return x

    @jaxgrad.export
    def doubled(self, x: Any) -> Any:
        self.w = nnx.Param(self.w[...] * 2)
        return x * self.w


def test_equinox() -> None:
    linear = eqx.nn.Linear(2, 2, key=jax.random.key(0))
    gate = Gate(X, linear, 3)
    module = jaxgrad.script(gate)
    want = linear(X)
    want = want * X if want[0] > 0 else -want * X * 3
    np.testing.assert_allclose(module(X), want, rtol=1e-6)
    np.testing.assert_allclose(module(-X), -X)
    names = ["w", "linear.weight", "linear.bias"]
    assert [name for name, _ in module.named_parameters()] == names
    assert [name for name, _ in module.named_children()] == ["linear"]
    grads = eqx.filter_grad(lambda m: m(X).sum())(module)
    np.testing.assert_allclose(grads.w, want / X, rtol=1e-6)
    assert isinstance(grads.linear, jaxgrad.ScriptModule)
    module.load_state_dict({"w": X * 2}, strict=False)  # frozen for attributes only
    np.testing.assert_allclose(gate.w, X * 2)
    np.testing.assert_allclose(module(X), want * 2, rtol=1e-6)
    np.testing.assert_allclose(jaxgrad.script(linear)(X), linear(X), rtol=1e-6)


def test_nnx() -> None:
    counter = Counter()
    want = counter.inner[0](X * counter.w)
    module = jaxgrad.script(counter)
    np.testing.assert_allclose(module(X), want, rtol=1e-6)
    assert counter.seen[...] == 2
    module(-X)
    assert counter.seen[...] == 3
    counter.seen[...] = jnp.zeros(())  # it still belongs to the trace outside
    names = ["inner.0.bias", "inner.0.kernel", "w"]
    assert sorted(dict(module.named_parameters())) == names
    assert list(dict(module.named_buffers())) == ["seen"]
    assert [name for name, _ in module.named_children()] == ["inner.0"]
    fn, params, buffers = module.functional()
    grads, new = jax.grad(
        lambda p: (lambda out, new: (out.sum(), new))(*fn(p, buffers, X)), has_aux=True
    )(params)
    np.testing.assert_allclose(
        grads["w"], X * counter.inner[0].kernel.sum(1), rtol=1e-5
    )
    assert new["seen"] == 2
    assert counter.seen[...] == 0
    np.testing.assert_allclose(module.doubled(X), X * jnp.array([6.0, 8.0]))
    np.testing.assert_allclose(counter.w[...], [6, 8])
    graphdef, state = nnx.split(counter)  # and NNX takes it as its own
    np.testing.assert_allclose(nnx.merge(graphdef, state).w[...], [6, 8])
