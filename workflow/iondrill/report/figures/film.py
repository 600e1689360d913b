"""Frames as a film that any program shows: an animated GIF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from iondrill.files import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WIDTH_PX = 900
FRAME_MS, LAST_MS = 600, 1800


def write_film(frames: Sequence[Path], path: Path) -> None:
    """Write pictures of one size as a GIF that repeats, its last frame held.

    Parameters
    ----------
    frames : sequence of Path
        PNG files, in order; at least one.
    path : Path
        The ``.gif``. One palette serves all frames: their colours compare.
    """
    from PIL import Image

    pictures = []
    for frame in frames:
        with Image.open(io.BytesIO(frame.read_bytes())) as image:
            picture = image.convert("RGB")
        size = (WIDTH_PX, round(picture.height * WIDTH_PX / picture.width))
        pictures.append(picture.resize(size, Image.Resampling.LANCZOS) if picture.width > WIDTH_PX else picture)
    first = pictures[0].quantize(256)
    film = [first, *(picture.quantize(palette=first, dither=Image.Dither.NONE) for picture in pictures[1:])]
    times = [*[FRAME_MS] * (len(film) - 1), LAST_MS]
    with replacing(path) as temporary:
        film[0].save(temporary, "GIF", save_all=True, append_images=film[1:], duration=times, loop=0)
