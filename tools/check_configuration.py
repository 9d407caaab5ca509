#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""docs/configuration.md and docs/berth.yaml have every key, environment variable and option that berthd knows, no other
key, and the truth about which keys are read again."""

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
#: Levels of `limits`, which are read by hand, and the placeholder for a pool's name.
LEVELS = {"gpu", "cpu", "training", "inference", "NAME"}
ROW = re.compile(r"^\| `([\w.]+)` \|.*\| (restart|at once) \|", re.MULTILINE)


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def known_keys(code: str) -> set[str]:
    """First strings of the rows of reader tables, and the sets of keys."""
    keys = set(re.findall(r'\{"([a-z_]+)",\s*(?:\[|\w+\(|read_\w+)', code))
    for names in re.findall(r"std::set<std::string> kKeys\{([^}]*)\}", code):
        keys |= set(re.findall(r'"([a-z_]+)"', names))
    return keys


def main() -> int:
    config, scheduler = text("src/daemon/config.cc"), text("src/daemon/scheduler_config.cc")
    keys = known_keys(config) | known_keys(scheduler) | known_keys(text("src/daemon/notice_config.cc"))
    fixed = set(re.findall(r'compare\("(\w+)"', text("src/daemon/main.cc")))
    page = text("docs/configuration.md")
    rows = dict(ROW.findall(page))
    words = {word for name in rows for word in name.split(".")}
    wrong = [f"docs/configuration.md has no row for `{key}`" for key in sorted(keys - words)]
    wrong += [f"docs/configuration.md: berthd knows no key `{key}`" for key in sorted(words - keys - LEVELS)]
    for name, changes in rows.items():
        if (changes == "restart") != (name.split(".")[0] in fixed):
            wrong.append(f"docs/configuration.md: `{name}` does not change with \"{changes}\" (fixed_keys of main.cc)")
    variables = set(re.findall(r'environment\("(\w+)"\)|"([A-Z]+_[A-Z_]+)"', config))
    for name in sorted({first or second for first, second in variables} | set(re.findall(r'"(--[a-z-]+)"', config))):
        if f"`{name}" not in page:
            wrong.append(f"docs/configuration.md says nothing of {name}")
    example = yaml.safe_load(re.sub(r"^#(?=[a-z_]+:)", "", text("docs/berth.yaml"), flags=re.MULTILINE))
    top = {name for name in rows if "." not in name}
    wrong += [f"docs/berth.yaml lacks {key}" for key in sorted(top - example.keys())]
    wrong += [f"docs/berth.yaml: there is no {key}" for key in sorted(example.keys() - top)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong or not keys or not fixed else 0


if __name__ == "__main__":
    sys.exit(main())
