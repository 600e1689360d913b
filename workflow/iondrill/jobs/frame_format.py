"""The format of a log of frames: a header and records of fixed size, little-endian, float64, nothing rounded.

====== ============================ ==========================================================
offset what                         type
====== ============================ ==========================================================
0      magic ``IONDRILLFRAMES``     16 bytes, padded with zeros
16     version                      uint32
20     number of atoms              uint32
24     size of a record             uint32
28     length of the description    uint32
32     description of a record      JSON, ``numpy.dtype.descr``, padded with zeros to 1020
1020   CRC-32 of all of the above   uint32
1024   records                      each ends in the CRC-32 of the rest of it, as uint64
====== ============================ ==========================================================
"""

from __future__ import annotations

import json
import mmap
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = b"IONDRILLFRAMES"
VERSION = 1
PREFIX = struct.Struct("<16sIIII")
CHECKSUM = struct.Struct("<I")
HEADER_BYTES = 1024
CHUNK_BYTES = 1 << 20
"""Records are read in portions of about this size: constant memory for runs of any length."""


def record_type(n_atoms: int, *, forces: bool, charges: bool) -> np.dtype[np.void]:
    """Return the type of a record.

    Fields: step; time_fs; temperature_K, potential_eV and conserved_eV; positions_A and velocities_A_fs, each
    (n_atoms, 3); forces_eV_A (n_atoms, 3) and charges_e (n_atoms,) where they are kept; checksum.
    """
    vector = (n_atoms, 3)
    scalars = ("time_fs", "temperature_K", "potential_eV", "conserved_eV")
    fields: list[Any] = [("step", "<i8"), *((name, "<f8") for name in scalars)]
    fields += [("positions_A", "<f8", vector), ("velocities_A_fs", "<f8", vector)]
    fields += [("forces_eV_A", "<f8", vector)] * forces + [("charges_e", "<f8", (n_atoms,))] * charges
    return np.dtype([*fields, ("checksum", "<u8")])


def in_words(dtype: np.dtype[np.void]) -> str:
    """Say what a log's records hold."""
    names = [name for name in ("forces_eV_A", "charges_e") if name in (dtype.names or ())]
    return f"{dtype['positions_A'].shape[0]} atoms with {', '.join(names) or 'positions and velocities'}"


def header_of(dtype: np.dtype[np.void], n_atoms: int) -> bytes:
    """Return the header of a log."""
    description = json.dumps(dtype.descr).encode()
    head = PREFIX.pack(MAGIC, VERSION, n_atoms, dtype.itemsize, len(description)) + description
    head = head.ljust(HEADER_BYTES - CHECKSUM.size, b"\0")
    return head + CHECKSUM.pack(zlib.crc32(head))


def parse_header(header: bytes, path: Path) -> np.dtype[np.void]:
    """Return the type of the records."""
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise UserError.of(path, "is not a log of frames")
    head, (checksum,) = header[: -CHECKSUM.size], CHECKSUM.unpack(header[-CHECKSUM.size :])
    if zlib.crc32(head) != checksum:
        raise UserError.of(path, "has a damaged header")
    _, version, _, _, length = PREFIX.unpack_from(head)
    if version != VERSION:
        raise UserError.of(path, f"is of version {version}", f"allowed: {VERSION}")
    fields = json.loads(head[PREFIX.size : PREFIX.size + length])
    return np.dtype([(name, kind, *map(tuple, shape)) for name, kind, *shape in fields])


def checksum_of(record: memoryview) -> int:
    """Return the checksum of a record, its last eight bytes left out."""
    return zlib.crc32(record[:-8])


def map_records(path: Path, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """Map the whole records of a log into memory, read-only."""
    count = (path.stat().st_size - HEADER_BYTES) // dtype.itemsize
    if not count:
        return np.empty(0, dtype)
    return np.memmap(path, dtype, mode="r", offset=HEADER_BYTES, shape=(count,))


def forget(records: NDArray[np.void]) -> None:
    """Give back the pages of a mapped log that were read: they count as the process's memory."""
    if isinstance(records, np.memmap):
        records._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]  # noqa: SLF001


def portions(count: int, itemsize: int) -> Iterator[slice]:
    """Return slices of `CHUNK_BYTES` each, or of one item, that cover all items."""
    size = max(1, CHUNK_BYTES // itemsize)
    return (slice(start, start + size) for start in range(0, count, size))


def are_whole(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """Say of each record whether its checksum fits."""
    whole = np.zeros(len(records), dtype=bool)
    for part in portions(len(records), records.itemsize):
        raw = memoryview(records[part].tobytes())
        starts = range(0, len(raw), records.itemsize)
        sums = [checksum_of(raw[start : start + records.itemsize]) for start in starts]
        whole[part] = records["checksum"][part] == np.array(sums, dtype=np.uint64)
        forget(records)
    return whole


def are_live(steps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of each record whether no later one is of the same step or an earlier one."""
    least_from_here = np.minimum.accumulate(steps[::-1])[::-1]
    return steps < np.append(least_from_here[1:], np.iinfo(np.int64).max)


def damage(path: Path, records: NDArray[np.void], index: int) -> UserError:
    """Return the error that names a damaged record."""
    after = f"after step {records['step'][index - 1]}" if index else "the first"
    return UserError.of(path, f"record {index + 1} of {len(records)} ({after}) is damaged", "its checksum differs")
