"""300 corrupted files: each gives `SavedFileError`, and none reaches JAX.

Half of them are damaged as files are damaged: bits, blocks, ends. The other half are
edited by somebody who lists and seals what he wrote, so that only the checks of the
contents are left to find it.
"""

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad.errors import SavedFileError
from jaxgrad.lower import _archive
from jaxgrad.lower._program import Program
from jaxgrad.lower._saved import load, save
from tests.helpers import TripledSin

Random = random.Random
Members = dict[str, bytes]
MESSAGES = (
    "is not a file that jaxgrad saved",
    "is a directory",
    "is truncated",
    "was changed after it was saved",
    "is too new",
)


@pytest.fixture(scope="module")
def whole() -> bytes:
    file = io.BytesIO()
    weights = {"scale": jnp.ones(3, jnp.bfloat16), "key": jax.random.key(1)}
    run = lambda x, w: TripledSin.apply(x) * w["scale"].astype(x.dtype)  # noqa: E731
    rows = [("y", "model.py", 3, 4)]
    program = Program("model", run, ["x"], [(jnp.ones(3),)], weights, "graph()", rows)
    save(file, program)
    return file.getvalue()


# --- damage: bytes in, bytes out ------------------------------------------------------


def flip_bits(data: bytes, rng: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 50])):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut_off(data: bytes, rng: Random) -> bytes:
    return data[: rng.randrange(len(data))]


def cut_out(data: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(data) - 1)
    return data[:start] + data[start + rng.randrange(1, 100) :]


def put_in(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.randbytes(rng.randrange(1, 100)) + data[at:]


def blank_out(data: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(data))
    end = min(start + rng.randrange(64, 4096), len(data))
    return data[:start] + bytes(end - start) + data[end:]


def noise(data: bytes, rng: Random) -> bytes:
    head = rng.choice([b"", b"PK\x03\x04", b"\x93NUMPY", data[:100]])
    return head + rng.randbytes(rng.randrange(500))


def as_text(data: bytes, rng: Random) -> bytes:
    """What an editor or a transfer in text mode makes of a binary file."""
    return rng.choice([data.replace(b"\n", b"\r\n"), data.decode("latin").encode()])


def another_zip(data: bytes, rng: Random) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", rng.choice([0, 8])) as archive:
        for _ in range(rng.randrange(4)):
            archive.writestr(f"{rng.random()}.txt", rng.randbytes(20))
    return file.getvalue()


DAMAGE = [
    flip_bits,
    cut_off,
    cut_out,
    put_in,
    blank_out,
    noise,
    as_text,
    another_zip,
]


# --- edits: of a manifest and its members, which are sealed again ---------------------

EDITED = ("jaxgrad", "name", "jax", "platforms")


def drop_key(manifest: Any, members: Members, rng: Random) -> None:
    del manifest[rng.choice(sorted(manifest.keys() - {"format", "version", "members"}))]


def wrong_type(manifest: Any, members: Members, rng: Random) -> None:
    key = rng.choice(sorted(manifest.keys() - {"format", "version", "members"}))
    manifest[key] = rng.choice([None, -1, 1.5, True, {"a": 1}, [[["x"]]], {}])


def wrong_weight(manifest: Any, members: Members, rng: Random) -> None:
    weight = rng.choice(manifest["weights"])
    edits = {
        "name": ["other", 3, None],
        "dtype": ["float32", "object", "int8", "O", "V2", "bfloat17", "__class__", 2],
        "shape": [[4], [2**60], [-1], [3, 2**62, 2**62], [], "3", [None], [1.0]],
        "key": ["rbg", "unknown", 5],
    }
    key = rng.choice(list(edits))
    weight[key] = rng.choice(edits[key])
    if rng.random() < 0.2:
        manifest["weights"].append(dict(weight))


def wrong_signature(manifest: Any, members: Members, rng: Random) -> None:
    signature = manifest["signatures"][0]
    edits = {
        "orders": [0, 1, 3, 10**12, -1, "2", None],
        "probes": [[], [[[3]]], [["3"], []], None, [[[-3]], [[3]]]],
        "constraints": ["a", [1], None, {"a": "b"}],
    }
    key = rng.choice(list(edits))
    signature[key] = rng.choice(edits[key])


def wrong_program(manifest: Any, members: Members, rng: Random) -> None:
    edits = {
        "arguments": [[], ["x", "y"], ["not a name"], ["x", "x"], ["class"]],
        "platforms": [[], ["tpu"], ["cpu"]],
        "vjp_order": [0, 10**9 * -1, "1"],
        "signatures": [[], manifest["signatures"] * 2],
    }
    key = rng.choice(list(edits))
    manifest[key] = rng.choice(edits[key])


def swapped(manifest: Any, members: Members, rng: Random) -> None:
    first, second = rng.sample(sorted(members), 2)
    members[first], members[second] = members[second], members[first]


def more_or_fewer(manifest: Any, members: Members, rng: Random) -> None:
    if rng.random() < 0.3:
        del members[rng.choice(sorted(members))]
        return
    names = ["programs/0.2.stablehlo", "../../evil", "/etc/passwd", "code.py", "a\0b"]
    members[rng.choice(names)] = rng.randbytes(10)


def other_contents(manifest: Any, members: Members, rng: Random) -> None:
    name = rng.choice(["graph.txt", "source_map.json", "weights.npz"])
    other = {
        "graph.txt": [b"\xff\xfe", b"\xed\xa0\x80"],
        "source_map.json": [b"", b"{}", b"[1]", b'[["a", "b", 1]]', b"[" * 10**5],
        "weights.npz": [b"", b"PK\x05\x06", members["weights.npz"][:50], bomb()],
    }
    members[name] = rng.choice(other[name])


def bomb() -> bytes:
    """A small npz of a big array, under the names that are expected."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(2):
            archive.writestr(f"{i}.npy", bytes(10**6))
    return file.getvalue()


EDITS = [
    drop_key,
    wrong_type,
    wrong_weight,
    wrong_signature,
    wrong_program,
    swapped,
    more_or_fewer,
    other_contents,
]
ADDED = ("format", "version", "members")


def edited(data: bytes, edit: Callable[..., None], rng: Random) -> bytes:
    _, manifest, members = _archive.read(io.BytesIO(data))
    manifest = json.loads(json.dumps(manifest))
    edit(manifest, members, rng)
    for key in ADDED:
        del manifest[key]
    file = io.BytesIO()
    _archive.write(file, manifest, members)
    return file.getvalue()


# --- 300 files ------------------------------------------------------------------------


def check(data: bytes) -> str:
    with pytest.raises(SavedFileError) as caught:
        load(io.BytesIO(data))
    message = str(caught.value)
    assert any(part in message for part in MESSAGES), message
    assert len(message) < 1500
    return message


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_files(
    whole: bytes, damage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    never(monkeypatch)
    rng = Random(damage.__name__)
    found = 0
    while found < 20:
        data = damage(whole, rng)
        if data != whole:
            check(data)
            found += 1


@pytest.mark.parametrize("edit", EDITS)
def test_edited_files(whole: bytes, edit: Any) -> None:
    rng = Random(edit.__name__)
    for _ in range(20):
        check(edited(whole, edit, rng))


def test_what_the_checks_before_jax_let_through(
    whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check that the tests above can fail: a whole file does reach JAX."""
    load(io.BytesIO(whole))
    never(monkeypatch)
    with pytest.raises(Asked):
        load(io.BytesIO(whole))


class Asked(BaseException):
    """JAX was asked to read a file. No Exception, as load() makes errors of those."""


def never(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_: Any) -> None:
        raise Asked

    monkeypatch.setattr(jax.export, "deserialize", asked)


def test_a_file_of_a_backend() -> None:
    file = io.BytesIO()
    _archive.write(file, {"backend": "xla:cpu"}, {"forward.stablehlo": b""})
    with pytest.raises(SavedFileError, match=r"backend 'xla:cpu'(?s:.*)backends\.load"):
        load(io.BytesIO(file.getvalue()))


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(SavedFileError, match="is a directory"):
        load(tmp_path)
