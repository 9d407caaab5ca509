# SPDX-License-Identifier: Apache-2.0
"""Small data sets: noise around a colour of the class, as PNG and BMP, in ImageFolder layout."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path

COLOURS = {"amber": (220, 150, 40), "blue": (40, 60, 200), "crimson": (200, 30, 60), "denim": (30, 110, 150)}
Rows = list[bytes]


def noise(rng: random.Random, colour: tuple[int, int, int], side: int, spread: int = 60) -> Rows:
    rows = []
    for _ in range(side):
        row = bytearray()
        for _ in range(side):
            row += bytes(max(0, min(255, channel + rng.randrange(-spread, spread))) for channel in colour)
        rows.append(bytes(row))
    return rows


def write_png(path: Path, rows: Rows) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def write_bmp(path: Path, rows: Rows) -> None:
    width = len(rows[0]) // 3
    padding = b"\0" * (-len(rows[0]) % 4)
    pixels = b""
    for row in reversed(rows):
        pixels += b"".join(row[i : i + 3][::-1] for i in range(0, len(row), 3)) + padding
    head = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, width, len(rows), 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    path.write_bytes(head + info + pixels)


class DataSet:
    """`root`/train and `root`/val with a folder per class."""

    def __init__(
        self, root: Path, classes: int = 3, train: int = 24, val: int = 8, side: int = 48, seed: int = 1
    ) -> None:
        self.root = root
        self.names = sorted(COLOURS)[:classes]
        rng = random.Random(seed)
        for part, count in (("train", train), ("val", val)):
            for name in self.names:
                place = root / part / name
                place.mkdir(parents=True)
                for number in range(count):
                    write = write_png if number % 2 else write_bmp
                    suffix = "png" if number % 2 else "bmp"
                    write(place / f"{number:03}.{suffix}", noise(rng, COLOURS[name], side))

    @property
    def train(self) -> Path:
        return self.root / "train"

    @property
    def val(self) -> Path:
        return self.root / "val"
