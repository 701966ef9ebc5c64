"""What instances share, and attributes, each test under its name in torch."""

# ruff: noqa: E731 (the programs say what they test)

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxgrad
from tests.upstream.jit.script_modules import Calls, Linear, Plus, works
from tests.upstream.scripted import compare, f32

X = f32([1, 2])


_compiled: list[str] = []


def _note(event: str, _: float, **__: Any) -> None:
    if "backend_compile" in event:
        _compiled.append(event)


jax.monitoring.register_event_duration_secs_listener(_note)


def shared(one: Any, other: Any) -> bool:
    """Whether the second of two modules runs what was compiled for the first."""

    def call(module: Any, x: Any) -> Any:
        return module.forward(x)

    scripted = jaxgrad.script(call)
    before = len(_compiled)
    scripted(one, X)
    first = len(_compiled)
    assert first > before
    scripted(other, X)
    return len(_compiled) == first


class Held:
    def __init__(self, a: Any, b: Any = 1) -> None:
        self.a = a
        self.b = b

    def forward(self, x: Any) -> Any:
        return x + self.a


class Alike(Held):
    pass


class TestTypeSharing:
    """Instances whose static parts are equal share a compiled program."""

    def test_basic(self) -> None:
        assert shared(Held(X), Held(X))

    def test_diff_attr_values(self) -> None:
        assert shared(Held(X), Held(X * 2))

    def test_constants(self) -> None:
        assert shared(Held(X, 1), Held(X, 1))
        assert not shared(Held(X, 1), Held(X, 2))

    def test_linear(self) -> None:
        assert shared(Linear(), Linear(3.0))
        other = Linear()
        other.weight = np.ones((2, 5), np.float32)
        assert not shared(Linear(), other)

    def test_submodules(self) -> None:
        assert shared(Calls(Linear()), Calls(Linear(5.0)))
        assert not shared(Calls(Linear()), Calls(Plus()))

    def test_param_vs_attribute(self) -> None:
        """An array and a number are two programs."""
        assert not shared(Held(f32(1)), Held(1.0))

    def test_same_but_different_classes(self) -> None:
        assert not shared(Held(X), Alike(X))

    def test_mutate_attr_value(self) -> None:
        one, two = Held(X), Held(X)
        one.a = X * 3
        assert shared(one, two)

    def test_assign_python_attr(self) -> None:
        one, two = Held(X), Held(X)
        one.extra = "foo"
        assert not shared(one, two)

    def test_failed_attribute_compilation(self) -> None:
        """What can't be traced is static, and may be used as in Python."""

        class Mod:
            def __init__(self) -> None:
                self.kind = dict

            def forward(self, x: Any) -> Any:
                return self.kind(x=x)

        works(Mod(), X)

    def test_script_function_attribute_different(self) -> None:
        one, two = jaxgrad.script(lambda x: x + x), jaxgrad.script(lambda x: x - x)
        assert not shared(Calls(one), Calls(two))

    def test_builtin_function_same(self) -> None:
        assert shared(Calls(jnp.sin), Calls(jnp.sin))

    def test_builtin_function_different(self) -> None:
        assert not shared(Calls(jnp.sin), Calls(jnp.cos))

    def test_script_function_attribute_same(self) -> None:
        fn = jaxgrad.script(lambda x: x + x)
        assert shared(Calls(fn), Calls(fn))

    def test_python_function_attribute_different(self) -> None:
        assert not shared(Calls(lambda x: x + x), Calls(lambda x: x - x))

    def test_python_function_attribute_same(self) -> None:
        fn = lambda x: x + x
        assert shared(Calls(fn), Calls(fn))

    def test_tracing_gives_different_types(self) -> None:
        one, two = jaxgrad.trace(jnp.sin, X), jaxgrad.trace(jnp.cos, X)
        assert not shared(Calls(one), Calls(two))

    def test_ignored_fns(self) -> None:
        class Mod(Held):
            @jaxgrad.ignore
            def ignored(self) -> Any:
                return self.a

        assert shared(Mod(X), Mod(X * 2))

    def test_script_module_containing_traced_module(self) -> None:
        traced = jaxgrad.trace(lambda x: x * 3, X)
        works(Calls(traced), X)

    def test_loaded_modules_work(self, tmp_path: Path) -> None:
        for scale in (2.0, 3.0):
            module = jaxgrad.script(Linear(scale))
            module.save(tmp_path / f"{scale}.zip", (X,))
            loaded = jaxgrad.load(tmp_path / f"{scale}.zip")
            compare(loaded(X), Linear(scale)(X))
            works(Calls(loaded), X)

    def test_module_dict_same_type_different_name(self) -> None:
        assert not shared(Held(X, {"foo": X}), Held(X, {"bar": X}))
        assert shared(Held(X, {"bar": X}), Held(X, {"bar": X}))

    def test_type_sharing_define_in_init(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.w = X

            def forward(self, x: Any) -> Any:
                return x

        made = []
        for value in (1, 2):
            scripted = jaxgrad.script(Mod())
            scripted.define(f"""
                def value(self, x):
                    return x * {value} + self.w
            """)
            made.append(scripted)
        compare(made[0].value(X), X * 1 + X)
        compare(made[1].value(X), X * 2 + X)
