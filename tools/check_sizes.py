#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No hand-written source file over 800 lines; over 400 only by exception, which is counted and printed."""

import subprocess
import sys
from pathlib import Path

RULE, OUTSIDE, EXCEPTIONS = 400, 800, 8
SUFFIXES = {".h", ".cc", ".c", ".cpp", ".cu", ".py", ".ts", ".tsx", ".sh"}


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True, text=True,
    ).stdout.splitlines()
    failed, long = False, []
    for name in listed:
        path = root / name
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > OUTSIDE:
            print(f"{name}: {lines} lines, {OUTSIDE} are the outside: split it by noun or verb")
            failed = True
        elif lines > RULE:
            long.append(f"{name}: {lines}")
    if len(long) > EXCEPTIONS:
        print(f"{len(long)} files over {RULE} lines, {EXCEPTIONS} may be:", *long, sep="\n  ")
        failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
