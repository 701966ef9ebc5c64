"""Lists and dictionaries that Python and script share: `ScriptList`, `ScriptDict`.

Both hold a plain list or dictionary at `_content`, which script reads and writes back
to, and the types of its elements at `_types`. They are no lists and dictionaries of
Python, but sequences and mappings.
"""

from collections.abc import MutableMapping, MutableSequence

from jaxgrad.frontend.script._dict import (
    ScriptDict,
    ScriptDictIterator,
    ScriptDictKeyIterator,
)
from jaxgrad.frontend.script._list import ScriptList, ScriptListIterator

__all__ = [
    "ScriptDict",
    "ScriptDictIterator",
    "ScriptDictKeyIterator",
    "ScriptList",
    "ScriptListIterator",
]

MutableSequence.register(ScriptList)  # pyrefly: ignore[missing-attribute]
MutableMapping.register(ScriptDict)  # pyrefly: ignore[missing-attribute]
