// SPDX-License-Identifier: Apache-2.0
// Figures of any shape: plain values as pairs, lists of objects as tables. The names are those of the API.
import type { JSX } from "preact";
import { metric } from "../lib/format.ts";
import { Facts } from "../ui/parts.tsx";

type Row = Record<string, unknown>;
const isRow = (value: unknown): value is Row => typeof value === "object" && value !== null && !Array.isArray(value);
const isTable = (value: unknown): value is Row[] => Array.isArray(value) && value.length > 0 && value.every(isRow);

function text(value: unknown): string {
  if (value == null) return "–";
  if (typeof value === "number") return Number.isInteger(value) ? value.toLocaleString("en") : metric(value);
  if (Array.isArray(value)) return value.map(text).join(", ");
  return isRow(value) ? Object.entries(value).map(([name, inner]) => `${name} ${text(inner)}`).join(", ") : String(value);
}

function Table({ name, rows }: { name: string; rows: readonly Row[] }): JSX.Element {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const numeric = new Set(columns.filter((column) => rows.every((row) => row[column] == null || typeof row[column] === "number")));
  return (
    <section class="card" aria-label={name}>
      <h2 class="mono">{name}</h2>
      <div class="scroll-x" tabIndex={0} role="group" aria-label={name}>
        <table>
          <thead><tr>{columns.map((column) => <th key={column} scope="col" class={`mono ${numeric.has(column) ? "right" : ""}`}>{column}</th>)}</tr></thead>
          <tbody>
            {rows.slice(0, 500).map((row, index) => (
              <tr key={index}>{columns.map((column) => <td key={column} class={numeric.has(column) ? "right num" : "breaks"}>{text(row[column])}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

export function Statistics({ values }: { values: Row }): JSX.Element {
  const nested = Object.entries(values).flatMap(([name, value]): [string, unknown][] =>
    isRow(value) ? Object.entries(value).map(([inner, deep]) => [`${name}.${inner}`, deep]) : [[name, value]]);
  const tables = nested.filter(([, value]) => isTable(value)) as [string, Row[]][];
  const plain = nested.filter(([, value]) => !isTable(value) && !(Array.isArray(value) && value.length === 0));
  return (
    <>
      <section class="card"><Facts rows={plain.map(([name, value]) => [name, text(value)] as const)} /></section>
      {tables.map(([name, rows]) => <Table key={name} name={name} rows={rows} />)}
    </>
  );
}
