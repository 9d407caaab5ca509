#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The GPU memory check of document 004: `berth check`, in that document's language.

    python scripts/check_gpu_memory.py          memory, processes and a recommendation for each GPU
    python scripts/check_gpu_memory.py auto     what SENSEVOICE_DEVICE=auto looks at and takes
    python scripts/check_gpu_memory.py --json   for programs

Ends with 1 where there is no GPU. LANGUAGE=en has it in English.
"""

import os
import shutil
import sys
from pathlib import Path


def program() -> str | None:
    """The `berth` of this checkout, or the one that is installed."""
    built = Path(__file__).resolve().parent.parent / "build/release/bin/berth"
    return str(built) if os.access(built, os.X_OK) else shutil.which("berth")


def main() -> int:
    berth = program()
    if berth is None:
        print("berth 未安装：请先运行 make build 或 make install (berth is not installed)", file=sys.stderr)
        return 127
    arguments = ["--auto" if word == "auto" else word for word in sys.argv[1:]]
    english = os.environ.get("LANGUAGE", "").startswith("en")
    environment = {**os.environ, "LC_ALL": "C.UTF-8" if english else "zh_CN.UTF-8"}
    os.execve(berth, [berth, "check", *arguments], environment)


if __name__ == "__main__":
    sys.exit(main())
