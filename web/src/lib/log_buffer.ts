// SPDX-License-Identifier: Apache-2.0
// The lines of a log that are kept in the page, and which of them a filter lets through. New lines are looked at
// once; the oldest go when there are too many.
import type { LogRecord } from "../api/types.ts";
import { plainLine } from "./format.ts";

export interface LogLine {
  number: number;
  at: string;
  level: LogRecord["level"];
  text: string;
  stream: "stdout" | "stderr" | "";
}

export type Level = "INFO" | "WARNING" | "ERROR";
const RANK: Record<Level, number> = { INFO: 0, WARNING: 1, ERROR: 2 };

export class LogBuffer {
  private lines: LogLine[] = [];
  private matching: LogLine[] = [];
  private level: Level = "INFO";
  private text = "";
  private next = 1;
  dropped = 0;

  constructor(private readonly most = 50_000) {}

  add(records: readonly LogRecord[]): void {
    for (const record of records) {
      // A record may have several lines of text, a row shows one.
      for (const text of record.message.split("\n")) {
        const line: LogLine = { number: this.next, at: record.timestamp, level: record.level, text: plainLine(text), stream: record.stream ?? "" };
        this.next += 1;
        this.lines.push(line);
        if (this.lets(line)) this.matching.push(line);
      }
    }
    // Cut rarely and by much: each cut moves all that is kept.
    if (this.lines.length > this.most * 1.2) {
      const cut = this.lines.length - this.most;
      this.dropped += cut;
      this.lines = this.lines.slice(cut);
      const first = this.lines[0]!.number;
      const from = this.matching.findIndex((line) => line.number >= first);
      this.matching = from < 0 ? [] : this.matching.slice(from);
    }
  }

  filter(level: Level, text: string): void {
    this.level = level;
    this.text = text.toLowerCase();
    this.matching = this.lines.filter((line) => this.lets(line));
  }

  get shown(): readonly LogLine[] {
    return this.matching;
  }

  get size(): number {
    return this.lines.length;
  }

  private lets(line: LogLine): boolean {
    return RANK[line.level] >= RANK[this.level] && (this.text === "" || line.text.toLowerCase().includes(this.text));
  }
}
