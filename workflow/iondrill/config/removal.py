"""Entries of an earlier file that a later one removes by null: merging key by key can only add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.config.schema import schema_of, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from iondrill.config.document import Document, KeyPath

Content = dict[str | int, Any]


def without_removed(model: Any, documents: Sequence[Document], content: Content) -> Content:
    """Return merged content without the entries that are null and replace an entry of an earlier file.

    A null that replaces no entry stays, and is refused later: most likely its keys were forgotten.

    Parameters
    ----------
    model : type
        Its mappings that are marked as `iondrill.config.base.Removable` may lose entries.
    documents : sequence of Document
        The files that were merged.
    content : dict
        The merged content, which is not changed.
    """
    removed = {
        key_path
        for key_path in _nulls(content)
        if schema_of(model).loses_entries(key_path[:-1], content)
        and any(value_at(document.content, key_path) is not None for document in documents)
    }
    return _pruned(content, removed) if removed else content


def _nulls(content: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the key paths of null in mappings."""
    for key, value in content.items() if isinstance(content, dict) else ():
        if value is None:
            yield (*at, key)
        yield from _nulls(value, (*at, key))


def _pruned(content: Any, removed: set[KeyPath], at: KeyPath = ()) -> Any:
    """Return content without some key paths."""
    if not isinstance(content, dict):
        return content
    return {key: _pruned(value, removed, (*at, key)) for key, value in content.items() if (*at, key) not in removed}
