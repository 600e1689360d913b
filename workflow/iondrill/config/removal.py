"""Entries of an earlier file that a later one takes out, by null: merging key by key can only add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.config.schema import schema_of, value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from iondrill.config.document import Document, KeyPath

Content = dict[str | int, Any]


def without_removed(model: Any, documents: Sequence[Document], content: Content) -> Content:
    """Return merged content without the entries that are null in place of what an earlier file has.

    Null where no file has an entry stays, to be refused: it is more likely one whose keys were forgotten.

    Parameters
    ----------
    model : type
        Its mappings that are marked as `iondrill.config.base.Removable` may lose entries.
    documents : sequence of Document
        What was merged.
    content : dict
        The outcome, which is not changed.
    """
    removed = {
        place
        for place in _nulls(content)
        if schema_of(model).loses_entries(place[:-1], content)
        and any(value_at(document.content, place) is not None for document in documents)
    }
    return _pruned(content, removed) if removed else content


def _nulls(content: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the places of null in mappings."""
    for key, value in content.items() if isinstance(content, dict) else ():
        if value is None:
            yield (*at, key)
        yield from _nulls(value, (*at, key))


def _pruned(content: Any, removed: set[KeyPath], at: KeyPath = ()) -> Any:
    """Return content without some places."""
    if not isinstance(content, dict):
        return content
    return {key: _pruned(value, removed, (*at, key)) for key, value in content.items() if (*at, key) not in removed}
