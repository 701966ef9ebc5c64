"""The file that `save` writes: a sealed zip whose every byte is checked before use.

- `write(target, manifest, members)`: to a path, at once or not at all; or to a file.
- `read(source)`: the manifest and the members, after every check.

A file is a zip of stored (never compressed) members, so that none can grow when it is
read. `manifest.json` comes first and lists size and digest of the others. The zip's
comment is the seal: the digest of all bytes before it.
"""

import hashlib
import io
import json
import os
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from jaxgrad.errors import SavedFileError

FORMAT = "jaxgrad saved function"
VERSION = 1

MANIFEST = "manifest.json"
_MOST_MANIFEST_BYTES = 2**24
_SEAL = b"jaxgrad sha256 "
_DIGEST_LENGTH = 64
_SEAL_LENGTH = len(_SEAL) + _DIGEST_LENGTH
# Where the zip's directory ends: a record of this length, then the seal.
_END, _END_LENGTH = b"PK\x05\x06", 22
# A zip entry begins with 30 bytes and its name; then comes the JSON.
_START = MANIFEST.encode() + json.dumps({"format": FORMAT})[:-1].encode()
_START_AT = 30


def write(
    target: Any, manifest: Mapping[str, Any], members: Mapping[str, bytes]
) -> None:
    """Write a file.

    Args:
        target: a path, where the file appears complete or not at all; or an open
            binary file.
        manifest: what the file says about itself, less what this module adds.
        members: the bytes of each member, by name.
    """
    if hasattr(target, "write"):
        buffer = io.BytesIO()
        _write(buffer, manifest, members)
        target.write(buffer.getvalue())
        return
    path = Path(os.fsdecode(target))
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(beside, "x+b") as file:
            _write(file, manifest, members)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        raise


def _write(
    file: IO[bytes], manifest: Mapping[str, Any], members: Mapping[str, bytes]
) -> None:
    listed = {name: _entry(data) for name, data in members.items()}
    head = {"format": FORMAT, "version": VERSION, **manifest, "members": listed}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in [(MANIFEST, json.dumps(head).encode()), *members.items()]:
            # The date of a ZipInfo is fixed, so that equal programs give equal bytes.
            archive.writestr(zipfile.ZipInfo(name), data)
        archive.comment = _SEAL + b"0" * _DIGEST_LENGTH
    size = file.seek(0, os.SEEK_END)
    digest = _digest(file, size - _DIGEST_LENGTH)
    file.seek(size - _DIGEST_LENGTH)
    file.write(digest.encode())


def _entry(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def read(source: Any) -> tuple[str, dict[str, Any], dict[str, bytes]]:
    """Read a file and check it.

    Args:
        source: a path or an open binary file.

    Returns:
        What to call the file, its manifest, and the bytes of each member by name.

    Raises:
        SavedFileError: it is foreign, truncated, changed after it was saved, or too
            new; the message says which.
    """
    with _opened(source) as (name, file):
        size = file.seek(0, os.SEEK_END)
        _check_start(name, file, size)
        _check_seal(name, file, size)
        manifest, members = _read(name, file, size)
    return name, manifest, members


@contextmanager
def _opened(source: Any) -> Iterator[tuple[str, IO[bytes]]]:
    """The file, seekable, and what to call it."""
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        yield str(name) if name else "The file", io.BytesIO(source.read())
        return
    path = os.fsdecode(source)
    if os.path.isdir(path):
        raise SavedFileError(
            f"{path} is a directory.\n"
            "  Expected a file that jaxgrad saved; got a directory.\n"
            "  Give the path that was given to save()."
        )
    with open(path, "rb") as file:
        yield path, file


def _check_start(name: str, file: IO[bytes], size: int) -> None:
    """Raise unless the file begins as those of jaxgrad do."""
    file.seek(0)
    start = file.read(_START_AT + len(_START))
    if size == 0:
        raise _truncated(name, "an empty one")
    whole = b"PK\x03\x04" + bytes(_START_AT - 4) + _START
    # What zip writes between its own mark and the name may differ; a part is enough to
    # tell a file that was cut off from a foreign one.
    pairs = zip(start, whole, strict=False)
    if any(a != b for i, (a, b) in enumerate(pairs) if i < 4 or i >= _START_AT):
        what = "a zip of something else" if start[:2] == b"PK" else f"{start[:8]!r}..."
        raise SavedFileError(
            f"{name} is not a file that jaxgrad saved.\n"
            f"  Expected one that begins with a {FORMAT!r} manifest; got {what}.\n"
            "  jaxgrad.load reads what TracedFunction.save wrote, and nothing else."
        )


def _check_seal(name: str, file: IO[bytes], size: int) -> None:
    """Raise unless the file ends with the digest of its bytes."""
    end = max(size - _SEAL_LENGTH - _END_LENGTH, 0)
    file.seek(end)
    tail = file.read()
    if len(tail) != _SEAL_LENGTH + _END_LENGTH:
        raise _truncated(name, f"only {size} bytes")
    if not tail[_END_LENGTH:].startswith(_SEAL):
        if tail.startswith(_END):
            raise changed(name, "its seal is not one")
        if _ends_early(file, size):
            raise changed(name, "there is more after its end")
        raise _truncated(name, f"{size} bytes without an end")
    if _digest(file, size - _DIGEST_LENGTH).encode() != tail[-_DIGEST_LENGTH:]:
        raise changed(name, "its bytes don't have the digest in its seal")


def _ends_early(file: IO[bytes], size: int) -> bool:
    """Whether a whole seal stands in the last part of the file, and something after."""
    file.seek(max(size - 2**16, 0))
    tail = file.read()
    found = tail.rfind(_SEAL)
    return 0 <= found < len(tail) - _SEAL_LENGTH


def _read(
    name: str, file: IO[bytes], size: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    try:
        return _read_members(name, file, size)
    except SavedFileError:
        raise
    except Exception as error:
        # Whatever zipfile and json raise about bytes that are not what they expect.
        raise changed(name, f"its parts can't be read ({error})") from error


def _read_members(
    name: str, file: IO[bytes], size: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    with zipfile.ZipFile(file) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        if len(infos) != len(archive.infolist()):
            raise changed(name, "a member is there twice")
        for info in infos.values():
            is_stored = info.compress_type == zipfile.ZIP_STORED
            if not is_stored or info.flag_bits & 1 or info.file_size > size:
                raise changed(name, f"{info.filename!r} is compressed or encrypted")
        # More bytes than the file has: members that lie over one another.
        if sum(info.file_size for info in infos.values()) > size:
            raise changed(name, "its members overlap")
        manifest = _manifest(name, archive, infos.pop(MANIFEST))
        listed = manifest["members"]
        if infos.keys() != listed.keys():
            odd = ", ".join(sorted(infos.keys() ^ listed.keys()))
            raise changed(name, f"its members are not those it lists ({odd[:200]})")
        members = {}
        for member, info in infos.items():
            if listed[member]["bytes"] != info.file_size:
                raise changed(name, f"{member} has another size than listed")
            members[member] = archive.read(info)
            if listed[member] != _entry(members[member]):
                raise changed(
                    name, f"{member} doesn't have the digest it is listed with"
                )
    return manifest, members


def _manifest(name: str, archive: Any, info: zipfile.ZipInfo) -> dict[str, Any]:
    if info.file_size > _MOST_MANIFEST_BYTES:
        raise changed(name, f"its manifest has {info.file_size} bytes")
    manifest = json.loads(archive.read(info))
    version = manifest["version"]
    if type(version) is not int or version < 1:
        raise changed(name, f"its format version is {version!r}")
    if version > VERSION:
        raise SavedFileError(
            f"{name} is too new: a newer jaxgrad saved it.\n"
            f"  Expected a file of format version {VERSION} or older; got version "
            f"{version}.\n"
            "  Upgrade jaxgrad here (pip install --upgrade jaxgrad), or save the file "
            "again with this version."
        )
    return manifest


def _digest(file: IO[bytes], size: int) -> str:
    """The digest of the first `size` bytes."""
    file.seek(0)
    found = hashlib.sha256()
    while size > 0 and (block := file.read(min(size, 2**20))):
        found.update(block)
        size -= len(block)
    return found.hexdigest()


def changed(name: str, how: str) -> SavedFileError:
    """The error about a file that is not as it was saved."""
    return SavedFileError(
        f"{name} was changed after it was saved: {how}.\n"
        "  Expected the bytes that save() wrote; got others.\n"
        "  Fetch or copy the file again, in binary mode, or save it again."
    )


def _truncated(name: str, got: str) -> SavedFileError:
    return SavedFileError(
        f"{name} is truncated.\n"
        f"  Expected a whole file, which ends with its digest; got {got}.\n"
        "  Fetch or copy the file again, or save it again."
    )
