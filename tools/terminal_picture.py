#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Turns coloured terminal output (standard input) into an SVG picture: terminal_picture.py TITLE > OUT.svg."""

import html
import re
import sys
import unicodedata

CELL, LINE, SIZE, PAD, BAR = 8.43, 19, 14, 16, 34
COLOURS = {
    30: "#484f58", 31: "#ff7b72", 32: "#3fb950", 33: "#d29922", 34: "#58a6ff", 35: "#bc8cff", 36: "#39c5cf",
    37: "#c9d1d9", 90: "#8b949e", 91: "#ffa198", 92: "#56d364", 93: "#e3b341", 94: "#79c0ff", 95: "#d2a8ff",
    96: "#56d4dd", 97: "#f0f6fc",
}
ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


def width(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def apply(style: dict, codes: str) -> dict:
    style = dict(style)
    for code in [int(c or 0) for c in codes.split(";")]:
        if code == 0:
            style = {}
        elif code == 1:
            style["weight"] = "bold"
        elif code == 2:
            style["opacity"] = "0.65"
        elif code == 22:
            style.pop("weight", None)
            style.pop("opacity", None)
        elif code == 39:
            style.pop("fill", None)
        elif code in COLOURS:
            style["fill"] = COLOURS[code]
    return style


def spans(line: str, style: dict) -> tuple[list[tuple[str, dict]], dict]:
    result, at = [], 0
    for escape in ESCAPE.finditer(line):
        if escape.start() > at:
            result.append((line[at:escape.start()], style))
        style, at = apply(style, escape.group(1)), escape.end()
    if at < len(line):
        result.append((line[at:], style))
    return result, style


def main() -> int:
    title = sys.argv[1] if len(sys.argv) > 1 else "berth"
    lines = sys.stdin.read().rstrip("\n").split("\n")
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines]
    columns = max(width(ESCAPE.sub("", line)) for line in lines)
    w, h = columns * CELL + 2 * PAD, len(lines) * LINE + BAR + 2 * PAD
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}"'
        f' role="img" aria-label="{html.escape(title)}">',
        f'<rect width="{w:.0f}" height="{h:.0f}" rx="10" fill="#0d1117"/>',
        *(f'<circle cx="{20 + 20 * i}" cy="18" r="6" fill="{c}"/>' for i, c in enumerate(("#ff5f56", "#ffbd2e", "#27c93f"))),
        f'<text x="{w / 2:.0f}" y="23" text-anchor="middle" fill="#8b949e" font-family="sans-serif" font-size="13">'
        f"{html.escape(title)}</text>",
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{SIZE}" fill="#c9d1d9"'
        ' xml:space="preserve">',
    ]
    style: dict = {}
    for row, line in enumerate(lines):
        parts, style = spans(line, style)
        column, y = 0, BAR + PAD + row * LINE + SIZE - 2
        for text, look in parts:
            if text.strip():
                attributes = "".join(
                    f' {"font-weight" if k == "weight" else k}="{v}"' for k, v in look.items())
                out.append(
                    f'<text x="{PAD + column * CELL:.1f}" y="{y}" textLength="{width(text) * CELL:.1f}"'
                    f' lengthAdjust="spacingAndGlyphs"{attributes}>{html.escape(text).replace(" ", chr(0xA0))}</text>')
            column += width(text)
    out += ["</g>", "</svg>"]
    print("\n".join(out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
