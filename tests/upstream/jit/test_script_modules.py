"""Modules within modules, each test under its name in torch's TestRecursiveScript."""

# ruff: noqa: F821 (the programs say what they test)

import types
import typing
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.errors import ScriptError
from tests.upstream.jit.helpers import kinds
from tests.upstream.jit.script_modules import Calls, Linear, Plus, works
from tests.upstream.scripted import agrees, compare, f32, refused

X = f32([1, 2])


class TestRecursiveScript:
    def test_inferred_nonetype(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.x = None

            def forward(self, y: Any) -> Any:
                assert self.x is None
                return y

        works(Mod(), X)

    def test_script_function_attribute(self) -> None:
        one = jaxgrad.script(lambda x: x + x if x[0] > 0 else x)
        works(Calls(one), X)
        works(Calls(jaxgrad.script(lambda x: x - x)), X)

    def test_python_function_attribute(self) -> None:
        works(Calls(jax.nn.sigmoid), X)

    def test_failed_function_compilation(self) -> None:
        def fn(x: Any) -> Any:
            return i_do_not_exist

        error = refused(Calls(fn), X, at="i_do_not_exist", says=("i_do_not_exist",))
        assert any("while compiling fn" in note for note in error.__notes__)

    def test_script_after_eval(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.training = True

            def forward(self, x: Any) -> Any:
                if self.training:
                    return x * 2
                return x * 0

        module = Mod()
        one = jaxgrad.script(module)
        compare(one(X), X * 2)
        module.training = False
        compare(jaxgrad.script(module)(X), X * 0)

    def test_module_name(self) -> None:
        class MyModule:
            def __init__(self) -> None:
                self.x = f32(2)

            def forward(self, t: Any) -> Any:
                return t + self.x

        assert jaxgrad.script(MyModule()).original_name == "MyModule"

    def test_repeated_error_stack(self) -> None:
        def d(x: Any) -> Any:
            return x + missing

        def c(x: Any) -> Any:
            return d(x)

        def a(x: Any) -> Any:
            return c(x)

        for _ in range(2):  # nothing is left over from the first failure
            error = refused(a, X, at="x + missing")
            notes = [note for note in error.__notes__ if "while compiling" in note]
            assert [note.split(",")[0] for note in notes] == [
                "while compiling d",
                "while compiling c",
            ]

    def test_constants_with_final(self) -> None:
        class Own:
            x: jaxgrad.Final[int]

            def __init__(self) -> None:
                self.x = 2

            def forward(self, t: Any) -> Any:
                return t + self.x

        class Typing:
            x: typing.Final[int] = 2

            def forward(self, t: Any) -> Any:
                return t + self.x

        works(Own(), X)
        works(Typing(), X)

    def test_method_call(self) -> None:
        class Mod:
            def other(self, x: Any) -> Any:
                return x if x[0] > 0 else -x

            def forward(self, z: Any) -> Any:
                return z + 20 + self.other(z)

        works(Mod(), X)
        works(Mod(), -X)

    def test_module_repr(self) -> None:
        text = repr(jaxgrad.script(Calls(Calls(Linear()))))
        assert text.count("Calls") >= 2
        assert "Linear" in text

    def test_dir(self) -> None:
        module = Calls(Linear())
        scripted = jaxgrad.script(module)
        names = {name for name in dir(module) if not name.startswith("__")}
        assert names <= set(dir(scripted))

    def test_class_compile(self) -> None:
        def other(a: Any, b: Any) -> Any:
            return a * b

        class Made:
            def __init__(self, x: Any) -> None:
                self.x = 2

            def helper(self, a: Any) -> Any:
                return self.x + a + other(self.x, a)

        class Mod:
            def forward(self, x: Any) -> Any:
                return Made(x).helper(x)

        works(Mod(), X)

    def test_error_stack(self) -> None:
        def d(x: Any) -> Any:
            return x + "text"

        def c(x: Any) -> Any:
            return d(x) + 1

        def a(x: Any) -> Any:
            return c(x)

        with pytest.raises(TypeError) as caught:
            jaxgrad.script(a)(X)
        told = "\n".join(caught.value.__notes__)
        assert 'return x + "text"' in told
        assert "while compiling c" in told

    def test_error_stack_module(self) -> None:
        def b(x: Any) -> Any:
            import math

            return x + math.pi

        class Sub:
            def __call__(self, x: Any) -> Any:
                return b(x)

        error = refused(Calls(Sub()), X, at="import math", says=("import",))
        told = "\n".join(error.__notes__)
        assert told.index("while compiling b") < told.index("while compiling __call__")

    def test_script_basic(self) -> None:
        def python_fn(a: Any, b: Any, c: Any) -> Any:
            return a + b + c

        def fn(d: Any, e: Any, f: Any) -> Any:
            return python_fn(d, e, f)

        scripted = agrees(fn, (X, X, 1))
        found = kinds(scripted.graph)
        assert "prim::CallFunction" in found
        assert "prim::CallFunction" not in kinds(scripted.inlined_graph)

    def test_error_stack_class(self) -> None:
        class Bad:
            def __init__(self, x: Any) -> None:
                import math

                self.x = math.pi

        def fn(x: Any) -> Any:
            return Bad(x)

        error = refused(fn, X, at="import math", says=("import",))
        assert any("while compiling" in note for note in error.__notes__)

    def test_module_basic(self) -> None:
        class Other:
            def __init__(self, x: Any) -> None:
                self.x = x
                self.param = jnp.ones((2, 2))

            def unscriptable(self) -> Any:
                yield 1

            def __call__(self, t: Any) -> Any:
                return t + self.x + self.param

        works(Calls(Other(200)), jnp.ones((2, 2)))

    def test_module_function_export(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.param = f32(3)

            @jaxgrad.export
            def entry(self, y: Any) -> Any:
                return y + self.param if y > 0 else y

            def forward(self, t: Any) -> Any:
                return t + self.param

        scripted = works(Mod(), X)
        assert scripted.entry(f32(1)) == 4
        assert scripted.entry(f32(-1)) == -1
        assert isinstance(scripted.entry, jaxgrad.ScriptMethod)

    def test_iterable_modules(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.values = [Plus(), Linear(), (Plus(1), Plus(2))]

            def forward(self, x: Any) -> Any:
                for value in self.values[:2]:
                    x = x + value(x)
                for value in self.values[2]:
                    x = value(x)
                return x

        works(Mod(), X)

    def test_prepare_scriptable_cycle(self) -> None:
        class Node:
            def forward(self, x: Any) -> Any:
                return x + self.other.w

        one, other = Node(), Node()
        one.other, other.other = other, one
        one.w = other.w = f32(3)
        works(one, X)

    def test_attributes(self) -> None:
        class Inner:
            def __init__(self) -> None:
                self.b = "a string"

        class Mod:
            def __init__(self) -> None:
                self.dict = {"I": "am", "a test": "test"}
                self.number = 2.3
                self.flag = False
                self.tuple = (1, 2, 3)
                self.list = [(1, 2), (3, 4)]
                self.arrays = [f32(1), f32([2])]
                self.empty: list[int] = []
                self.none = None
                self.object = Inner()

            def forward(self, x: Any) -> Any:
                x = x + self.arrays[0] + self.arrays[1]
                one = (self.dict, self.number, self.flag, self.tuple, self.list)
                return x, one, self.empty, self.none, self.object.b

        works(Mod(), X)

    def test_function_attribute_in_submodule(self) -> None:
        class Inner:
            def __init__(self, norm: Any) -> None:
                self.activation = jax.nn.relu
                self.norm = norm

            def __call__(self, x: Any) -> Any:
                return self.norm(x)

        works(Calls(Inner(jax.nn.relu)), X)

    def test_inner_traced_module(self) -> None:
        traced = jaxgrad.trace(lambda x: x * 3, X)
        works(Calls(traced), X)

    def test_script_loaded_module(self, tmp_path: Path) -> None:
        jaxgrad.script(lambda x: x * 3).save(tmp_path / "program.zip", (X,))
        works(Calls(jaxgrad.load(tmp_path / "program.zip")), X)

    def test_optional_module(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.foo: Any = Linear()

            def forward(self, x: Any) -> Any:
                if self.foo is not None:
                    return self.foo(x)
                return x

        module = Mod()
        works(module, X)
        module.foo = None
        works(module, X)

    def test_override_instance_method_ignore(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.w = X

            @jaxgrad.ignore
            def ignored(self) -> str:
                return "old"

            def forward(self, x: Any) -> Any:
                return x + self.w

        module = Mod()

        @jaxgrad.ignore
        def ignored(self: Any) -> str:
            return "new"

        module.ignored = types.MethodType(ignored, module)
        assert works(module, X).ignored() == "new"

    def test_ignore_class(self) -> None:
        """What an ignored class makes can't enter a compiled program."""

        @jaxgrad.ignore
        class Ignored:
            def unscriptable(self) -> Any:
                return "a" + 200

        def fn(x: Any) -> Any:
            return Ignored(), x

        with pytest.raises(ScriptError, match="Ignored"):
            jaxgrad.script(fn)(X)
