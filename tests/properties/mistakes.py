"""Random mistakes in the backward of a random Function, and what has to be said.

- `mistakes`: strategy of a case, a mistake in its backward, and where it is made.
- `refused`: makes the mistake, and asserts the exact error and what its message names.

The backward computes its right gradients first; then one of them is spoiled.
"""

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import errors
from tests.properties import functions
from tests.properties.checks import Pair, x64
from tests.properties.strategies import DTYPES, Case, Draw, cases

NAMES = ("Gate", "Swish", "Quantize", "TopK")
SPOILED_SHAPES = ((5,), (2, 5), (1, 1), (2, 3, 1), (), (1,))


class Mistake(NamedTuple):
    """A mistake of one kind, and where it is made.

    Attributes:
        kind: the name of one of the functions below.
        case: the class and the call.
        name: of the class.
        target: the number of the leaf, or the name of the argument, that is spoiled.
        choice: which of several ways to spoil it.
        way: how backward is reached; a key of `WAYS`.
    """

    kind: str
    case: Case
    name: str
    target: Any
    choice: Any
    way: str


# --- how backward is reached ----------------------------------------------------------


def _gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    def gradient(*xs: Any) -> Any:
        outputs, back = jax.vjp(f, *xs)
        return back([jnp.ones_like(y) for y in outputs])

    return gradient


def _tangent(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: jax.jvp(f, xs, xs)[1]


WAYS: dict[str, Callable[..., Any]] = {
    "eager": lambda f, at: _gradient(f)(*at),
    "traced": lambda f, at: jax.make_jaxpr(_gradient(f))(*at),
    "jitted": lambda f, at: jax.eval_shape(_gradient(jax.jit(f)), *at),
    "batched": lambda f, at: jax.eval_shape(
        jax.vmap(_gradient(f)), *[jnp.stack([x, x]) for x in at]
    ),
    "again": lambda f, at: jax.eval_shape(_gradient(_gradient(f)), *at),
    "checkpoint": lambda f, at: jax.eval_shape(_gradient(jax.checkpoint(f)), *at),
    "forward": lambda f, at: jax.eval_shape(_tangent(f), *at),
}
REVERSE = ("eager", "traced", "jitted", "batched", "again", "checkpoint")


# --- where a leaf is ------------------------------------------------------------------


def _find(plan: functions.Plan, number: int) -> tuple[int, Any, str]:
    """The slot of a leaf, the path inside the slot, and both as the user writes it."""
    for name, template in plan.arrays.items():
        for path, i in jax.tree_util.tree_flatten_with_path(template)[0]:
            if i == number and isinstance(i, int):
                text = name + jax.tree_util.keystr(path)
                position = functions.slot_names(plan).index(name)
                if plan.signature == "star" and name == "b":
                    return position + path[0].idx, path[1:], text
                return position, path, text
    raise AssertionError(number)


def _replace(tree: Any, path: Any, new: Callable[[Any], Any]) -> Any:
    """`tree`, in which the part at `path` is what `new` makes of it."""
    if not path:
        return new(tree)
    key = getattr(path[0], "key", getattr(path[0], "idx", getattr(path[0], "name", 0)))
    if isinstance(tree, dict):
        return {**tree, key: _replace(tree[key], path[1:], new)}
    if hasattr(tree, "_fields"):
        return tree._replace(**{key: _replace(getattr(tree, key), path[1:], new)})
    parts = list(tree)
    parts[key] = _replace(parts[key], path[1:], new)
    return type(tree)(parts)


def _spoil(mistake: Mistake, gradients: list[Any], new: Callable[[Any], Any]) -> None:
    """Replace the gradient of the leaf `mistake.target`."""
    plan = mistake.case.plan
    slot, path, _ = _find(plan, mistake.target)
    template = functions.slots(plan)[slot]
    leaf = mistake.case.leaves[mistake.target]

    def zeros(i: Any) -> Any:
        if not isinstance(i, int):
            return None
        like = mistake.case.leaves[i]
        return jnp.zeros(like.shape, like.dtype) if like.floats else None

    if gradients[slot] is None or not jax.tree.leaves(gradients[slot]):
        gradients[slot] = jax.tree.map(zeros, template)
    good = lambda g: jnp.zeros(leaf.shape, leaf.dtype) if g is None else g  # noqa: E731
    gradients[slot] = _replace(gradients[slot], path, lambda g: new(good(g)))


# --- kinds ----------------------------------------------------------------------------

Spoiler = Callable[[Mistake, list[Any]], Any]


def _few(mistake: Mistake, gradients: list[Any]) -> Any:
    return tuple(gradients[: mistake.choice % mistake.target])


def _many(mistake: Mistake, gradients: list[Any]) -> Any:
    return (*gradients, *[jnp.ones(())] * (1 + mistake.choice % 2))


def _shape(mistake: Mistake, gradients: list[Any]) -> Any:
    _spoil(mistake, gradients, lambda g: jnp.ones(mistake.choice, g.dtype))
    return tuple(gradients)


def _complex(mistake: Mistake, gradients: list[Any]) -> Any:
    _spoil(mistake, gradients, lambda g: g * jnp.complex64(1j))
    return tuple(gradients)


def _no_array(mistake: Mistake, gradients: list[Any]) -> Any:
    things = ("a gradient", object(), np.array(["text"]), slice(3))
    _spoil(mistake, gradients, lambda g: things[mistake.choice % len(things)])
    return tuple(gradients)


def _structure(mistake: Mistake, gradients: list[Any]) -> Any:
    slot = mistake.target
    part = gradients[slot]
    wrong = [[part], jnp.ones(()), {"else": jnp.ones(())}, (part, part, part, part)]
    gradients[slot] = wrong[mistake.choice % len(wrong)]
    return tuple(gradients)


def _static(mistake: Mistake, gradients: list[Any]) -> Any:
    names = functions.slot_names(mistake.case.plan)
    values = [jnp.ones(()), 1.0, np.ones(2), {"part": jnp.ones(())}]
    gradients[names.index(mistake.target)] = values[mistake.choice % len(values)]
    return tuple(gradients)


def _non_linear(mistake: Mistake, gradients: list[Any]) -> Any:
    ways: list[Callable[[Any], Any]] = [
        lambda g: g + jnp.ones_like(g),
        lambda g: jnp.ones_like(g),
        lambda g: jnp.cos(g),
        lambda g: jnp.exp(g) + g,
    ]
    _spoil(mistake, gradients, ways[mistake.choice % len(ways)])
    return tuple(gradients)


def _nan(mistake: Mistake, gradients: list[Any]) -> Any:
    bad = jnp.nan if mistake.choice % 2 else jnp.inf
    _spoil(mistake, gradients, lambda g: g * bad)
    return tuple(gradients)


KINDS: dict[str, tuple[Spoiler, type[Exception]]] = {
    "few": (_few, errors.GradientCountError),
    "many": (_many, errors.GradientCountError),
    "shape": (_shape, errors.GradientShapeError),
    "complex": (_complex, errors.GradientTypeError),
    "no array": (_no_array, errors.GradientTypeError),
    "structure": (_structure, errors.GradientStructureError),
    "static": (_static, errors.GradientTypeError),
    "non-linear": (_non_linear, errors.NonLinearBackwardError),
    "NaN": (_nan, errors.AnomalyError),
}


def _broadcasts(shape: tuple[int, ...], larger: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, larger) == larger
    except ValueError:
        return False


def _targets(kind: str, case: Case) -> list[Any]:
    """Where a mistake of this kind can be made in this class."""
    plan = case.plan
    match kind:
        case "few":
            # What is left to its default, at the end, needs no entry.
            return [_given(plan)]
        case "many":
            return [0]
        case "structure":
            slots = functions.slots(plan)
            wanted = {_find(plan, i)[0] for i in case.wrt}
            return [n for n in wanted if not isinstance(slots[n], int)]
        case "static":
            names = functions.slot_names(plan)
            return [n for n in names if n not in plan.arrays]
        case _:
            return list(case.wrt)


def _given(plan: functions.Plan) -> int:
    """How many arguments are passed, up to the last one that is."""
    names = functions.slot_names(plan)
    if plan.signature == "star":
        return len(functions.slots(plan))
    passed = [n for n, name in enumerate(names) if name in {*plan.arrays, *plan.static}]
    return 1 + passed[-1]


# What makes room for a mistake of a kind in every class that is drawn.
_REAL = tuple(kinds for kinds in DTYPES if not kinds[0].startswith("complex"))
ROOM: dict[str, dict[str, Any]] = {
    "shape": {"shapes": (((2, 3), (3,), (2, 1)), ((0,), (1,)))},
    "complex": {"dtypes": _REAL},
    "structure": {"containers": True},
    "static": {"signatures": ("static", "default", "keyword")},
    "non-linear": {"rules": ("derived",)},
    "NaN": {"shapes": (((2, 3), (3,), ()),)},
}


@st.composite
def mistakes(draw: Draw, kind: str) -> Mistake:
    """A random class with a mistake of one kind."""
    wanted = {"rules": ("reverse", "derived"), "steps": 2, **ROOM.get(kind, {})}
    case = draw(cases(**wanted))
    case = case._replace(plan=case.plan._replace(constant=-1))
    ways = (*REVERSE, "forward") if case.plan.rule == "derived" else REVERSE
    if kind == "NaN":
        ways = ("eager",)  # what else there is compiles a program for each class
    target = draw(st.sampled_from(_targets(kind, case)))
    choice: Any = draw(st.integers(0, 3))
    if kind == "shape":
        shape = case.leaves[target].shape
        wrong = [s for s in SPOILED_SHAPES if not _broadcasts(shape, s)]
        choice = draw(st.sampled_from(wrong))
    name = draw(st.sampled_from(NAMES))
    return Mistake(kind, case, name, target, choice, draw(st.sampled_from(ways)))


# --- the check ------------------------------------------------------------------------


def refused(mistake: Mistake) -> None:
    """Assert that the mistake is an error of its class, which names what it should."""
    case, (spoiler, expected) = mistake.case, KINDS[mistake.kind]
    with x64(case):
        pair = Pair(case)
        right = pair.cls.backward

        def backward(cls: Any, ctx: Any, *grads: Any) -> Any:
            found = right(ctx, *grads)
            gradients = list(found) if isinstance(found, tuple) else [found]
            return spoiler(mistake, gradients)

        members = {"backward": classmethod(backward)}
        pair.cls = type(mistake.name, (pair.cls,), members)
        watching = mistake.kind == "NaN"
        block = jaxgrad.detect_anomaly() if watching else contextlib.nullcontext()
        with pytest.raises(errors.JaxgradError) as caught, block:
            WAYS[mistake.way](pair.inexact(pair.function), pair.at)
    assert caught.type is expected, repr(caught.value)
    message = str(caught.value)
    assert message.startswith(f"{mistake.name}.backward ")
    for part in _names(mistake):
        assert part in message, (part, message)


def _names(mistake: Mistake) -> list[str]:
    """What the message has to name beside the class."""
    plan, leaves = mistake.case.plan, mistake.case.leaves
    match mistake.kind:
        case "few" | "many":
            slots = len(functions.slots(plan))
            return [*functions.written_names(plan), f"Expected {slots}", "got "]
        case "structure":
            return [repr(functions.written_names(plan)[mistake.target]), "Expected"]
        case "static":
            return [repr(mistake.target), "static argument", "Expected None"]
        case "non-linear":
            return ["not linear in the cotangents", "jvp"]
        case "NaN":
            slot = repr(_find(plan, mistake.target)[2])
            return [f"in the gradient of {slot}", "was applied at ", __file__[:-11]]
    path = repr(_find(plan, mistake.target)[2])
    shape = ",".join(map(str, leaves[mistake.target].shape))
    return [f"argument {path}", f"[{shape}]", "got "]
