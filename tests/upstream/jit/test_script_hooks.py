"""Hooks, each test under its name in torch's TestHooks."""

from typing import Any

import jax
import pytest

import jaxgrad
from tests.upstream.scripted import compare, f32

X = f32([1, 2])


class Inner:
    def __init__(self, name: str = "inner") -> None:
        self.name = name
        self.w = f32(3)

    def forward(self, x: Any) -> Any:
        return x * self.w

    def __call__(self, x: Any) -> Any:
        return self.forward(x)


class Outer:
    def __init__(self) -> None:
        self.name = "outer"
        self.submodule = Inner()

    def forward(self, x: Any) -> Any:
        return self.submodule(x + 1)


class Direct(Outer):
    def forward(self, x: Any) -> Any:
        return self.submodule.forward(x + 1)


class Several:
    def __init__(self) -> None:
        self.w = f32(2)

    def forward(self, values: Any, x: Any) -> Any:
        return [*values, "forward"], x * self.w


class Nothing:
    def __init__(self) -> None:
        self.w = f32(2)

    def forward(self) -> Any:
        return self.w


def first(module: Any, args: Any) -> Any:
    (x,) = args
    return (x + 10,)


def bare(module: Any, args: Any) -> Any:
    return args[0] * 2


def nothing_before(module: Any, args: Any) -> None:
    return None


def after(module: Any, args: Any, output: Any) -> Any:
    return output - args[0]


def nothing_after(module: Any, args: Any, output: Any) -> None:
    return None


def outer() -> Any:
    return jaxgrad.script(Outer())


class TestHooks:
    """A pre-hook gives new arguments, a hook a new result; None keeps them."""

    def test_module_no_forward_input(self) -> None:
        def before(module: Any, args: Any) -> Any:
            assert args == ()
            return args

        def last(module: Any, args: Any, output: Any) -> Any:
            return output + 1

        scripted = jaxgrad.script(Nothing())
        scripted.register_forward_pre_hook(before)
        scripted.register_forward_hook(last)
        compare(scripted(), f32(3))

    def test_submodule_no_forward_input(self) -> None:
        class Mod:
            def __init__(self) -> None:
                self.submodule = Nothing()

            def forward(self) -> Any:
                return self.submodule.forward() * 2

        compare(jaxgrad.script(Mod())(), f32(4))

    def test_module_forward_multiple_inputs(self) -> None:
        def before(module: Any, args: Any) -> Any:
            values, x = args
            return [*values, "before"], x + 1

        def last(module: Any, args: Any, output: Any) -> Any:
            values, x = output
            return [*values, "after"], x + args[1]

        scripted = jaxgrad.script(Several())
        scripted.register_forward_pre_hook(before)
        scripted.register_forward_hook(last)
        want = ["a", "before", "forward", "after"], (X + 1) * 2 + X + 1
        compare(scripted(["a"], X), want)

    def test_module_multiple_hooks_multiple_inputs(self) -> None:
        def one(module: Any, args: Any) -> Any:
            return [*args[0], "one"], args[1]

        def two(module: Any, args: Any) -> Any:
            return [*args[0], "two"], args[1]

        scripted = jaxgrad.script(Several())
        scripted.register_forward_pre_hook(one)
        scripted.register_forward_pre_hook(two)
        assert scripted([], X)[0] == ["one", "two", "forward"]

    def test_module_forward_single_input(self) -> None:
        scripted = outer()
        scripted.register_forward_pre_hook(first)
        scripted.register_forward_hook(after)
        compare(scripted(X), (X + 11) * 3 - (X + 10))

    def test_module_same_hook_repeated(self) -> None:
        scripted = outer()
        for _ in range(2):
            scripted.register_forward_pre_hook(first)
            scripted.register_forward_hook(after)
        compare(scripted(X), (X + 21) * 3 - 2 * (X + 20))

    def test_module_hook_return_nothing(self) -> None:
        scripted = outer()
        scripted.register_forward_pre_hook(nothing_before)
        scripted.register_forward_hook(nothing_after)
        compare(scripted(X), (X + 1) * 3)

    def test_module_multiple_hooks_single_input(self) -> None:
        scripted = outer()
        scripted.register_forward_pre_hook(first)
        scripted.register_forward_pre_hook(bare)
        compare(scripted(X), ((X + 10) * 2 + 1) * 3)

    def test_submodule_forward_multiple_inputs(self) -> None:
        def before(module: Any, args: Any) -> Any:
            return args[0] + 1, args[1] * 2

        class Pair:
            def __call__(self, x: Any, y: Any) -> Any:
                return x * y

        class Mod:
            def __init__(self) -> None:
                self.submodule = jaxgrad.script(Pair())
                self.submodule.register_forward_pre_hook(before)

            def forward(self, x: Any) -> Any:
                return self.submodule(x, x)

        compare(jaxgrad.script(Mod())(X), (X + 1) * (X * 2))

    def test_submodule_multiple_hooks_multiple_inputs(self) -> None:
        module = Outer()
        inner = jaxgrad.script(module.submodule)
        inner.register_forward_pre_hook(first)
        inner.register_forward_pre_hook(bare)
        inner.register_forward_hook(after)
        module.submodule = inner
        inside = (X + 11) * 2
        compare(jaxgrad.script(module)(X), inside * 3 - inside)

    def test_submodule_forward_single_input(self) -> None:
        scripted = outer()
        scripted.submodule.register_forward_pre_hook(first)
        scripted.submodule.register_forward_hook(after)
        compare(scripted(X), (X + 11) * 3 - (X + 11))

    def test_submodule_called_directly_with_hooks(self) -> None:
        scripted = outer()
        scripted.submodule.register_forward_hook(after)
        compare(scripted.submodule(X), X * 3 - X)

    def test_submodule_same_hook_repeated(self) -> None:
        scripted = outer()
        for _ in range(2):
            scripted.submodule.register_forward_pre_hook(first)
        compare(scripted(X), (X + 21) * 3)

    def test_submodule_hook_return_nothing(self) -> None:
        scripted = outer()
        scripted.submodule.register_forward_pre_hook(nothing_before)
        scripted.submodule.register_forward_hook(nothing_after)
        compare(scripted(X), (X + 1) * 3)

    def test_submodule_multiple_hooks_single_input(self) -> None:
        scripted = outer()
        scripted.submodule.register_forward_pre_hook(bare)
        scripted.submodule.register_forward_pre_hook(first)
        compare(scripted(X), ((X + 1) * 2 + 10) * 3)

    def test_forward_tuple_input(self) -> None:
        class Mod:
            def forward(self, pair: Any) -> Any:
                return pair[0] * 10 + pair[1]

        def swaps(module: Any, args: Any) -> Any:
            ((one, two),) = args
            return ((two, one),)

        scripted = jaxgrad.script(Mod())
        scripted.register_forward_pre_hook(swaps)
        compare(scripted((X, 1)), 10 + X)

    def test_submodule_forward_single_input_return_not_tupled(self) -> None:
        scripted = outer()
        scripted.submodule.register_forward_pre_hook(bare)
        compare(scripted(X), (X + 1) * 2 * 3)

    def test_hook_method_name_collision(self) -> None:
        """A hook is no method, so that its name collides with none."""

        def forward(module: Any, args: Any) -> Any:
            return (args[0] + 10,)

        scripted = outer()
        scripted.register_forward_pre_hook(forward)
        compare(scripted(X), (X + 11) * 3)
        compare(scripted.forward(X), (X + 1) * 3)

    def test_hook_hook_name_collision(self) -> None:
        def made(n: Any) -> Any:
            def hook(module: Any, args: Any) -> Any:
                return (args[0] * n,)

            return hook

        scripted = outer()
        scripted.register_forward_pre_hook(made(2))
        scripted.register_forward_pre_hook(made(5))
        compare(scripted(X), (X * 10 + 1) * 3)

    def test_module_direct_forward_invocation(self) -> None:
        scripted = outer()
        scripted.register_forward_pre_hook(first)
        scripted.register_forward_hook(after)
        compare(scripted.forward(X), (X + 1) * 3)
        compare(scripted(X), (X + 11) * 3 - (X + 10))

    def test_submodule_direct_forward_invocation(self) -> None:
        scripted = jaxgrad.script(Direct())
        scripted.submodule.register_forward_pre_hook(first)
        compare(scripted(X), (X + 1) * 3)

    def test_wrong_pre_hook_signatures(self) -> None:
        def too_few(module: Any) -> Any:
            return None

        scripted = outer()
        scripted.register_forward_pre_hook(too_few)
        with pytest.raises(TypeError, match="too_few"):
            scripted(X)

        def too_many(module: Any, args: Any) -> Any:
            return (args[0], args[0])

        scripted = outer()
        scripted.register_forward_pre_hook(too_many)
        with pytest.raises(TypeError, match="forward"):
            scripted(X)

    def test_wrong_hook_signatures(self) -> None:
        def too_few(module: Any, args: Any) -> Any:
            return None

        scripted = outer()
        scripted.register_forward_hook(too_few)
        with pytest.raises(TypeError, match="too_few"):
            scripted(X)

    def test_hook_compilation_hint(self) -> None:
        """A hook is compiled as all else, and may be removed again."""

        def branches(module: Any, args: Any) -> Any:
            if args[0][0] > 0:
                return (args[0] * 2,)
            return args

        scripted = outer()
        handle = scripted.register_forward_pre_hook(branches)
        compare(scripted(X), (X * 2 + 1) * 3)
        compare(scripted(-X), (-X + 1) * 3)
        compare(jax.jit(scripted)(X), (X * 2 + 1) * 3)
        handle.remove()
        compare(scripted(X), (X + 1) * 3)
