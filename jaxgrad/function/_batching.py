"""The `vmap` staticmethod: the rule by which a class batches its own forward.

Without one, JAX batches forward and backward. With one, the detached forward is a
`jax.custom_batching.custom_vmap`, whose rule calls the staticmethod. `setup_context`
stays outside: it sees the values of one example, and backward is batched by JAX.

- `VmapInfo`: what the staticmethod is told.
- `under_rule`: forward, batched by the rule of its class.
- `guard`: the arguments of a forward that the rule can't be used with.
"""

import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgrad.errors import VmapError
from jaxgrad.function._opaque import Template
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._spec import ARRAY, Methods, Spec
from jaxgrad.function._trees import flatten, is_array, short_dtype, short_type

_NONE = object()  # an out_dim None, as a leaf


class VmapInfo(NamedTuple):
    """What a `vmap` staticmethod is told about the axis that it batches over.

    Attributes:
        batch_size: the length of the axis.
        randomness: always "error". JAX's random functions take keys, so that examples
            differ exactly where their keys do.
    """

    batch_size: int
    randomness: str


def under_rule(spec: Spec, inputs: Sequence[Any]) -> Any:
    """Call forward, so that the class's `vmap` answers wherever JAX batches it.

    Args:
        spec: the static side of the call.
        inputs: its arrays, detached: JAX can't differentiate the call.

    Returns:
        What forward returned.
    """
    noted: list[Outputs] = []

    def one(*inputs: Any) -> list[Any]:
        method = spec.methods(inputs).forward
        outputs = Outputs.of(spec.call(method, values=spec.values(inputs))).converted()
        types = [jax.typeof(array) for array in outputs.arrays]
        noted.append(outputs.with_arrays(types))
        return list(outputs.arrays)

    def many(size: int, batched: Sequence[bool], *inputs: Any) -> Any:
        return _call_rule(spec, noted[-1], VmapInfo(size, "error"), batched, inputs)

    one.__name__ = one.__qualname__ = many.__name__ = many.__qualname__ = spec.owner
    function = jax.custom_batching.custom_vmap(one)
    function.def_vmap(many)
    arrays = function(*inputs)
    return noted[-1].fill(arrays)


def guard(spec: Spec, inputs: Sequence[Any]) -> list[Any]:
    """`inputs` that can't be batched, as the class's rule doesn't fit its forward.

    What a forward with `ctx` saves belongs to one example, and the rule makes outputs
    only.

    Returns:
        As many arrays.

    Raises:
        VmapError: JAX batches one of them; now or later.
    """

    def one(*inputs: Any) -> list[Any]:
        return list(inputs)

    def many(size: int, batched: Sequence[bool], *inputs: Any) -> Any:
        raise VmapError(
            f"{spec.owner} is batched, and its `vmap` staticmethod can't be used: "
            "forward takes `ctx`.\n"
            "  Expected forward(*args) and setup_context(ctx, inputs, output) beside "
            "vmap(info, in_dims, *args); got forward(ctx, *args).\n"
            "  Move what forward does with ctx to setup_context; or remove `vmap`, and "
            "JAX batches forward and backward."
        )

    function = jax.custom_batching.custom_vmap(one)
    function.def_vmap(many)
    return function(*inputs)


def _call_rule(
    spec: Spec,
    one: Outputs,
    info: VmapInfo,
    batched: Sequence[bool],
    inputs: Sequence[Any],
) -> tuple[list[Any], list[bool]]:
    """The user's rule, checked.

    Args:
        spec: the static side of the call.
        one: what forward returns for one example, with types in the place of arrays.
        info: about the batch.
        batched: which of the inputs have a leading batch axis.
        inputs: the arrays.

    Returns:
        The output arrays, and which of them have a leading batch axis.

    Raises:
        VmapError: the rule can't be asked, or its answer doesn't fit forward's.
    """
    _refuse_captured(spec, batched)
    method = spec.methods(inputs).vmap
    assert method is not None
    rest = iter(batched)
    leaves = [0 if leaf is ARRAY and next(rest) else None for leaf in spec.leaves]
    in_dims = tuple(jax.tree.unflatten(spec.treedef, leaves))
    args, named = _arguments(spec, method, spec.values(inputs))
    output, out_dims = _two(spec.owner, method(info, in_dims, *args, **named))
    flatten(output, VmapError, f"What {spec.owner}.vmap returned seems to")
    many = Outputs.of(output).converted()
    if many.static != one.static:
        raise VmapError(
            f"{spec.owner}.vmap returned another structure than {spec.owner}.forward.\n"
            f"  Expected {_structure(one)}; got {_structure(many)}.\n"
            "  Return for the whole batch what forward returns for one example."
        )
    dims = many.pick(_flat_dims(spec.owner, out_dims, output))
    triples = zip(many.arrays, dims, one.arrays, strict=True)
    arrays = [
        _to_front(spec.owner, f"output {i}", array, dim, aval, info.batch_size)
        for i, (array, dim, aval) in enumerate(triples)
    ]
    return arrays, [dim is not None for dim in dims]


def _refuse_captured(spec: Spec, batched: Sequence[bool]) -> None:
    """Raise if forward or the rule closes over a value that is batched."""
    captured = spec.captured
    if captured is None or not any(batched[spec.count :]):
        return
    methods = Methods(*spec.templates)
    used: set[int] = set()
    recorder: Any = _Used(used)
    for value in (methods.forward, methods.vmap, *spec.leaves):
        if isinstance(value, Template):
            value.build(recorder)
    hidden = enumerate(batched[spec.count :])
    names = [captured.names[i] for i, is_batched in hidden if is_batched and i in used]
    if names:
        listed = ", ".join(map(repr, dict.fromkeys(names)))
        raise VmapError(
            f"{spec.owner} closes over {listed}, which is batched.\n"
            "  Expected every batched value among the arguments of apply, where the "
            "`vmap` staticmethod finds it; got one that it is not told of.\n"
            f"  Pass it as an argument, e.g. {spec.owner}.apply(x, {names[0]}); or "
            "remove `vmap`, and JAX batches forward."
        )


class _Used:
    """Stands for the hidden operands and notes which of them are asked for."""

    def __init__(self, used: set[int]) -> None:
        self.used = used

    def __getitem__(self, position: int) -> None:
        self.used.add(position)


def _arguments(
    spec: Spec, method: Callable[..., Any], values: Sequence[Any]
) -> tuple[list[Any], dict[str, Any]]:
    """How the rule takes forward's arguments.

    In signature order; those that forward takes by keyword go by keyword to a rule that
    has parameters of their names.

    Returns:
        The positional arguments, and those by keyword.
    """
    if not spec.keywords:
        return list(values), {}
    parameters = inspect.signature(method).parameters.values()
    by_name = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    every = any(p.kind is p.VAR_KEYWORD for p in parameters)
    cut = len(values) - len(spec.keywords)
    args, named = list(values[:cut]), {}
    for name, value in zip(spec.keywords, values[cut:], strict=True):
        if every or name in by_name:
            named[name] = value
        else:
            args.append(value)
    return args, named


def _two(owner: str, returned: Any) -> tuple[Any, Any]:
    if isinstance(returned, tuple) and len(returned) == 2:
        return returned
    got = f"a {type(returned).__name__}"
    if is_array(returned):
        got = f"one array, {short_type(returned)}"
    elif isinstance(returned, tuple):
        got = f"a tuple of {len(returned)}"
    raise VmapError(
        f"{owner}.vmap must return two things: the output, and its out_dims.\n"
        f"  Expected a tuple (output, out_dims); got {got}.\n"
        "  Return the batched output, and for each array in it the dimension that "
        "holds the batch, or None: `return output, 0`."
    )


def _flat_dims(owner: str, out_dims: Any, output: Any) -> list[int | None]:
    """One dimension for each leaf of `output`, from a prefix of its structure."""

    def checked(dim: Any) -> Any:
        try:
            return _NONE if dim is None else _integer(dim)
        except TypeError:
            raise VmapError(
                f"{owner}.vmap returned an out_dims that holds {short_type(dim)}.\n"
                "  Expected the dimension of each output that holds the batch, an int, "
                f"or None; got {short_type(dim)}.\n"
                "  Return None for an output that all examples share."
            ) from None

    dims = jax.tree.map(checked, out_dims, is_leaf=lambda dim: dim is None)
    try:
        leaves = jax.tree.leaves(jax.tree.broadcast(dims, output))
    except ValueError as error:
        raise VmapError(
            f"{owner}.vmap returned an out_dims that doesn't fit its output.\n"
            f"  Expected the structure of the output, {jax.tree.structure(output)}, or "
            f"a prefix of it; got {out_dims!r}.\n"
            "  Return one int or None for all outputs, or one for each of them."
        ) from error
    return [None if dim is _NONE else dim for dim in leaves]


def _integer(dim: Any) -> int:
    if isinstance(dim, bool):
        raise TypeError("a bool is no dimension")
    return operator.index(dim)


def _to_front(
    owner: str, name: str, array: Any, dim: int | None, aval: Any, size: int
) -> Any:
    """A batched output with its batch axis in front; a shared one as it is.

    Returns:
        The array.

    Raises:
        VmapError: `dim` is out of range, or what is left without it is not `aval`.
    """
    rank = len(array.shape)
    if dim is not None and not -rank <= dim < rank:
        raise VmapError(
            f"{owner}.vmap returned {name} with the batch at dimension {dim}, which it "
            "doesn't have.\n"
            f"  Expected a dimension from {-rank} to {rank - 1} of "
            f"{short_type(array)}; got {dim}.\n"
            "  Return None as the out_dim of an output that all examples share."
            if rank
            else f"{owner}.vmap returned {name} as a scalar, with the batch at "
            f"dimension {dim}.\n"
            f"  Expected {size} examples of {short_type(aval)}; got "
            f"{short_type(array)}.\n"
            "  Return None as the out_dim of an output that all examples share."
        )
    want = list(aval.shape)
    if dim is not None:
        want.insert(dim % rank, size)
    if tuple(want) != array.shape or array.dtype != aval.dtype:
        kind = short_dtype(aval.dtype) + "[" + ",".join(map(str, want)) + "]"
        batch = "shared by all examples, out_dim None"
        if dim is not None:
            batch = f"with the batch of {size} at dimension {dim}"
        raise VmapError(
            f"{owner}.vmap returned {name} that doesn't fit what {owner}.forward "
            f"returns for one example, {short_type(aval)}.\n"
            f"  Expected {kind}, {batch}; got {short_type(array)}.\n"
            "  Return one result for each example, of forward's dtype, and its "
            "out_dims."
        )
    return array if not dim else jnp.moveaxis(array, dim, 0)


def _structure(outputs: Outputs) -> str:
    """The structure of a result, arrays by their types: `(f32[3], 'name')`."""
    marks = [_Shown(short_type(array)) for array in outputs.arrays]
    return repr(outputs.fill(marks))


class _Shown:
    """A leaf that is shown as some text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text
