"""The file: written at once or not at all, and told apart from what it is not."""

import io
import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import SavedFileError
from jaxgrad.lower import _archive, _weights
from jaxgrad.lower._archive import read, write

MEMBERS = {"a.txt": b"alpha", "programs/0": bytes(range(256))}


def saved(**manifest: Any) -> bytes:
    file = io.BytesIO()
    write(file, {"about": [1, 2], **manifest}, MEMBERS)
    return file.getvalue()


def sealed(data: bytes) -> bytes:
    """Bytes under a new seal: what somebody does who means to change a file."""
    body = data[: -len(_archive._digest(io.BytesIO(b""), 0))]
    return body + _archive._digest(io.BytesIO(body), len(body)).encode()


def failure(data: bytes) -> str:
    with pytest.raises(SavedFileError) as caught:
        read(io.BytesIO(data))
    return str(caught.value)


def test_what_is_written_is_read() -> None:
    name, manifest, members = read(io.BytesIO(saved()))
    assert name == "The file"
    assert manifest.items() >= {"format": _archive.FORMAT, "about": [1, 2]}.items()
    assert members == MEMBERS
    assert saved() == saved()  # no dates, no order that changes


def test_a_file_is_an_ordinary_zip() -> None:
    with zipfile.ZipFile(io.BytesIO(saved())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.json", *MEMBERS]
        listed = json.loads(archive.read("manifest.json"))["members"]
        assert listed["a.txt"]["bytes"] == 5


@pytest.mark.parametrize("kind", [str, Path, os.fsencode])
def test_paths(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / "a file"
    write(kind(path), {}, MEMBERS)
    name, _, members = read(kind(path))
    assert (name, members) == (str(path), MEMBERS)
    assert [p.name for p in tmp_path.iterdir()] == ["a file"]
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write(path, {"old": True}, MEMBERS)

    def full(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(path, {"old": False}, MEMBERS)
    assert read(path)[1]["old"] is True
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_missing_file_is_the_error_of_open(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing")


def test_foreign_files(tmp_path: Path) -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("manifest.json", '{"format": "something else"}')
    npz = io.BytesIO()
    np.savez(npz, a=np.arange(3))
    for data in (other.getvalue(), npz.getvalue()):
        assert "is not a file that jaxgrad saved" in failure(data)
        assert "got a zip of something else" in failure(data)
    for data in (b"hello", b"\x80\x04]\x94.", b"PK", bytes(1000)):
        assert "is not a file" in failure(data) or data == b"PK"
    with pytest.raises(SavedFileError, match="is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("keep", [0, 1, 29, 43, 60, 200, -1, -64, -79, -80, -101])
def test_truncated_files(keep: int) -> None:
    message = failure(saved()[:keep])
    assert "The file is truncated." in message
    assert "Fetch or copy the file again" in message


def test_a_changed_byte_anywhere() -> None:
    data = saved()
    for at in range(100, len(data), 13):
        changed = bytearray(data)
        changed[at] ^= 1
        assert "was changed after it was saved" in failure(bytes(changed)), at
    assert "more after its end" in failure(data + b"\n")
    assert "was changed" in failure(data.replace(b"\x07", b"\x08"))


def test_a_newer_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_archive, "VERSION", 3)
    data = saved()
    monkeypatch.undo()
    message = failure(data)
    assert "is too new" in message
    assert "version 1 or older; got version 3" in message
    assert "Upgrade jaxgrad" in message


def rebuilt(edit: Any, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A file whose members were edited, listed and sealed again, as a tool would."""
    with zipfile.ZipFile(io.BytesIO(saved())) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
        comment = archive.comment
    edit(members)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
        archive.comment = comment
    return sealed(file.getvalue())


def test_members_that_are_not_those_listed() -> None:
    assert read(io.BytesIO(rebuilt(lambda members: None)))[2] == MEMBERS

    def swap(members: dict[str, bytes]) -> None:
        members["a.txt"] = b"omega"

    def empty(members: dict[str, bytes]) -> None:
        members["a.txt"] = b""

    edits = {
        "doesn't have the digest": swap,
        "another size": empty,
        "not those it lists (../evil)": lambda m: m.update({"../evil": b"x"}),
        "not those it lists (a.txt)": lambda m: m.pop("a.txt"),
        "its parts can't be read": lambda m: m.update({"manifest.json": START + b"["}),
        "format version is '1'": lambda m: m.update(
            {"manifest.json": START + b', "version": "1"}'}
        ),
    }
    for message, edit in edits.items():
        assert message in failure(rebuilt(edit))


START = _archive._START.removeprefix(b"manifest.json")


def test_what_could_grow_is_refused() -> None:
    bomb = rebuilt(lambda m: m.update({"a.txt": bytes(10**7)}), zipfile.ZIP_DEFLATED)
    assert len(bomb) < 10**5
    # Its manifest is compressed too, so that it does not begin as a file of jaxgrad.
    assert "is not a file" in failure(bomb)

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        manifest = START + b', "version": 1, "members": {}}'
        archive.writestr(zipfile.ZipInfo("manifest.json"), manifest)
        archive.writestr(zipfile.ZipInfo("a"), bytes(10**7), zipfile.ZIP_DEFLATED)
        archive.comment = saved()[-79:]
    assert "'a' is compressed" in failure(sealed(file.getvalue()))


# --- weights --------------------------------------------------------------------------


DTYPES = sorted(_weights._PLAIN | _weights._EXTENDED)


def test_weights_of_every_dtype() -> None:
    weights = {
        dtype: jnp.asarray(np.arange(4).reshape(2, 2) % 2, dtype)
        for dtype in DTYPES
        if dtype == "complex64" or not dtype.endswith(("64", "128"))
    }
    weights |= {
        "": jnp.float32(1),
        "../a": jnp.zeros((0, 3)),
        "key": jax.random.key(3),
        "keys": jax.random.split(jax.random.key(3, impl="rbg"), 2),
        "transposed": jnp.arange(6.0).reshape(2, 3).T,
    }
    table, data = _weights.pack(weights)
    found = _weights.unpack(json.loads(json.dumps(table)), data)
    assert found.keys() == weights.keys()
    for name, weight in weights.items():
        assert (found[name].dtype, found[name].shape) == (weight.dtype, weight.shape)
        old, new = weight, found[name]
        if name.startswith("key"):
            old, new = map(jax.random.key_data, (old, new))
        assert np.asarray(old).tobytes() == np.asarray(new).tobytes(), name
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert len(arrays) == len(weights)


def test_weights_that_are_not_those_listed() -> None:
    weights = {"w": jnp.arange(3.0)}
    table, data = _weights.pack(weights)
    wrong = [
        {"dtype": "object"},
        {"dtype": "float16"},
        {"dtype": "int32"},
        {"dtype": "complex64"},
        {"shape": [4]},
        {"shape": [2**40, 2**40]},
        {"shape": [-3]},
    ]
    for edit in wrong:
        with pytest.raises(_weights.WeightsError, match="weight 'w'"):
            _weights.unpack([{**table[0], **edit}], data)
    with pytest.raises(_weights.WeightsError, match="other arrays"):
        _weights.unpack([*table, {**table[0], "name": "v"}], data)
    with pytest.raises(_weights.WeightsError, match="one name"):
        _weights.unpack([*table, *table], data)


def test_a_pickled_weight_is_not_read() -> None:
    table, _ = _weights.pack({"0": jnp.arange(3.0)})
    file = io.BytesIO()
    np.savez(file, np.array([{"a": 1}], dtype=object))
    with zipfile.ZipFile(file) as archive:
        header = archive.read("arr_0.npy")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("0.npy"), header)
    with pytest.raises(_weights.WeightsError, match="is stored as"):
        _weights.unpack(table, file.getvalue())


def test_wide_weights_need_wide_jax() -> None:
    with jax.enable_x64(True):
        table, data = _weights.pack({"w": jnp.arange(3.0)})
        assert table[0]["dtype"] == "float64"
        assert _weights.unpack(table, data)["w"].dtype == "float64"
    with pytest.raises(_weights.NeedsX64, match="weight 'w' is float64"):
        _weights.unpack(table, data)
