"""Modules: what is compiled, what is written back, and what they hold by name."""

import copy
import io
import pickle
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import JaxgradWarning, ModuleError

X = jnp.array([1.0, 2.0])


class Twice(jaxgrad.Function):
    """x * 2, with a derivative that is not that: 50."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 50


class Scale:
    def __init__(self, by: float = 3.0) -> None:
        self.by = jnp.full(2, by)

    def __call__(self, x: Any) -> Any:
        return x * self.by if x[0] > 0 else -x


class Net:
    """Modules in a list and a dictionary; it counts its calls."""

    def __init__(self, k: int = 2) -> None:
        self.layers = [Scale(), Scale(2.0)]
        self.named = {"last": Scale(5.0)}
        self.calls = jnp.array(0, jnp.int32)
        self.k = k
        self.training = True

    def forward(self, x: Any) -> Any:
        self.calls = self.calls + 1
        for layer in self.layers:
            x = layer(x)
        return self.named["last"](x) * self.k

    @jaxgrad.export
    def shifted(self, x: Any) -> Any:
        return x + self.calls if x[0] > 0 else x

    @staticmethod
    @jaxgrad.export
    def positive(x: Any) -> Any:
        return x if x[0] > 0 else -x

    def plain(self) -> str:
        return "plain Python"


class Mean:
    """Keeps a running mean, which it says is a buffer."""

    _buffers = ("mean",)

    def __init__(self) -> None:
        self.w = jnp.ones(2)
        self.mean = jnp.zeros(2)

    def forward(self, x: Any) -> Any:
        if x[0] > 0:
            self.mean = self.mean * 0.5 + x * 0.5
        return x * self.w - self.mean


class Silent(Mean):
    _buffers = ()


@pytest.fixture
def net() -> Any:
    return jaxgrad.script(Net())


def test_it_runs_as_python_and_writes_back(net: Any) -> None:
    want = Net().forward(X)
    np.testing.assert_allclose(net(X), want)
    np.testing.assert_allclose(net.forward(X), want)
    assert int(net.calls) == 2
    assert net.calls is net._object.calls
    np.testing.assert_allclose(net(-X), Net().forward(-X))


def test_what_did_not_change_stays_the_same_object(net: Any) -> None:
    weight, layers = net.layers[0].by, net._object.layers
    net(X)
    assert net.layers[0].by is weight
    assert net._object.layers is layers
    before = Mean()
    module, kept = jaxgrad.script(before), before.w
    module(X)
    assert before.w is kept
    np.testing.assert_allclose(before.mean, X / 2)


def test_exported_methods_are_compiled_and_others_are_not(net: Any) -> None:
    assert isinstance(net.shifted, jaxgrad.ScriptMethod)
    assert isinstance(net.forward, jaxgrad.ScriptMethod)
    np.testing.assert_allclose(jax.jit(net.shifted)(X), X)
    np.testing.assert_allclose(jax.jit(net.positive)(-X), X)
    assert net.plain() == "plain Python"
    assert not isinstance(net.plain, jaxgrad.ScriptMethod)
    assert net.shifted.owner is net
    assert net.shifted.raw_owner is net._object
    assert "CallFunction" in str(net.graph)
    assert "shifted" in net.shifted.code
    assert "lax::cond" in str(net.layers[0].graph_for(X))


def test_attributes_go_through(net: Any) -> None:
    net.k = 7
    assert net._object.k == 7
    np.testing.assert_allclose(net(X), Net(7).forward(X))
    del net.k
    with pytest.raises(AttributeError, match="k"):
        net.k  # noqa: B018 (reading it is what fails)
    net.layers.append(Scale())
    assert len(net._object.layers) == 3
    net.named["more"] = Scale()
    assert list(net._object.named) == ["last", "more"]
    assert {"k", "layers", "forward", "state_dict"} - set(dir(net)) == {"k"}


def test_attributes_of_the_object_come_before_those_of_a_script(net: Any) -> None:
    assert net.name == "forward"
    net.name = "mine"
    assert net.name == net._object.name == "mine"
    assert net.lower(X).as_text().startswith("module")


def test_programs_are_shared_by_instances() -> None:
    one, other = jaxgrad.script(Scale()), jaxgrad.script(Scale(7.0))
    one(X)
    script = one._target()[0]
    assert other._target()[0] is script
    count = len(script._compiled)
    np.testing.assert_allclose(other(X), X * 7)
    assert len(script._compiled) == count
    again = jaxgrad.script(Scale(), unroll=8)
    assert again._target()[0] is not script


def test_submodules_are_scripted_and_always_the_same(net: Any) -> None:
    first = net.layers[0]
    assert isinstance(first, jaxgrad.ScriptModule)
    assert first is net.layers[0] is next(net.children())
    assert net.layers[:1] == [first]
    assert net.named["last"] is net.named["last"]
    names = ["", "layers.0", "layers.1", "named.last"]
    assert [name for name, _ in net.named_modules()] == names
    assert [m.original_name for m in net.modules()] == ["Net", *["Scale"] * 3]
    assert repr(net).count("Scale") == 3
    seen: list[str] = []
    assert net.apply(lambda m: seen.append(m.original_name)) is net
    assert seen == ["Scale", "Scale", "Scale", "Net"]


def test_parameters_and_buffers_by_name(net: Any) -> None:
    names = ["layers.0.by", "layers.1.by", "named.last.by"]
    assert [name for name, _ in net.named_parameters()] == names
    assert len(list(net.parameters())) == 3
    assert list(dict(net.named_buffers("net"))) == ["net.calls"]
    assert list(net.named_parameters(recurse=False)) == []
    net._object.again = net._object.layers[0].by  # one array, two names
    assert len(list(net.parameters())) == 3
    assert "again" in net.state_dict()
    mean = jaxgrad.script(Mean())
    assert list(dict(mean.named_buffers())) == ["mean"]
    assert list(dict(mean.named_parameters())) == ["w"]


def test_states_are_loaded(net: Any) -> None:
    state = {name: value * 0 + 1 for name, value in net.state_dict().items()}
    assert net.load_state_dict(state) == ([], [])
    np.testing.assert_allclose(net(X), X * 2)
    assert net.calls == 2
    del state["calls"]
    with pytest.raises(ModuleError, match=r"missing: calls.*unexpected: other"):
        net.load_state_dict({**state, "other": X})
    found = net.load_state_dict({**state, "other": X}, strict=False)
    assert found == (["calls"], ["other"])
    with pytest.raises(ModuleError, match=r"layers.0.by: expected \(2,\), got \(3,\)"):
        net.load_state_dict({"layers.0.by": jnp.ones(3)}, strict=False)


def test_training_is_set_everywhere(net: Any) -> None:
    net._object.layers[0].training = True
    assert net.eval() is net
    assert not net.training
    assert not net.layers[0].training
    assert net.train().layers[0].training
    assert not hasattr(net.layers[1], "training")


def test_gradients_are_those_of_the_rules() -> None:
    class Custom:
        def __init__(self) -> None:
            self.w = X

        def forward(self, x: Any) -> Any:
            return Twice.apply(self.w * x) if x[0] > 0 else x

    module = jaxgrad.script(Custom())
    grads = jax.grad(lambda m: m(X).sum())(module)
    assert isinstance(grads, jaxgrad.ScriptModule)
    np.testing.assert_allclose(grads.w, 50 * X)
    np.testing.assert_allclose(jax.grad(lambda x: module(x).sum())(X), 50 * X)
    fn, params, buffers = module.functional()
    found = jax.jit(jax.grad(lambda p: fn(p, buffers, X)[0].sum()))(params)
    np.testing.assert_allclose(found["w"], 50 * X)


def test_the_functional_form_returns_new_buffers() -> None:
    module = jaxgrad.script(Mean())
    fn, params, buffers = module.functional()
    out, new = jax.jit(fn)(params, buffers, X)
    np.testing.assert_allclose(new["mean"], X / 2)
    np.testing.assert_allclose(out, X / 2)
    np.testing.assert_allclose(module.mean, 0)
    carry, _ = jax.lax.scan(lambda b, x: fn(params, b, x)[::-1], buffers, X[None])
    np.testing.assert_allclose(carry["mean"], X / 2)


def test_the_functional_form_refuses_writes_to_parameters() -> None:
    module = jaxgrad.script(Silent())
    fn, params, buffers = module.functional()
    with pytest.raises(ModuleError, match=r"Silent writes mean.*\n.*buffers="):
        fn(params, buffers, X)
    fn, params, buffers = module.functional(buffers=["mean"])
    assert list(params) == ["w"]
    np.testing.assert_allclose(fn(params, buffers, X)[1]["mean"], X / 2)
    with pytest.raises(ModuleError, match=r"'other'.*\n.*w, mean"):
        module.functional(buffers=["other"])


def test_traced_values_are_not_stored_and_one_warning_says_so(net: Any) -> None:
    with pytest.warns(JaxgradWarning, match=r"writes Net.calls.*\n.*functional\(\)"):
        jax.jit(net)(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(jax.jit(lambda x: net(x))(X), Net().forward(X))
    assert int(net.calls) == 0


def test_a_module_is_a_pytree(net: Any) -> None:
    def step(module: Any, x: Any) -> Any:
        return module(x), module

    out, new = jax.jit(step)(net, X)
    assert int(new.calls) == 1
    assert int(net.calls) == 0
    np.testing.assert_allclose(out, Net().forward(X))
    assert jax.tree.structure(net) == jax.tree.structure(jaxgrad.script(Net()))
    assert jax.tree.structure(net) != jax.tree.structure(jaxgrad.script(Net(3)))
    paths = [jax.tree_util.keystr(p) for p, _ in jax.tree.leaves_with_path(net)]
    assert ".layers.0.by" in paths
    doubled = jax.tree.map(lambda a: a * 2, net)
    np.testing.assert_allclose(doubled.layers[0].by, 6)
    axes = jax.tree.map(lambda _: None, net)
    many = jax.vmap(lambda m, x: m(x), in_axes=(axes, 0))(net, jnp.stack([X, -X]))
    np.testing.assert_allclose(many[1], Net().forward(-X))


def test_modules_pass_through_other_scripts(net: Any) -> None:
    def run(module: Any, x: Any) -> Any:
        if x[0] > 0:
            module.layers[0].by = module.layers[0].by * 2
        return module, module(x), module.k

    again, out, k = jaxgrad.script(run)(net, X)
    assert again is net
    assert k == 2
    np.testing.assert_allclose(out, Net().forward(X) * 2)
    np.testing.assert_allclose(net.layers[0].by, 6)
    np.testing.assert_allclose(jaxgrad.script(lambda x: net(x))(X), out)
    np.testing.assert_allclose(jaxgrad.script(lambda f, x: f(x))(net.forward, X), out)
    assert int(net.calls) == 3


def test_hooks_join_the_program(net: Any) -> None:
    plain = Net().forward(X)
    with net.register_forward_hook(lambda module, args, out: out + module.k):
        np.testing.assert_allclose(net(X), plain + 2)
    first = net.layers[0].register_forward_pre_hook(
        lambda module, args: args[0] * 2 if args[0][0] > 0 else args[0] * 3
    )
    np.testing.assert_allclose(net(X), plain * 2)
    np.testing.assert_allclose(copy.deepcopy(net)(X), plain * 2)
    first.remove()
    first.remove()
    np.testing.assert_allclose(net(X), plain)

    class Slots:
        __slots__ = ("w",)

        def forward(self, x: Any) -> Any:
            return x * self.w

    slots = Slots()
    slots.w = X
    module = jaxgrad.script(slots)
    np.testing.assert_allclose(module(X), X * X)
    with pytest.raises(ModuleError, match="Slots can't have hooks"):
        module.register_forward_hook(lambda *args: None)


def test_methods_are_defined_from_text(net: Any) -> None:
    net.define("""
        def halved(self, x):
            while x[0] > 1:
                x = x / 2
            return x * self.k
    """)
    assert isinstance(net.halved, jaxgrad.ScriptMethod)
    np.testing.assert_allclose(net.halved(X * 4), X * 2)
    np.testing.assert_allclose(copy.deepcopy(net).halved(X), X * 2)
    for text in ("x = 1", "def f(self): return 1\nx = 2", "def f(:"):
        with pytest.raises(jaxgrad.errors.ScriptError):
            net.define(text)


def test_copies_are_independent(net: Any) -> None:
    other = copy.deepcopy(net)
    other.layers[0].by = jnp.zeros(2)
    np.testing.assert_allclose(net(X), Net().forward(X))
    np.testing.assert_allclose(other(X), 0)
    shallow = copy.copy(net)
    assert shallow.layers[0].by is net.layers[0].by
    assert shallow is not net
    assert hash(shallow) != hash(net)
    assert shallow != net
    stored = pickle.loads(pickle.dumps(net))
    np.testing.assert_allclose(stored(X), net(X))


def test_saved_modules_hold_their_weights(net: Any) -> None:
    file = io.BytesIO()
    net.layers[0].save(file, (X,))
    file.seek(0)
    loaded = jaxgrad.load(file)
    np.testing.assert_allclose(loaded(X), 3 * X)
    assert [name.endswith("by") for name in loaded.weights] == [True]
    np.testing.assert_allclose(jax.grad(lambda x: loaded(x).sum())(X), 3)


def test_frozen_modules_have_their_arrays_in_the_program(net: Any) -> None:
    frozen = jaxgrad.freeze(net.layers[0])
    assert list(frozen.parameters()) == jax.tree.leaves(frozen) == []
    net.layers[0].by = jnp.zeros(2)
    np.testing.assert_allclose(jax.jit(frozen)(X), 3 * X)
    np.testing.assert_allclose(jax.grad(lambda x: frozen(x).sum())(X), 3)
    with pytest.raises(ModuleError, match="Net is frozen"):
        jaxgrad.freeze(net)(X)
    with pytest.raises(ModuleError, match="takes a ScriptModule"):
        jaxgrad.freeze(Scale())  # type: ignore[arg-type]


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(ModuleError, match="script got int"):
        jaxgrad.script(3)
    with pytest.raises(ModuleError, match="no __call__ and no forward"):
        jaxgrad.script(type("Empty", (), {})())()
    module = jaxgrad.script(Scale())
    assert jaxgrad.script(module) is module
    assert jaxgrad.as_module(module) is module
    assert jaxgrad.as_module(Scale()) is None


def test_the_forward_of_a_derived_class_wins() -> None:
    class Base:
        def __call__(self, x: Any) -> Any:
            return x

    class Derived(Base):
        def forward(self, x: Any) -> Any:
            return x * 2

    class Both(Derived):
        def __call__(self, x: Any) -> Any:
            return self.forward(x) + 1

    np.testing.assert_allclose(jaxgrad.script(Derived())(X), X * 2)
    np.testing.assert_allclose(jaxgrad.script(Both())(X), X * 2 + 1)
