// SPDX-License-Identifier: Apache-2.0
// A few pictures of noise around a colour for each class, as PNG: enough to train on.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "./png.ts";

const COLOURS: Record<string, readonly [number, number, number]> = { amber: [220, 150, 40], blue: [40, 60, 200], crimson: [200, 30, 60] };

function chunk(name: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

function picture(colour: readonly [number, number, number], side: number, seed: number): Buffer {
  let state = seed;
  const noise = () => ((state = (state * 1103515245 + 12345) & 0x7fffffff) % 80) - 40;
  const rows = Buffer.alloc(side * (1 + side * 3));
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side * 3; x += 1) rows[y * (1 + side * 3) + 1 + x] = Math.max(0, Math.min(255, colour[x % 3]! + noise()));
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** `folder`/train and `folder`/val. */
export function makeDataSet(folder: string, each = 8, side = 40): { train: string; val: string } {
  for (const part of ["train", "val"]) {
    for (const [name, colour] of Object.entries(COLOURS)) {
      const place = join(folder, part, name);
      mkdirSync(place, { recursive: true });
      for (let i = 0; i < each; i += 1) writeFileSync(join(place, `${i}.png`), picture(colour, side, i * 7919 + (part === "val" ? 1 : 0)));
    }
  }
  return { train: join(folder, "train"), val: join(folder, "val") };
}
