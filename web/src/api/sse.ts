// SPDX-License-Identifier: Apache-2.0
// Server-sent events over fetch: EventSource can send neither the token nor the language.

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/** Takes the stream in pieces that may end anywhere, also within a line. */
export class EventParser {
  private rest = "";
  private data: string[] = [];
  private event = "";
  private afterReturn = false;
  /** Of the last event that had one; stays for those that have none. */
  lastId = "";

  feed(piece: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    let text = this.rest + piece;
    // A line ends with CR, LF or both; an LF that comes with the next piece belongs to the CR before it.
    if (this.afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (text !== "") this.afterReturn = false;
    let from = 0;
    for (;;) {
      const end = lineEnd(text, from);
      if (end < 0) break;
      this.line(text.slice(from, end), events);
      from = end + 1;
      if (text[end] === "\r") {
        if (text[from] === "\n") from += 1;
        else if (from === text.length) this.afterReturn = true;
      }
    }
    this.rest = text.slice(from);
    return events;
  }

  private line(line: string, events: ServerEvent[]): void {
    if (line === "") {
      if (this.data.length > 0) {
        events.push({ id: this.lastId, event: this.event || "message", data: this.data.join("\n") });
      }
      this.data = [];
      this.event = "";
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment: the server shows that it is there
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.lastId = value;
  }
}

function lineEnd(text: string, from: number): number {
  const feed = text.indexOf("\n", from);
  const back = text.indexOf("\r", from);
  if (feed < 0) return back;
  return back < 0 ? feed : Math.min(feed, back);
}
