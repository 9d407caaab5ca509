// SPDX-License-Identifier: Apache-2.0
// Places of this page are fragments, so that links to a task can be passed on: #/tasks/ID.
import { signal } from "@preact/signals";

export type View = "devices" | "device" | "tasks" | "task" | "array" | "start" | "leases" | "unknown";

export interface Route {
  view: View;
  /** Of the device, task or array; the kind of task on "start". */
  id: string;
  query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#/, "").split("?", 2);
  const query = new URLSearchParams(search);
  const parts = path.split("/").filter((part) => part !== "").map(decode);
  const [first = "devices", id = ""] = parts;
  if (parts.length > 2) return { view: "unknown", id: "", query };
  if (first === "devices") return { view: id ? "device" : "devices", id, query };
  if (first === "tasks") return { view: id ? "task" : "tasks", id, query };
  if (first === "arrays" && id) return { view: "array", id, query };
  if (first === "start") return { view: "start", id: id || "command", query };
  if (first === "leases" && !id) return { view: "leases", id: "", query };
  return { view: "unknown", id: "", query };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal<Route>(parseRoute(location.hash));

addEventListener("hashchange", () => {
  route.value = parseRoute(location.hash);
});

export const linkTo = (first: string, id = "", query: Record<string, string> = {}): string => {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString();
  return `#/${first}${id ? `/${encodeURIComponent(id)}` : ""}${search ? `?${search}` : ""}`;
};

export function go(hash: string): void {
  location.hash = hash;
}

/** Changes the query without a step in the browser's history. */
export function replace(hash: string): void {
  history.replaceState(null, "", hash);
  route.value = parseRoute(hash);
}
