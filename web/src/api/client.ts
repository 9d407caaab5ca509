// SPDX-License-Identifier: Apache-2.0
// Requests to the daemon that served this page. Every failure is an ApiError or Unreachable; whether the
// daemon answers at all is in `connection`, for the banner.
import { signal } from "@preact/signals";
import { language } from "../i18n/index.ts";
import { EventParser, type ServerEvent } from "./sse.ts";
import { token } from "./token.ts";
import type { Violation } from "./types.ts";

export type Connection = "connecting" | "online" | "offline" | "unauthorized";
export const connection = signal<Connection>("connecting");

const TIMEOUT_MS = 15_000;
/** For what may be as long as a whole log. */
export const LONG_MS = 600_000;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** One sentence, or the violations of a schema (422). */
    readonly detail: string | Violation[],
  ) {
    super(typeof detail === "string" ? detail : detail.map((entry) => `${entry.loc.slice(1).join(".")}: ${entry.msg}`).join("; "));
  }
}

export class Unreachable extends Error {}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** What to tell people about a failed request. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function headers(body: boolean): Record<string, string> {
  const all: Record<string, string> = { Accept: "application/json", "Accept-Language": language.peek() };
  if (token.peek()) all["Authorization"] = `Bearer ${token.peek()}`;
  if (body) all["Content-Type"] = "application/json";
  return all;
}

async function failure(answer: Response): Promise<ApiError> {
  let detail: string | Violation[] = `${answer.status} ${answer.statusText}`;
  try {
    const body = (await answer.json()) as { detail?: string | Violation[] };
    if (body.detail) detail = body.detail;
  } catch {
    // No JSON: the status line has to do.
  }
  return new ApiError(answer.status, detail);
}

async function send(method: string, path: string, body: unknown, signal?: AbortSignal, more?: Record<string, string>): Promise<Response> {
  let answer: Response;
  try {
    const init: RequestInit = { method, headers: { ...headers(body !== undefined), ...more }, cache: "no-store" };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (signal) init.signal = signal;
    answer = await fetch(path, init);
  } catch (error) {
    if (isAbort(error) && signal?.reason !== "timeout") throw error;
    connection.value = "offline";
    throw new Unreachable();
  }
  // A proxy that stands in front of the daemon answers for it while it is away.
  if (answer.status === 502 || answer.status === 504) {
    connection.value = "offline";
    throw new Unreachable();
  }
  // Reading is open on a loopback listener; where it is not, nothing works without the token.
  connection.value = answer.status === 401 && method === "GET" ? "unauthorized" : "online";
  if (!answer.ok) throw await failure(answer);
  return answer;
}

async function withTimeout<T>(outer: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>, within = TIMEOUT_MS): Promise<T> {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort("timeout"), within);
  const stop = () => control.abort(new DOMException("", "AbortError"));
  if (outer?.aborted) stop();
  outer?.addEventListener("abort", stop);
  try {
    return await work(control.signal);
  } catch (error) {
    if (error === "timeout") {
      connection.value = "offline";
      throw new Unreachable();
    }
    throw error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", stop);
  }
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> =>
  withTimeout(signal, async (inner) => (await send("GET", path, undefined, inner)).json() as Promise<T>);

export const getText = (path: string, signal?: AbortSignal, within?: number): Promise<string> =>
  withTimeout(signal, async (inner) => (await send("GET", path, undefined, inner)).text(), within);

export const post = <T>(path: string, body?: unknown): Promise<T> =>
  withTimeout(undefined, async (inner) => (await send("POST", path, body ?? {}, inner)).json() as Promise<T>);

export const remove = <T>(path: string): Promise<T> =>
  withTimeout(undefined, async (inner) => (await send("DELETE", path, undefined, inner)).json() as Promise<T>);

export const taskPath = (id: string, rest = ""): string => `/api/v2/tasks/${encodeURIComponent(id)}${rest}`;

/** One connection's events until the server closes it; gives the id to go on from. */
export async function readEvents(
  path: string,
  lastId: string,
  signal: AbortSignal,
  on: (events: ServerEvent[]) => void,
): Promise<string> {
  const more: Record<string, string> = { Accept: "text/event-stream" };
  if (lastId) more["Last-Event-ID"] = lastId;
  const answer = await send("GET", path, undefined, signal, more);
  const parser = new EventParser();
  parser.lastId = lastId;
  const reader = answer.body!.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return parser.lastId;
      const events = parser.feed(decoder.decode(value, { stream: true }));
      if (events.length > 0) on(events);
    }
  } catch (error) {
    if (isAbort(error)) throw error;
    return parser.lastId; // the connection broke: go on behind what came
  }
}
