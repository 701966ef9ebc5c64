"""Strings and slices, each test under its name in torch."""

# ruff: noqa: UP031 (the programs say what they test)

from typing import Any

import jax.numpy as jnp

import jaxgrad
from tests.upstream.scripted import agrees, compare, f32, i32, refused

TEN = list(range(10))


class Named:
    def __init__(self, name: str) -> None:
        self.name = name


class TestSlice:
    def test_slice_kwarg(self) -> None:
        def fn(x: Any) -> Any:
            return x[slice(1, stop=2)]

        agrees(fn, (TEN,))

    def test_slice_three_nones(self) -> None:
        agrees(lambda x: x[slice(None, None, None)], (TEN,))

    def test_slice_two_nones(self) -> None:
        agrees(lambda x: x[slice(None, None)], (TEN,))

    def test_slice_one_none(self) -> None:
        agrees(lambda x: x[slice(None)], (TEN,))

    def test_slice_stop_only(self) -> None:
        agrees(lambda x: x[slice(5)], (TEN,))

    def test_slice_stop_only_with_nones(self) -> None:
        agrees(lambda x: x[slice(None, 5, None)], (TEN,))

    def test_slice_start_stop(self) -> None:
        agrees(lambda x: x[slice(1, 5)], (TEN,), (jnp.arange(10),))

    def test_slice_start_stop_with_none(self) -> None:
        agrees(lambda x: x[slice(1, 5, None)], (TEN,))

    def test_slice_start_stop_step(self) -> None:
        agrees(lambda x: x[slice(0, 6, 2)], (TEN,), (jnp.arange(10),))

    def test_slice_string(self) -> None:
        agrees(lambda x: x[slice(None, 3, 1)], ("foo_bar",))

    def test_slice_tensor(self) -> None:
        agrees(lambda x: x[slice(None, 3, 1)], (jnp.arange(10),))

    def test_slice_tensor_multidim(self) -> None:
        agrees(lambda x: x[slice(None, 3, 1), 0], (jnp.eye(5),))

    def test_slice_tensor_multidim_with_dots(self) -> None:
        agrees(lambda x: x[slice(None, 3, 1), ...], (jnp.eye(5),))

    def test_slice_as_variable(self) -> None:
        def fn(x: Any) -> Any:
            a = slice(1)
            return x[a]

        agrees(fn, (TEN,), (jnp.arange(10),))

    def test_slice_stop_clipped(self) -> None:
        agrees(lambda x: x[slice(1000)], (TEN,), (jnp.arange(10),))

    def test_slice_dynamic_index(self) -> None:
        def fn(x: Any) -> Any:
            zero = 0
            one = zero + 1
            return x[0:1] + x[zero:one]

        agrees(fn, (jnp.eye(3),))
        # A length must be known while the program is compiled.
        says = ("'n'", "Python int")
        refused(lambda x, n: x[0:n], jnp.eye(3), i32(2), at="x[0:n]", says=says)

    def test_tuple_slicing(self) -> None:
        def fn(a: Any) -> Any:
            b = (1, 2, 3, 4) if bool(a) else (4, 3, 2, 1)
            c = b[-4:4]
            return c[1:-1]

        agrees(fn, (i32([1]),), (i32(0),), (True,))

    def test_module_list_slicing(self) -> None:
        def fn(values: Any) -> Any:
            return [v.name for v in values[::-2]], [v.name for v in values[1:4:]]

        agrees(fn, ([Named(name) for name in "ABCDE"],))


def percent(template: Any, *values: Any) -> None:
    """Assert that script formats as Python does, errors included."""

    def fn(template: Any, value: Any) -> Any:
        return template % value

    agrees(fn, *[(template, value) for value in values])


class TestStringFormatting:
    def test_modulo_operator(self) -> None:
        agrees(lambda a, b: a % b, (5, 2), (i32(-5), 2))

    def test_string_interpolation_with_string_placeholder_and_string_variable(
        self,
    ) -> None:
        percent("%s in template", "foo")

    def test_string_interpolation_with_string_placeholder_and_format_string_variable(
        self,
    ) -> None:
        agrees(lambda a: a % "foo", ("%s in template",))

    def test_string_interpolation_with_double_percent_in_string(self) -> None:
        percent("%s in template %%", "foo")

    def test_string_interpolation_with_percent_in_string(self) -> None:
        percent("%s in template %", "foo")

    def test_string_interpolation_with_string_placeholder_and_digit_variable(
        self,
    ) -> None:
        percent("%s in template", 1)

    def test_string_interpolation_with_digit_placeholder_and_digit_variable(
        self,
    ) -> None:
        percent("%d in template", 1)

    def test_string_interpolation_with_alternate_digit_placeholder(self) -> None:
        percent("%i in template", 1)

    def test_string_interpolation_with_digit_placeholder_and_string_variable(
        self,
    ) -> None:
        percent("%d in template", "1")

    def test_string_interpolation_with_exponent_placeholder_and_string_variable(
        self,
    ) -> None:
        percent("%e in template", "1")

    def test_string_interpolation_with_lowercase_exponent_placeholder_and_digit_variable(  # noqa: E501
        self,
    ) -> None:
        percent("%e in template", 1)

    def test_string_interpolation_with_capital_exponent_placeholder_and_digit_variable(
        self,
    ) -> None:
        percent("%E in template", 1)

    def test_string_interpolation_with_float_placeholder_and_float_variable(
        self,
    ) -> None:
        percent("%f in template", 1.0)

    def test_string_interpolation_with_float_placeholder_and_digit_variable(
        self,
    ) -> None:
        percent("%f in template", 1)

    def test_string_interpolation_with_char_placeholder_and_char_variable(
        self,
    ) -> None:
        percent("%c in template", "a")

    def test_string_interpolation_with_char_placeholder_and_digit_variable(
        self,
    ) -> None:
        percent("%c in template", 97)

    def test_string_interpolation_with_char_placeholder_and_true_string_variable(
        self,
    ) -> None:
        percent("%c in template", "foo")

    def test_string_interpolation_with_multiple_placeholders(self) -> None:
        percent("%s %d %f in template", ("foo", 1, 1))

    def test_string_interpolation_with_subscript(self) -> None:
        agrees(lambda a: "%s in template" % a[0], (["foo", "bar"],))

    def test_string_interpolation_with_too_few_arguments(self) -> None:
        percent("%s %s in template", "foo")

    def test_string_interpolation_with_too_many_arguments(self) -> None:
        percent("%s in template", ("foo", "bar"))

    def test_string_interpolation_with_unknown_format_specifier(self) -> None:
        percent("%a and %y in template", "foo")


class TestUnsupportedOps:
    def test_factory_ops_requires_grad_fail(self) -> None:
        def fn() -> Any:
            return jnp.ones([2], requires_grad=True)

        agrees(fn, ())

    def test_init_ops(self) -> None:
        """What torch.nn.init does in place, initializers return."""

        def fn(x: Any) -> Any:
            a = jnp.zeros((2, 2))
            a[0] = x
            return a

        compare(jaxgrad.script(fn)(f32(3)), f32([[3, 3], [0, 0]]))
