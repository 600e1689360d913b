"""What an energy is made of: it stands if all parts converged, with one version of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iondrill.engines.base import Result


def status_of(parts: Mapping[str, Result]) -> str:
    """Return ``converged``, or which part did not and why."""
    failed = [f"{name}: {part.status}" for name, part in parts.items() if part.status != "converged"]
    if failed:
        return "; ".join(["refused", *failed])
    versions = {part.engine_version for part in parts.values()}
    return "converged" if len(versions) == 1 else "refused; parts by different versions of the engine"
