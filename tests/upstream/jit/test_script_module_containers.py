"""Containers of modules, and what stands for interfaces, under torch's names."""

from typing import Any

import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.errors import ScriptError
from tests.upstream.jit.script_modules import Calls, Linear, Plus, works
from tests.upstream.scripted import compare, f32, i32

X = f32([1, 2])


class Chain:
    """Modules, one behind another; a list of them in every way but its type."""

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)

    def __iter__(self) -> Any:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, i: Any) -> Any:
        return self.parts[i]

    def __call__(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x


class TestModuleContainers:
    def test_sequential_intermediary_types(self) -> None:
        class Wraps:
            def __call__(self, x: Any) -> Any:
                return {"1": x}

        class Mod:
            def __init__(self) -> None:
                self.foo = Chain(Plus(3), Wraps())

            def forward(self, x: Any) -> Any:
                return self.foo(x)

        works(Mod(), i32(1))

    def test_moduledict(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.parts = {"one": Plus(), "two": Linear(), "three": Plus(i32(3))}

            def forward(self, x: Any, skipped: Any) -> Any:
                names, i = list(self.parts), 0
                for j, (name, part) in enumerate(self.parts.items()):
                    i += j
                    if name != skipped:
                        names.append(name)
                        x = part(x)
                for one, other in zip(
                    self.parts.values(), self.parts.values(), strict=True
                ):
                    x = other(one(x))
                for key in self.parts.keys():  # noqa: SIM118
                    names.append(key)
                return x, names, i

        for skipped in ("", "two"):
            works(Mod(), X, skipped)

    def test_custom_container_forward(self) -> None:
        class Custom(Chain):
            def forward(self, x: Any) -> Any:
                x = x + 3
                for part in self:
                    x = part(x)
                return x - 5

        works(Custom(Linear(), Plus()), X)

        class Named(dict):
            def forward(self, x: Any) -> Any:
                names = []
                for name, part in self.items():
                    x = part(x)
                    names.append(name)
                return names, x - 5

        module = Named(one=Plus(), two=Linear())
        compare(jaxgrad.script(module.forward)(X), module.forward(X))

    def test_script_module_list_sequential(self) -> None:
        class Mod:
            def __init__(self, parts: Any) -> None:
                self.parts = parts

            def forward(self, v: Any) -> Any:
                for part in self.parts:
                    v = part(v)
                return v

        works(Mod(Chain(Linear(), Plus())), X)
        works(Mod([jaxgrad.script(Linear())]), X)

    def test_script_modulelist_index(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.parts = [Plus(i) for i in range(10)]

            def forward(self, x: Any, i: Any) -> Any:
                x = self.parts[4](x)
                x = self.parts[-9](x)
                return self.parts[i](x)

        works(Mod(), X, 3)
        with pytest.raises(IndexError):
            jaxgrad.script(Mod())(X, -11)
        with pytest.raises(ScriptError, match=r"parts|i"):
            jaxgrad.script(Mod())(X, i32(3))

    def test_module_interface_special_methods(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.part = Linear()
                self.chain = Chain(self.part)
                self.named = {"part": self.part}

            def forward(self, x: Any) -> Any:
                assert self.chain[0] is self.part
                assert len(self.chain) == 1
                for part in self.chain:
                    assert part is self.part
                assert self.named["part"] is self.part
                assert "part" in self.named
                assert len(self.named) == 1
                return self.part(x)

        works(Mod(), X)

    def test_special_method_with_override(self) -> None:
        class Odd(Chain):
            def __len__(self) -> int:
                return 2

            def forward(self, x: Any) -> Any:
                return x, len(self)

        works(Odd(Plus()), X)

    def test_moduledict_getitem(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.one, self.two = Plus(), Linear()
                self.named = {"one": self.one, "two": self.two}

            def forward(self, x: Any) -> Any:
                assert self.named["one"] is self.one
                return self.named["two"](x)

        works(Mod(), X)

    def test_moduledict_keyerror(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.named = {"foo": X}

            def forward(self, key: Any) -> Any:
                return self.named[key]

        with pytest.raises(KeyError, match="blah"):
            jaxgrad.script(Mod())("blah")

    def test_normal_list_attribute_with_modules_error(self) -> None:
        """torch refuses a list of modules; it is a list."""

        class Mod:
            def __init__(self) -> None:
                self.a = [Linear(), Plus()]

            def forward(self) -> Any:
                return len(self.a)

        works(Mod())

    def test_empty_dict_override_contains(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.named: dict[str, Any] = {}

            def forward(self, x: Any) -> Any:
                assert "part" not in self.named
                return x

        works(Mod(), X)

    def test_typed_module_dict(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.named = {"one": Plus(1), "two": Plus(2)}

            def forward(self, x: Any, key: str) -> Any:
                part: Plus = self.named[key]
                return part(x)

        works(Mod(), X, "one")
        works(Mod(), X, "two")

    def test_typed_module_list(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.parts = [Plus(1), Plus(2)]

            def forward(self, x: Any, i: int) -> Any:
                part: Plus = self.parts[i]
                return part(x)

        works(Mod(), X, 1)

    def test_module_properties(self) -> None:
        class Mod:
            def __init__(self, a: Any) -> None:
                self.a = a

            @property
            def attr(self) -> Any:
                return self.a

            @attr.setter
            def attr(self, a: Any) -> None:
                if a > 0:
                    self.a = a
                else:
                    self.a = a * 0

            def forward(self, a: Any, b: Any) -> Any:
                self.attr = a + b
                return self.attr

        works(Mod(5), 5, 6)
        works(Mod(f32(5)), f32(5), 6)
        works(Mod(f32(5)), f32(-5), -6)

    def test_parameterlist_script_getitem(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.arrays = [jnp.ones(2) * i for i in range(5)]

            def forward(self, x: Any) -> Any:
                return x + self.arrays[3]

        works(Mod(), X)

    def test_parameterlist_script_iter(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.arrays = [jnp.ones(2) * i for i in range(5)]

            def forward(self, x: Any) -> Any:
                for i, p in enumerate(self.arrays):
                    x = x + p * i
                return x

        scripted = works(Mod(), X)
        assert len(list(scripted.parameters())) == 5

    def test_parameterdict_script_getitem(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.named = {k: f32(i) for i, k in enumerate("abc")}

            def forward(self, x: Any) -> Any:
                return self.named["a"] * x + self.named["b"] * self.named["c"]

        works(Mod(), X)

    def test_parameterlist_script_getitem_bad_idx(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.parts = [Linear(), Plus()]

            def forward(self, x: Any, i: Any) -> Any:
                return self.parts[i](x)

        with pytest.raises(ScriptError):
            jaxgrad.script(Mod())(X, i32(0))


class Orig:
    def one(self, x: Any, y: Any) -> Any:
        return x + y + 1

    def forward(self, x: Any) -> Any:
        return x + self.one(x, x) + 1

    def __call__(self, x: Any) -> Any:
        return self.forward(x)


class New(Orig):
    def one(self, x: Any, y: Any) -> Any:
        return x * y + 1

    def forward(self, x: Any) -> Any:
        return self.one(x, x + 1)


class TestModuleInterface:
    """Whatever has the methods is as good as any other."""

    def test_not_submodule_interface_call(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.part = Orig()

            def forward(self, x: Any) -> Any:
                return self.part.two(x)

        with pytest.raises(AttributeError, match="two"):
            jaxgrad.script(Mod())(X)

    def test_module_interface(self) -> None:
        def fn(parts: Any, x: Any) -> Any:
            return parts[0].forward(x) + parts[1].one(x, x)

        parts = [Orig(), New()]
        compare(jaxgrad.script(fn)(parts, X), fn(parts, X))
        both = [jaxgrad.script(part) for part in parts]
        compare(jaxgrad.script(fn)(both, X), fn(parts, X))

    def test_module_doc_string(self) -> None:
        class Mod(Orig):
            def forward(self, x: Any) -> Any:
                """stuff 1"""
                """stuff 2"""
                pass
                r"""stuff 3"""
                return x + 1

        works(Mod(), X)

    def test_module_swap(self) -> None:
        scripted = jaxgrad.script(Calls(Orig()))
        compare(scripted(X), (3 * X + 2) * 2)
        scripted.fn = jaxgrad.script(New())
        compare(scripted(X), (X * (X + 1) + 1) * 2)
        scripted.fn = Orig()
        compare(scripted(X), (3 * X + 2) * 2)

    def test_module_swap_no_module_interface(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.part = Orig()

            def forward(self, x: Any) -> Any:
                return self.part(x)

        scripted = works(Mod(), X)
        scripted.part = New()
        compare(scripted(X), X * (X + 1) + 1)

    def test_script_module_as_interface_swap(self) -> None:
        scripted = jaxgrad.script(Calls(jaxgrad.script(Orig())))
        compare(scripted(X), (3 * X + 2) * 2)
        scripted.fn = jaxgrad.script(New())
        compare(scripted(X), (X * (X + 1) + 1) * 2)

    def test_module_apis_interface(self) -> None:
        scripted = jaxgrad.script(Calls(Linear()))
        names = [type(m).__name__ for m in scripted.modules()]
        assert len(names) == 2
        assert [name for name, _ in scripted.named_children()] == ["fn"]
