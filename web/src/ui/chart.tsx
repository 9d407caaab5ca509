// SPDX-License-Identifier: Apache-2.0
// A chart of lines (uPlot). Colours come from the style sheet, so it is drawn anew when the theme changes; what it
// shows is also there as a table, for who cannot see it.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { language, t } from "../i18n/index.ts";
import { dark } from "../state/preferences.ts";

export interface Line {
  label: string;
  /** A custom property of the style sheet. */
  color: string;
  values: (number | null)[];
  dash?: boolean;
}

export interface ChartProps {
  title: string;
  x: number[];
  lines: readonly Line[];
  /** Seconds since 1970, or plain numbers (epochs, steps). */
  time?: boolean;
  xLabel?: string;
  from?: number;
  to?: number;
  format: (value: number | null) => string;
  height?: number;
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(props: ChartProps, width: number): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: css("--muted"), grid: { stroke: css("--line"), width: 1 }, ticks: { show: false },
    font: `11px ${css("--sans")}`, gap: 6,
  };
  const times = new Intl.DateTimeFormat(language.peek(), { hour: "2-digit", minute: "2-digit", hour12: false });
  const days = new Intl.DateTimeFormat(language.peek(), { month: "short", day: "numeric" });
  const seconds = new Intl.DateTimeFormat(language.peek(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  const short = new Intl.DateTimeFormat(language.peek(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  const onTime = (_: uPlot, splits: number[]) => 
    splits[1]! - splits[0]! < 60 ? splits.map((at) => short.format(at * 1000)) : splits.map((at) => (new Date(at * 1000).getHours() === 0 && new Date(at * 1000).getMinutes() === 0 ? days : times).format(at * 1000));
  return {
    width,
    height: props.height ?? 170,
    padding: [10, 8, 0, 0],
    scales: {
      x: { time: props.time ?? false },
      y: {
        range: (_, low, high) => {
          if (low == null || high == null) return [props.from ?? 0, props.to ?? 1];
          const room = (high - low || Math.abs(high) || 1) * 0.08;
          return [props.from ?? low - room, props.to ?? high + room];
        },
      },
    },
    axes: [
      props.time ? { ...axis, size: 26, space: 76, values: onTime } : { ...axis, size: 26, space: 50, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000, 1000000] },
      { ...axis, size: 58, space: 34, values: (_, splits) => splits.map((value) => props.format(value)) },
    ],
    series: [
      { label: props.xLabel ?? "", value: (_, at) => (at == null ? "–" : props.time ? seconds.format(at * 1000) : String(at)) },
      ...props.lines.map((line): uPlot.Series => ({
        label: line.label, stroke: css(line.color), width: 1.5, points: { show: props.x.length < 2 }, value: (_, value) => props.format(value),
        ...(line.dash ? { dash: [4, 3] } : {}),
      })),
    ],
    cursor: { drag: { x: true, y: false }, points: { size: 6 }, ...(props.time ? { sync: { key: "time" } } : {}) },
    legend: { live: true },
    hooks: { setCursor: [showNewest], setData: [showNewest] },
  };
}

/** While nothing is pointed at, the legend tells the newest values. */
function showNewest(plot: uPlot): void {
  if (plot.cursor.idx == null) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

const aligned = (props: ChartProps): uPlot.AlignedData => [props.x, ...props.lines.map((line) => line.values)];

export function Chart(props: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isDark = dark.value;
  const shape = `${isDark}|${language.value}|${props.title}|${props.lines.map((line) => line.label).join()}`;
  useEffect(() => {
    const element = place.current!;
    const made = new uPlot(options(props, Math.max(160, element.clientWidth)), aligned(props), element);
    plot.current = made;
    showNewest(made);
    const observer = new ResizeObserver(() => made.setSize({ width: Math.max(160, element.clientWidth), height: props.height ?? 170 }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(aligned(props));
  }, [props.x, props.lines]);
  const last = props.lines.map((line) => `${line.label} ${props.format(line.values[line.values.length - 1] ?? null)}`).join(", ");
  return (
    <figure class="chart">
      <figcaption>{props.title}</figcaption>
      <div ref={place} class="chart-plot" role="img" aria-label={t("curves.summary", { title: props.title, series: last })} />
    </figure>
  );
}
