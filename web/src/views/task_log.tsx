// SPDX-License-Identifier: Apache-2.0
// The log as it grows. Its lines are always text, whatever is in them: they go into the document as text nodes.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getText, LONG_MS, taskPath } from "../api/client.ts";
import { EventParser } from "../api/sse.ts";
import { follow } from "../api/stream.ts";
import type { LogEnd, LogRecord } from "../api/types.ts";
import { language, t } from "../i18n/index.ts";
import { count, logClock } from "../lib/format.ts";
import { LogBuffer, type Level, type LogLine } from "../lib/log_buffer.ts";
import { visibleRange } from "../lib/virtual.ts";
import { complain } from "../ui/actions.tsx";
import { Icon } from "../ui/icons.tsx";

const ROW = 20;
const WRAPPED = 2000;
const DRAW_MS = 100;

function Line({ line, top }: { line: LogLine; top?: number }): JSX.Element {
  return (
    <div class={`log-line level-${line.level} ${line.stream}`} style={top === undefined ? undefined : { transform: `translateY(${top}px)` }}>
      <time dateTime={line.at}>{logClock(line.at)}</time>
      <span>{line.text}</span>
    </div>
  );
}

async function download(id: string): Promise<void> {
  try {
    const parser = new EventParser();
    const events = parser.feed(await getText(taskPath(id, "/logs?follow=false"), undefined, LONG_MS));
    const lines = events.map((event) => JSON.parse(event.data) as LogRecord | LogEnd)
      .map((record) => ("timestamp" in record ? `${record.timestamp} ${record.level} ${record.message}\n` : ""));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(lines, { type: "text/plain" }));
    link.download = `${id.replace(/[^\w.-]/g, "_")}.log`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (error) {
    complain(error);
  }
}

interface Live {
  buffer: LogBuffer;
  version: number;
  end: LogEnd | null;
  broken: boolean;
}

function useLog(id: string): { live: Live; redraw: () => void } {
  const live = useRef<Live>({ buffer: new LogBuffer(), version: 0, end: null, broken: false });
  const [, setVersion] = useState(0);
  const redraw = () => {
    live.current.version += 1;
    setVersion(live.current.version);
  };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Many lines may come at once: they are drawn ten times a second at most.
    const later = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        redraw();
      }, DRAW_MS);
    };
    const stop = follow(taskPath(id, "/logs"), {
      on: (events) => {
        const records: LogRecord[] = [];
        for (const event of events) {
          const record = JSON.parse(event.data) as LogRecord | LogEnd;
          if ("timestamp" in record) records.push(record);
          else live.current.end = record;
        }
        live.current.buffer.add(records);
        live.current.broken = false;
        later();
        return live.current.end !== null;
      },
      onBreak: () => {
        live.current.broken = true;
        later();
      },
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [id]);
  return { live: live.current, redraw };
}

export function LogTab({ id }: { id: string }): JSX.Element {
  const { live, redraw } = useLog(id);
  const scroller = useRef<HTMLDivElement>(null);
  const [following, setFollowing] = useState(true);
  const [frozen, setFrozen] = useState<readonly LogLine[] | null>(null);
  const [wrap, setWrap] = useState(false);
  const [level, setLevel] = useState<Level>("INFO");
  const [text, setText] = useState("");
  const [view, setView] = useState({ top: 0, height: 400 });
  const lines = frozen ?? live.buffer.shown;
  const behind = frozen ? Math.max(0, live.buffer.shown.length - frozen.length) : 0;

  useEffect(() => {
    const element = scroller.current!;
    const observer = new ResizeObserver(() => setView((before) => ({ ...before, height: element.clientHeight })));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (following && !frozen && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [lines.length, following, wrap, view.height, live.version]);
  useEffect(() => {
    live.buffer.filter(level, text);
    setFrozen(null);
    redraw();
  }, [level, text]);

  const onScroll = (event: Event) => {
    const element = event.currentTarget as HTMLElement;
    setView({ top: element.scrollTop, height: element.clientHeight });
    // Whoever scrolls up wants to read; at the end it follows again.
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < ROW * 2;
    setFollowing(atEnd);
  };
  const range = visibleRange(view.top, view.height, ROW, lines.length, 12);
  return (
    <div class="log">
      <div class="log-tools">
        <button type="button" class="button small" aria-pressed={following} onClick={() => { setFrozen(null); setFollowing(true); }}>
          <Icon name="down" size={14} />{t("log.follow")}
        </button>
        <button type="button" class="button small" aria-pressed={frozen !== null} onClick={() => setFrozen(frozen ? null : [...live.buffer.shown])}>
          <Icon name={frozen ? "play" : "pause"} size={14} />{t(frozen ? "log.resume" : "log.pause")}
        </button>
        {behind > 0 && <span class="muted" role="status">{t("log.new", { count: count(behind, language.value) })}</span>}
        <select aria-label={t("log.level")} value={level} onChange={(event) => setLevel(event.currentTarget.value as Level)}>
          <option value="INFO">{t("log.level.all")}</option>
          <option value="WARNING">{t("log.level.warning")}</option>
          <option value="ERROR">{t("log.level.error")}</option>
        </select>
        <span class="find">
          <Icon name="search" size={14} />
          <input data-find type="search" aria-label={t("log.search")} placeholder={t("log.search")} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </span>
        <span class="push muted num">
          {t("log.lines", { count: count(live.buffer.size, language.value) })}
          {live.buffer.dropped > 0 && ` · ${t("log.dropped", { count: count(live.buffer.dropped, language.value) })}`}
        </span>
        <button type="button" class="button quiet icon-only small" aria-pressed={wrap} aria-label={t("log.wrap")} title={t("log.wrap")} onClick={() => setWrap(!wrap)}><Icon name="wrap" size={14} /></button>
        <button type="button" class="button quiet icon-only small" aria-label={t("log.download")} title={t("log.download")} onClick={() => void download(id)}><Icon name="download" size={14} /></button>
      </div>
      {/* Not a live region: hundreds of lines would be read out. The end is told below. */}
      <div ref={scroller} class={`log-lines ${wrap ? "wrap" : ""}`} tabIndex={0} role="region" aria-label={t("log.label")} onScroll={onScroll}>
        {lines.length === 0 && <p class="muted log-empty">{t(live.buffer.size > 0 ? "log.nomatch" : "log.empty")}</p>}
        {wrap
          ? lines.slice(-WRAPPED).map((line) => <Line key={line.number} line={line} />)
          : <div class="log-space" style={{ height: `${lines.length * ROW}px` }}>{lines.slice(range.first, range.end).map((line, offset) => <Line key={line.number} line={line} top={(range.first + offset) * ROW} />)}</div>}
      </div>
      <p class="log-end" role="status">{live.end ? t("log.ended", { message: live.end.message }) : live.broken ? t("log.broken") : ""}</p>
    </div>
  );
}
