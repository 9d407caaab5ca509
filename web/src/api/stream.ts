// SPDX-License-Identifier: Apache-2.0
// A stream of events that is followed until the server says that it has ended: connects again behind the last
// event after a break, and rests while nobody sees the page (a browser has six connections per daemon).
import { ApiError, isAbort, readEvents } from "./client.ts";
import type { ServerEvent } from "./sse.ts";

const REST_AFTER_MS = 30_000;
const RETRY_MS = [500, 1000, 2000, 4000];

export interface Follower {
  /** Gives true for the event after which nothing comes. */
  on: (events: ServerEvent[]) => boolean;
  onBreak?: () => void;
  onEnd?: (error?: ApiError) => void;
}

/** Gives the function that ends it. */
export function follow(path: string, follower: Follower, resume = true): () => void {
  let stopped = false;
  let ended = false;
  let lastId = "";
  let control: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  const run = async () => {
    control = new AbortController();
    const mine = control;
    try {
      const id = await readEvents(path, resume ? lastId : "", mine.signal, (events) => {
        failures = 0;
        lastId = events[events.length - 1]!.id;
        if (!stopped && follower.on(events)) ended = true;
      });
      if (id) lastId = id;
    } catch (error) {
      if (isAbort(error)) return;
      if (error instanceof ApiError && error.status !== 503) {
        // Removed, or not allowed: coming back would not change it.
        ended = true;
        if (!stopped) follower.onEnd?.(error);
        return;
      }
    } finally {
      if (control === mine) control = null;
    }
    if (stopped) return;
    if (ended) {
      follower.onEnd?.();
      return;
    }
    follower.onBreak?.();
    const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]!;
    failures += 1;
    timer = setTimeout(() => void run(), wait);
  };

  const onVisibility = () => {
    clearTimeout(timer);
    if (stopped || ended) return;
    if (document.hidden) timer = setTimeout(() => control?.abort(), REST_AFTER_MS);
    else if (!control) void run();
  };
  document.addEventListener("visibilitychange", onVisibility);
  void run();
  return () => {
    stopped = true;
    clearTimeout(timer);
    control?.abort();
    document.removeEventListener("visibilitychange", onVisibility);
  };
}
