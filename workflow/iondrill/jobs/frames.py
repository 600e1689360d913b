"""The frames of a molecular-dynamics run in an append-only file that survives kills; `records` is its format.

A run starts with the frame of step 0. A record of a step replaces every earlier record of that step or
a later one: the run was taken up again from before it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Self

import numpy as np

from iondrill.errors import UserError
from iondrill.files import replacing
from iondrill.jobs import frame_format as records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

ALL_STEPS = sys.maxsize
"""Beyond any step."""


class FrameLog:
    """Write frames, one after the other; made by `FrameLog.open`."""

    def __init__(self, path: Path, dtype: np.dtype[np.void], descriptor: int) -> None:
        self.path = path
        self._dtype = dtype
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, n_atoms: int, *, forces: bool = True, charges: bool = True) -> Self:
        """Open a log to append to it, or start it. A record that was not written whole is cut off.

        Parameters
        ----------
        path : Path
            The file; its folder exists.
        n_atoms : int
            Number of atoms.
        forces, charges : bool
            Whether the frames carry them.

        Raises
        ------
        UserError
            If the file is not a log, or is one of other frames.
        """
        dtype = records.record_type(n_atoms, forces=forces, charges=charges)
        try:
            log = cls(path, dtype, os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644))
        except OSError as error:
            raise UserError.of(path, f"cannot be written: {error.strerror}") from None
        try:
            log._start(records.header_of(dtype, n_atoms))
        except BaseException:
            log.close()
            raise
        return log

    def _start(self, header: bytes) -> None:
        """Write the header or check it, and cut off what is less than a record."""
        found = os.pread(self._descriptor, records.HEADER_BYTES, 0)
        if len(found) < records.HEADER_BYTES and header.startswith(found):  # new, or killed while it was started
            os.ftruncate(self._descriptor, 0)
            _write(self._descriptor, header)
        elif (dtype := records.parse_header(found, self.path)) != self._dtype:
            raise UserError.of(
                self.path, f"holds frames of {records.in_words(dtype)}", f"allowed: {records.in_words(self._dtype)}"
            )
        self._keep((os.fstat(self._descriptor).st_size - records.HEADER_BYTES) // self._dtype.itemsize)

    def _keep(self, n_records: int) -> None:
        os.ftruncate(self._descriptor, records.HEADER_BYTES + n_records * self._dtype.itemsize)

    def append(
        self,
        *,
        step: int,
        time_fs: float,
        temperature_K: float,
        potential_eV: float,
        conserved_eV: float,
        positions_A: ArrayLike,
        velocities_A_fs: ArrayLike,
        forces_eV_A: ArrayLike | None = None,
        charges_e: ArrayLike | None = None,
    ) -> None:
        """Append a frame in one write; once this returns, a kill of the process does not lose it.

        Parameters
        ----------
        step, time_fs, temperature_K, potential_eV, conserved_eV
            Of the frame.
        positions_A, velocities_A_fs : (n_atoms, 3) array_like
            Å, and Å/fs (ASE's velocities times `ase.units.fs`).
        forces_eV_A : (n_atoms, 3) array_like, optional
            If the log keeps them.
        charges_e : (n_atoms,) array_like, optional
            If the log keeps them.

        Raises
        ------
        ValueError
            If an array is missing, not wanted or of another shape.
        UserError
            If the file cannot be written (the disk is full); it holds whole frames all the same.
        """
        every = {
            "step": step,
            "time_fs": time_fs,
            "temperature_K": temperature_K,
            "potential_eV": potential_eV,
            "conserved_eV": conserved_eV,
            "positions_A": positions_A,
            "velocities_A_fs": velocities_A_fs,
            "forces_eV_A": forces_eV_A,
            "charges_e": charges_e,
        }
        values = {name: value for name, value in every.items() if value is not None}
        if (*values, "checksum") != self._dtype.names:
            raise ValueError(f"a frame of {self.path} holds {self._dtype.names}, not {tuple(values)}")
        record = np.zeros((), self._dtype)
        for name, value in values.items():
            if np.shape(value) != record[name].shape:
                raise ValueError(f"{name} has shape {np.shape(value)}, not {record[name].shape}")
            record[name] = value
        record["checksum"] = records.checksum_of(memoryview(record.tobytes()))
        end = os.fstat(self._descriptor).st_size
        try:
            _write(self._descriptor, record.tobytes())
        except OSError as error:
            os.ftruncate(self._descriptor, end)
            raise UserError.of(self.path, f"cannot be written: {error.strerror}") from None

    def truncate_after(self, step: int) -> int | None:
        """Drop the frames beyond a step, before the run is taken up again from there.

        Parameters
        ----------
        step : int
            The step of the restart.

        Returns
        -------
        int or None
            The last step kept; earlier than `step` if its frame was lost or none is due, None for no frame.

        Raises
        ------
        UserError
            If a frame that is kept is damaged.
        """
        log = records.map_records(self.path, self._dtype)
        whole = records.are_whole(log)
        valid = np.flatnonzero(whole)
        live = valid[records.are_live(log["step"][valid])]
        kept = live[log["step"][live] <= step]
        n_kept = int(kept[-1]) + 1 if len(kept) else 0
        if not whole[:n_kept].all():
            raise records.damage(self.path, log, int(whole.argmin()))
        last = int(log["step"][n_kept - 1]) if n_kept else None
        self._keep(n_kept)
        return last

    def sync(self) -> None:
        """Put the frames on the disk: to be called before a restart is written, lest it outlives them."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Frames:
    """The frames of a log, each once, in the order of steps; memory-mapped, checked when opened.

    Parameters
    ----------
    path : Path
        The log. A last record that was not written whole does not count.
    stride : int, optional
        Steps from frame to frame; by default what the first two say.

    Attributes
    ----------
    steps : (n_frames,) int array
        0, stride, 2 stride, …
    n_atoms : int

    Raises
    ------
    UserError
        If the file is not a log, a record is damaged, or a frame is missing: names file and step.
    """

    def __init__(self, path: Path, stride: int | None = None) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                dtype = records.parse_header(file.read(records.HEADER_BYTES), path)
        except OSError as error:
            raise UserError.of(path, f"cannot be read: {error.strerror}") from None
        self._records = records.map_records(path, dtype)
        whole = records.are_whole(self._records)
        if not whole.all():
            raise records.damage(path, self._records, int(whole.argmin()))
        self._live = np.flatnonzero(records.are_live(self._records["step"]))
        self.steps: NDArray[np.int64] = np.array(self._records["step"][self._live])
        self.n_atoms: int = dtype["positions_A"].shape[0]
        if not len(self.steps):
            raise UserError.of(path, "holds no frame")
        records.forget(self._records)
        if stride is None:
            stride = int(self.steps[1]) if len(self.steps) > 1 else 1
        wrong = np.flatnonzero(self.steps != stride * np.arange(len(self.steps)))
        if len(wrong):
            found, due = int(self.steps[wrong[0]]), stride * int(wrong[0])
            raise UserError.of(path, f"step {found} where step {due} is due", f"allowed: every {stride} steps")

    def __len__(self) -> int:
        return len(self._live)

    def __getitem__(self, index: int) -> np.void:
        """Return the record of a frame."""
        record: np.void = self._records[self._live[index]]
        return record

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what a frame holds: see `records.record_type`."""
        return (self._records.dtype.names or ())[:-1]

    def copy(self, target: Path, n_frames: int) -> None:
        """Write a log of the first frames, whole or not at all."""
        with replacing(target) as temporary, temporary.open("wb") as file:
            file.write(records.header_of(self._records.dtype, self.n_atoms))
            for chunk in self.chunks(n_frames):
                file.write(chunk.tobytes())

    def chunks(self, n_frames: int | None = None) -> Iterator[NDArray[np.void]]:
        """Yield the frames in order, or the first of them, some at a time, as structured arrays (n_frames,)."""
        live = self._live[:n_frames]
        for part in records.portions(len(live), self._records.itemsize):
            chunk = self._records[live[part]]
            records.forget(self._records)
            yield chunk


def last_step(path: Path) -> int | None:
    """Return the step of the last whole record of a log, which may be growing; None if there is none."""
    try:
        with path.open("rb") as file:
            dtype = records.parse_header(file.read(records.HEADER_BYTES), path)
            count = (os.fstat(file.fileno()).st_size - records.HEADER_BYTES) // dtype.itemsize
            file.seek(records.HEADER_BYTES + max(0, count - 1) * dtype.itemsize)
            record = np.frombuffer(file.read(dtype.itemsize if count > 0 else 0), dtype)
    except (OSError, UserError, ValueError):
        return None
    return int(record["step"][0]) if len(record) else None


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
