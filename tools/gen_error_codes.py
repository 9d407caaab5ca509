#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes base/error_codes.h from api/error-codes.yaml: gen_error_codes.py INPUT OUTPUT."""

import sys

import yaml


def camel(name: str) -> str:
    return "k" + "".join(part.capitalize() for part in name.split("_"))


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main() -> int:
    source, target = sys.argv[1:3]
    with open(source, encoding="utf-8") as handle:
        spec = yaml.safe_load(handle)
    errors, refusals = spec["errors"], spec["refusals"]
    lines = [
        "// SPDX-License-Identifier: Apache-2.0",
        "// Generated from api/error-codes.yaml. Do not edit.",
        "#pragma once",
        "",
        "#include <array>",
        "#include <cstdint>",
        "#include <string_view>",
        "",
        "namespace berth::base {",
        "",
        "enum class ErrorCode : std::uint8_t {",
        *[f"  {camel(e['code'])}," for e in errors],
        "};",
        "",
        "struct ErrorCodeRow {",
        "  ErrorCode code;",
        "  std::string_view name;",
        "  int http_status;",
        "  int exit_status;",
        "  std::string_view text;",
        "};",
        "",
        f"inline constexpr std::array<ErrorCodeRow, {len(errors)}> kErrorCodes{{{{",
        *[
            f"    {{ErrorCode::{camel(e['code'])}, {quoted(e['code'])}, {e['http']}, {e['exit']},"
            f" {quoted(e['text'])}}},"
            for e in errors
        ],
        "}};",
        "",
        "enum class RefusalCode : std::uint8_t {",
        *[f"  {camel(r['code'])}," for r in refusals],
        "};",
        "",
        "struct RefusalCodeRow {",
        "  RefusalCode code;",
        "  std::string_view name;",
        "  bool never;",
        "  std::string_view text;",
        "};",
        "",
        f"inline constexpr std::array<RefusalCodeRow, {len(refusals)}> kRefusalCodes{{{{",
        *[
            f"    {{RefusalCode::{camel(r['code'])}, {quoted(r['code'])},"
            f" {'true' if r['verdict'] == 'never' else 'false'}, {quoted(r['text'])}}},"
            for r in refusals
        ],
        "}};",
        "",
        "}  // namespace berth::base",
        "",
    ]
    with open(target, "w", encoding="utf-8") as handle:
        handle.write("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
