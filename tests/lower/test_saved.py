"""Save and load: the same function, with its gradients, where its source isn't."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.export import symbolic_shape
from jax.sharding import AxisType, PartitionSpec

from jaxgrad import errors
from jaxgrad.lower import _exported, _saved
from jaxgrad.lower._exported import export
from jaxgrad.lower._loaded import LoadedFunction
from jaxgrad.lower._loaded_program import LoadedProgram
from jaxgrad.lower._program import Program
from jaxgrad.lower._saved import load, save
from tests.cases import CASES, Case, by_name
from tests.helpers import TripledSin
from tests.lower import record
from tests.lower.record import SCALE, X

Struct = jax.ShapeDtypeStruct
RECORDED = sorted(record.FOLDER.glob("*.jaxgrad"))
BIAS = {"bias": np.float32(1)}


def reloaded(run: Any, *examples: Any, weights: Any = None, **options: Any) -> Any:
    """A function of `x` and weights, saved and loaded through memory."""
    file = io.BytesIO()
    named = [(example,) for example in examples]
    save(file, Program("model", run, ["x"], named, weights or {}), **options)
    file.seek(0)
    return load(file)


def tripled(x: Any, weights: Any) -> Any:
    return TripledSin.apply(x)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> LoadedFunction:
    path = tmp_path_factory.mktemp("saved") / "plain.jaxgrad"
    program, order = record.programs()["plain"]
    save(path, program, vjp_order=order)
    return load(path)


def total(function: Any) -> Any:
    return lambda x: function(x, BIAS)["y"].sum()


def check_plain(function: LoadedFunction) -> None:
    """Outputs and two orders of the marked rule, in plain NumPy."""
    found = function(X, options={"bias": 1.0})
    np.testing.assert_allclose(found["y"], np.sin(X) * SCALE + 1, rtol=1e-6)
    assert found["count"].tolist() == [0, 1]
    first = jax.grad(total(function))
    np.testing.assert_allclose(first(X), 3 * np.cos(X) * SCALE, rtol=1e-6)
    second = jax.jit(jax.grad(lambda x: first(x).sum()))
    np.testing.assert_allclose(second(X), -3 * np.sin(X) * SCALE, rtol=1e-6)
    with pytest.raises(errors.SavedFileError, match=r"vjp_order=2.*order 3 is asked"):
        jax.grad(lambda x: second(x).sum())(X)


def test_values_and_custom_gradients_of_each_order(plain: LoadedFunction) -> None:
    check_plain(plain)


def test_what_a_loaded_function_tells(plain: LoadedFunction) -> None:
    assert plain.graph == plain.graph_text == "graph(%x : f32[3]):\n  return (%x)\n"
    assert plain.source_map == (("y", "record.py", 28, 4),)
    assert plain.signatures == ("(x: f32[3], options: {'bias': f32[]})",)
    assert plain.platforms == ("cpu", "cuda", "tpu")
    assert plain.vjp_order == 2
    assert plain.weights["scale"].dtype == jnp.bfloat16
    assert jax.random.key_data(plain.weights["key"]).tolist() == [0, 7]
    assert repr(plain) == (
        "<loaded 'plain': (x: f32[3], options: {'bias': f32[]}); 2 weights, "
        "vjp_order=2, for cpu, cuda, tpu>"
    )


def test_the_program_that_load_compiled_is_the_one_that_runs(
    plain: LoadedFunction,
) -> None:
    compiled = []

    def listen(event: str, *_: Any, **__: Any) -> None:
        if "backend_compile" in event:
            compiled.append(event)

    x, bias = jnp.asarray(X), {"bias": jnp.float32(1)}
    jax.monitoring.register_event_duration_secs_listener(listen)
    plain(x, bias)
    count = len(compiled)
    jax.jit(lambda v: v * 123)(x)
    switched = any(getattr(jax.config, name, False) for name in SWITCHES)
    # With custom_vjp3 JAX 0.10 compiles once more.
    assert count <= int(switched)
    assert len(compiled) == count + 1  # the listener listens


SWITCHES = ("jax_custom_vjp3", "jax_custom_jvp3", "jax_remat3")


def test_gradients_of_weights(plain: LoadedFunction) -> None:
    def loss(scale: Any) -> Any:
        return plain.with_weights({"scale": scale})(X, BIAS)["y"].sum()

    half = jnp.asarray([1, 2, 3], jnp.bfloat16)
    np.testing.assert_allclose(loss(half), (np.sin(X) * [1, 2, 3]).sum() + 3, rtol=1e-6)
    got = jax.jit(jax.grad(loss))(half)
    assert got.dtype == jnp.bfloat16
    np.testing.assert_allclose(got.astype(np.float32), np.sin(X), rtol=1e-2)
    np.testing.assert_array_equal(plain.weights["scale"].astype(np.float32), SCALE)
    with pytest.raises(errors.ArgumentError, match="one of 'scale', 'key'; got f32"):
        plain.with_weights({"shift": 1.0})
    with pytest.raises(errors.ArgumentError, match=r"Expected bf16\[3\]; got f32\[2\]"):
        plain.with_weights({"scale": np.ones(2, np.float32)})


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((X[:2], BIAS), r"got \(x: f32\[2\], options: \{'bias': f32\[\]\}\)"),
        ((X, {"shift": 1.0}), r"got \(x: f32\[3\], options: \{'shift': float\}\)"),
        ((X, "fast"), r"got \(x: f32\[3\], options: str\)"),
        ((X.astype(int), BIAS), r"got \(x: i(32|64)\[3\]"),
        ((X,), "missing a required argument: 'options'"),
        ((X, BIAS, 1), "too many positional arguments"),
    ],
)
def test_other_arguments(plain: LoadedFunction, args: Any, message: str) -> None:
    with pytest.raises(errors.ArgumentError, match=message) as caught:
        plain(*args)
    assert "(x: f32[3], options: {'bias': f32[]})" in str(caught.value)


def test_batches_and_forward_mode_are_refused_with_a_way_out(
    plain: LoadedFunction,
) -> None:
    one = lambda x: plain(x, BIAS)["y"]  # noqa: E731
    xs = np.stack([X, X])
    for function in (one, jax.jit(one), jax.grad(total(plain))):
        with pytest.raises(errors.VmapError, match="symbolic batch dimension"):
            jax.vmap(function)(xs)
    with pytest.raises(errors.VmapError, match="jacrev"):
        jax.jacrev(one)(X)
    with pytest.raises(errors.ForwardModeError, match="read from a file"):
        jax.jvp(one, (X,), (X,))
    # The ways out that the messages name:
    np.testing.assert_allclose(jax.lax.map(one, xs)[1], one(X))


def test_several_signatures_and_symbolic_dimensions() -> None:
    a, b = symbolic_shape("a, b", constraints=["a >= b + 1"])
    many = Struct((a, b), jnp.float32)
    (c,) = symbolic_shape("c")
    function = reloaded(tripled, many, Struct((2 * c,), jnp.float32), X)
    assert function.signatures == ("(x: f32[3])", "(x: f32[a, b])", "(x: f32[2*c])")
    for shape in ((3,), (5, 2), (4,)):
        x = np.linspace(0, 1, num=int(np.prod(shape)), dtype=np.float32).reshape(shape)
        np.testing.assert_allclose(function(x), np.sin(x), rtol=1e-6)
        got = jax.grad(lambda x: function(x).sum())(x)
        np.testing.assert_allclose(got, 3 * np.cos(x), rtol=1e-6)
    refused = {
        (2, 2, 2): r"got \(x: f32\[2, 2, 2\]\)\.\n  Save",
        (2, 3): r"(?s)got \(x: f32\[2, 3\]\).*constraint a >= b \+ 1",
        (5,): r"(?s)got \(x: f32\[5\]\).*Division had remainder 1",
    }
    for shape, message in refused.items():
        for _ in range(2):
            with pytest.raises(errors.ArgumentError, match=message):
                function(np.ones(shape, np.float32))


def test_a_loaded_function_is_exported_again_with_other_dimensions() -> None:
    a, b = symbolic_shape("a, b")
    inner = reloaded(tripled, Struct((a,), jnp.float32))
    outer = reloaded(lambda x, weights: inner(x), Struct((b,), jnp.float32))
    assert outer.signatures == ("(x: f32[b])",)
    got = jax.grad(lambda x: outer(x).sum())(X)
    np.testing.assert_allclose(got, 3 * np.cos(X), rtol=1e-6)


def test_a_batch_dimension_that_is_symbolic_is_the_way_out_of_vmap() -> None:
    (a,) = symbolic_shape("a")
    batched = lambda x, weights: jax.vmap(TripledSin.apply)(x)  # noqa: E731
    function = reloaded(batched, Struct((a, 2), jnp.float32))
    x = np.ones((4, 2), np.float32)
    got = jax.grad(lambda x: function(x).sum())(x)
    np.testing.assert_allclose(got, 3 * np.cos(x), rtol=1e-6)


def test_every_function_of_the_table_keeps_its_rule() -> None:
    cases = [case for case in CASES if "callback" not in case.name]
    given = {case.name: take(case) for case in cases}

    def run(x: Any, weights: Any) -> Any:
        return {case.name: call(case, x[case.name]) for case in cases}

    function = reloaded(run, given, platforms=("cpu",))
    moving = {name: [inexact(a) for a in arrays] for name, arrays in given.items()}

    def loss(arrays: Any) -> Any:
        full = {
            name: [
                new if new is not None else old
                for new, old in zip(arrays[name], given[name], strict=True)
            ]
            for name in given
        }
        outputs = function(full)
        return sum(
            jnp.sum(jnp.real(jnp.conj(ct) * out))
            for name in given
            for ct, out in zip(cotangents[name], outputs[name], strict=True)
            if inexact(out) is not None
        )

    outputs = jax.jit(run)(given, {})
    cotangents = {
        name: [
            np.full(np.shape(out), 0.5 + i, np.float32) for i, out in enumerate(outs)
        ]
        for name, outs in outputs.items()
    }
    jax.tree.map(np.testing.assert_array_equal, function(given), outputs)
    found = jax.grad(loss)(moving)
    for case in cases:
        got = [g for g in found[case.name] if g is not None]
        expected = case.gradient(cotangents[case.name])
        assert len(got) == len(expected), case
        for g, e in zip(got, expected, strict=True):
            rtol = 1e-2 if g.dtype == jnp.bfloat16 else 1e-5
            wide = np.asarray(g.astype(jnp.float32) if rtol > 1e-3 else g)
            np.testing.assert_allclose(wide, e, rtol=rtol, atol=1e-6, err_msg=str(case))


def is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.generic)


def take(case: Case) -> list[Any]:
    return list(filter(is_array, jax.tree.leaves((case.args(), case.kwargs))))


def call(case: Case, arrays: Any) -> list[Any]:
    leaves, treedef = jax.tree.flatten((case.args(), case.kwargs))
    rest = iter(arrays)
    full = [next(rest) if is_array(leaf) else leaf for leaf in leaves]
    args, kwargs = jax.tree.unflatten(treedef, full)
    return jax.tree.leaves(case.function.apply(*args, **kwargs))


def inexact(array: Any) -> Any:
    return array if jnp.issubdtype(array.dtype, jnp.inexact) else None


def test_a_program_for_several_devices() -> None:
    mesh = jax.make_mesh((4,), ("d",), axis_types=(AxisType.Auto,))

    def run(x: Any, weights: Any) -> Any:
        one = lambda v: jax.lax.psum(TripledSin.apply(v), "d")  # noqa: E731
        specs = {"in_specs": PartitionSpec("d"), "out_specs": PartitionSpec()}
        return jax.shard_map(one, mesh=mesh, **specs)(x)

    x = np.arange(8, dtype=np.float32)
    function = reloaded(run, x)
    np.testing.assert_allclose(function(x), np.sin(x).reshape(4, 2).sum(0), rtol=1e-5)
    got = jax.grad(lambda x: function(x).sum())(x)
    np.testing.assert_allclose(got, 3 * np.cos(x), rtol=1e-5)


def test_a_file_for_another_platform_loads_and_says_so_when_it_is_called() -> None:
    function = reloaded(tripled, X, platforms=("cuda", "tpu"))
    assert function.platforms == ("cuda", "tpu")
    with pytest.raises(errors.BackendError, match=r"of cuda, tpu; got cpu"):
        function(X)
    with pytest.raises(ValueError, match="exported for platforms"):  # JAX's own
        jax.jit(function)(X)


# --- what can't be saved --------------------------------------------------------------


def test_what_cannot_be_exported() -> None:
    def prints(x: Any) -> Any:
        jax.debug.print("{}", x)
        return x

    def calls(x: Any) -> Any:
        body = lambda _, v: jax.pure_callback(np.sin, v, v)  # noqa: E731
        return jax.lax.fori_loop(0, 2, body, x)

    for function, name in ((prints, "debug"), (calls, "pure_callback")):
        with pytest.raises(errors.LoweringError, match=rf"{name}.* at .*saved\.py:\d+"):
            export(function, [X])
    with pytest.raises(errors.BackendError, match=r"a GPU is 'cuda' or 'rocm'"):
        export(jnp.sin, [X], platforms=("gpu",))
    with pytest.raises(errors.BackendError, match="got none"):
        export(jnp.sin, [X], platforms=())
    for order in (-1, True, 1.5):
        with pytest.raises(errors.LoweringError, match=f"vjp_order is {order}"):
            export(jnp.sin, [X], vjp_order=order)  # pyrefly: ignore[bad-argument-type]
    with pytest.raises(errors.LoweringError, match=r"(?s)args\[1\].*got str"):
        export(jnp.add, [X, "fast"])


def test_what_cannot_be_differentiated() -> None:
    def grows(x: Any) -> Any:
        return jax.lax.while_loop(lambda v: v.sum() < 9, lambda v: v * 2, x)

    with pytest.raises(errors.LoweringError, match=r"Give vjp_order=0"):
        export(grows, [X])
    with pytest.raises(errors.LoweringError, match=r"Give vjp_order=0"):
        reloaded(lambda x, weights: grows(x), X)
    function = reloaded(lambda x, weights: grows(x), X, vjp_order=0)
    np.testing.assert_array_equal(function(X), X * 8)
    with pytest.raises(errors.SavedFileError, match="vjp_order=0"):
        jax.grad(lambda x: function(x).sum())(X)


class Unregistered:
    def __init__(self, x: Any) -> None:
        self.x = x


jax.tree_util.register_pytree_node(
    Unregistered, lambda u: ((u.x,), None), lambda _, xs: Unregistered(*xs)
)


@pytest.mark.parametrize(
    ("argument", "message"),
    [(Unregistered(X), "Unregistered"), ({1: X}, "string keys")],
)
def test_containers_that_cannot_be_written(argument: Any, message: str) -> None:
    exported = export(lambda u: 2 * jax.tree.leaves(u)[0], [argument], vjp_order=0)
    with pytest.raises(errors.LoweringError, match=message):
        exported.serialize()


class Point(NamedTuple):
    x: Any
    y: Any


def test_a_registered_container() -> None:
    jax.export.register_namedtuple_serialization(Point, serialized_name="tests.Point")
    run = lambda p, weights: Point(p.y, TripledSin.apply(p.x))  # noqa: E731
    function = reloaded(run, Point(X, 1.0))
    assert function.signatures == ("(x: Point(x=f32[3], y=f32[]))",)
    found = function(Point(X, 1))
    assert isinstance(found, Point)
    np.testing.assert_allclose(found.y, np.sin(X), rtol=1e-6)


def test_wide_arguments_need_wide_jax() -> None:
    file = io.BytesIO()
    with jax.enable_x64(True):
        wide = X.astype(np.float64)
        save(file, Program("model", tripled, ["x"], [(wide,)], {}), platforms=["cpu"])
        file.seek(0)
        np.testing.assert_allclose(load(file)(wide), np.sin(wide), rtol=1e-14)
    file.seek(0)
    with pytest.raises(errors.SavedFileError, match=r"float64(?s:.*)jax_enable_x64"):
        load(file)


def test_a_rule_for_one_derivative_says_so_when_two_are_saved() -> None:
    once = by_name("once_differentiable").function
    with pytest.raises(errors.OnceDifferentiableError) as caught:
        reloaded(lambda x, weights: once.apply(x), X, vjp_order=2)
    assert "a derivative of model" in caught.value.__notes__[-1]


def test_programs_that_are_not_programs() -> None:
    for names, examples in ((["x", "x"], [(X, X)]), (["class"], [(X,)])):
        with pytest.raises(errors.LoweringError, match="different Python names"):
            save(io.BytesIO(), Program("model", tripled, names, examples, {}))
    with pytest.raises(errors.LoweringError, match=r"exported for x\['w'\]"):
        save(io.BytesIO(), Program("model", tripled, ["x"], [({"w": "fast"},)], {}))
    rows: Any = [("y", "model.py", None, 4)]
    with pytest.raises(errors.LoweringError, match=r"source_map.json\[0\] is"):
        save(io.BytesIO(), Program("model", tripled, ["x"], [(X,)], {}, "", rows))
    with pytest.raises(errors.LoweringError, match=r"examples of 1 argu.*got \[2\]"):
        save(io.BytesIO(), Program("model", tripled, ["x"], [(X, X)], {}))


def test_without_flatbuffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_exported.importlib.util, "find_spec", lambda _: None)
    for act in (
        lambda: reloaded(tripled, X),
        lambda: load(RECORDED[0]),
        lambda: export(jnp.sin, [X]).serialize(),
    ):
        with pytest.raises(errors.MissingExtraError, match=r"jaxgrad\[export\]"):
            act()


def test_an_exported_function_remembers_its_order() -> None:
    exported = export(lambda x: TripledSin.apply(x["a"]), [{"a": X}], vjp_order=2)
    assert isinstance(exported, jax.export.Exported)
    assert exported.vjp() is exported.vjp()
    call = jax.export.deserialize(exported.serialize()).call
    first = jax.grad(lambda x: call({"a": x}).sum())
    np.testing.assert_allclose(first(X), 3 * np.cos(X), rtol=1e-6)
    second = jax.grad(lambda x: first(x).sum())(X)
    np.testing.assert_allclose(second, -3 * np.sin(X), rtol=1e-6)
    assert not jax.export.deserialize(exported.serialize(0)).has_vjp()


# --- files of other versions, and other processes -------------------------------------


def test_files_of_two_versions_are_recorded() -> None:
    versions = {path.stem.split("-")[-1] for path in RECORDED}
    assert {v.split(".")[1] for v in versions} == {"10", "12"}
    assert len(RECORDED) == 6
    assert all(path.stat().st_size < 30_000 for path in RECORDED)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, _, version = path.stem.split("-")
    if kind == "plain":
        check_plain(load(path))
        return
    if release(version) > release(jax.__version__):
        # Found by compiling, and not at the first call.
        call = {"factor": "lapack_spotrf_ffi", "symbolic": "shape_assertion"}[kind]
        with pytest.raises(errors.SavedFileError, match=call) as caught:
            load(path)
        assert version in str(caught.value)
        assert jax.__version__ in str(caught.value)
        # It is found where the platform is not there, too.
        monkeypatch.setattr(LoadedProgram, "runs_here", False)
        with pytest.raises(errors.SavedFileError, match=call):
            load(path)
        return
    function = load(path)
    x = np.array([[4.0, 0.0], [0.0, 1.0]], np.float32)
    expected = np.sin(np.linalg.cholesky(x)) if kind == "factor" else np.sin(x).sum(0)
    np.testing.assert_allclose(function(x), expected, rtol=1e-6)
    got = jax.grad(lambda x: function(x).sum())(x)
    if kind == "symbolic":
        np.testing.assert_allclose(got, 3 * np.cos(x), rtol=1e-6)
    else:
        # The diagonal of cholesky(x) is sqrt(x), whose derivative is 1 / (2 sqrt(x)).
        expected = 3 * np.cos([2, 1]) / [4, 2]
        np.testing.assert_allclose(np.diag(got), expected, rtol=1e-5)


def release(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


ALONE = """
import sys
class Refuse:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "tests":
            raise AssertionError("the source of the saved function was imported")
sys.meta_path.insert(0, Refuse())
import jax, jax.numpy as jnp
from jaxgrad.lower._saved import load
jax.grad(lambda x: jnp.sin(x).sum())(jnp.ones(1))  # what JAX imports late
events = []
watched = ("pickle.find_class", "subprocess.Popen", "os.system", "socket.connect")
def hook(event, args):
    if event in watched:
        events.append(event)
sys.addaudithook(hook)
f = load(sys.argv[1])
x = jnp.array([0.5, -1.0, 2.0])
print(jax.grad(lambda x: f(x, {"bias": 1.0})["y"].sum())(x).tolist(), events)
"""


def test_a_process_without_the_source_unpickles_nothing() -> None:
    path = next(path for path in RECORDED if path.stem.startswith("plain"))
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(_saved.__file__).parents[2],
    )
    numbers, _, events = done.stdout.strip().partition("] ")
    assert events == "[]"
    found = np.array([float(word) for word in numbers.strip("[]").split(",")])
    np.testing.assert_allclose(found, 3 * np.cos(X) * SCALE, rtol=1e-6)
