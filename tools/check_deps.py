#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the arrows of docs/architecture.md: which module of src/ may include which, and which files
may see the heavy third-party headers. Prints every violation; exit status 1 when there is one."""

import re
import sys
from pathlib import Path

ALLOWED = {
    "base": set(),
    "model": {"base"},
    "core": {"base", "model"},
    "sim": {"base", "model", "core"},
    "device": {"base", "model"},
    "supervise": {"base", "model", "shim"},
    "shim": set(),
    "store": {"base", "model"},
    "cluster": {"base", "model"},
    "metrics": {"base", "model"},
    "http": {"base"},
    "api": {"base", "model", "core", "http"},
    "cli": {"base", "model", "http", "device"},
    "daemon": {"base", "model", "core", "device", "supervise", "store", "http", "api", "cluster", "metrics"},
}
# `cli` sees devices only for what must work without the daemon, and HTTP only as a client.
ONLY_FILES = {
    ("cli", "device"): {"devices.cc"},
}
ONLY_HEADERS = {("cli", "http"): {"http/client.h", "http/event_reader.h", "http/request.h"}}
# Headers that stay inside their module, and how many of its files may see them.
FENCED = {
    "boost/beast": ("http", 4),
    "curl/": ("http", 1),
    "sqlite3.h": ("store", 1),
    "yaml-cpp/": ("daemon", 1),
    "CLI/": ("cli", 2),
    "torch/": (None, 0),
    "boost/asio/awaitable": (None, 0),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.MULTILINE)


def module_violations(path: Path, module: str, headers: list[str]) -> list[str]:
    found = []
    for header in headers:
        target = header.split("/")[0] if "/" in header else None
        if target not in ALLOWED or target == module:
            continue
        if target not in ALLOWED[module]:
            found.append(f"{path}: {module} may not include {header}")
        files = ONLY_FILES.get((module, target))
        if files is not None and path.name not in files:
            found.append(f"{path}: only {', '.join(sorted(files))} of {module} may include {header}")
        only = ONLY_HEADERS.get((module, target))
        if only is not None and header not in only:
            found.append(f"{path}: {module} may not include {header}")
    return found


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    violations = []
    seen: dict[str, list[str]] = {fence: [] for fence in FENCED}
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".h", ".cc", ".c"}:
            continue
        relative = path.relative_to(root)
        module = relative.parts[1]
        headers = INCLUDE.findall(path.read_text(encoding="utf-8"))
        if module not in ALLOWED:
            violations.append(f"{relative}: {module} is no module of docs/architecture.md")
            continue
        violations += module_violations(relative, module, headers)
        for fence in FENCED:
            if any(header.startswith(fence) for header in headers):
                seen[fence].append(str(relative))
    for fence, (home, limit) in FENCED.items():
        for name in seen[fence]:
            if home is None or name.split("/")[1] != home:
                violations.append(f"{name}: {fence} belongs to {home or 'no module'}")
        if home is not None and len(seen[fence]) > limit:
            violations.append(f"{fence} is seen by {len(seen[fence])} files, {limit} may: {', '.join(seen[fence])}")
    for line in violations:
        print(line)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
