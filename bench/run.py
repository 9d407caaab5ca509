#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: runs every measurement, prints the table, writes the results."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import depth  # noqa: E402
import models  # noqa: E402
import scheduling  # noqa: E402
import short_commands  # noqa: E402
import start_up  # noqa: E402
import status_reads  # noqa: E402
import stft  # noqa: E402
import together  # noqa: E402
import watching  # noqa: E402
from figures import Figure, print_table, write_results  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    bin_dir = Path(os.environ["BERTH_BIN_DIR"])
    fakes = Path(os.environ["BERTH_FAKES_DIR"])
    figures: list[Figure] = []
    figures += start_up.measure(bin_dir, fakes)
    figures += scheduling.measure(bin_dir.parent)
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as directory:
        figures += stft.measure(bin_dir.parent, Path(directory))
        figures += models.measure(bin_dir, Path(directory))
    # Nothing is deleted until the end: on some file systems that slows down what comes after it.
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as directory:
        for part in (short_commands, status_reads, together, depth):
            folder = Path(directory) / part.__name__
            folder.mkdir()
            figures += part.measure(folder)
    tools = os.environ.get("BERTH_GPU_TOOLS")
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as directory:
        figures += watching.measure(Path(directory), Path(tools) if tools else None)
    print_table(figures)
    write_results(figures, arguments.out)
    missed = [f.name for f in figures if f.met is False]
    if missed:
        print("goals missed: " + ", ".join(missed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
