// SPDX-License-Identifier: Apache-2.0
// Asking again and again: at once when the page comes into sight, seldom while nobody sees it, gently while the
// daemon is away.
import { useEffect, useRef } from "preact/hooks";
import { connection, isAbort } from "../api/client.ts";

const HIDDEN_MS = 20_000;
const OFFLINE_MS = 2_000;
/** Nothing changes until the token is entered, and then it is asked at once. */
const UNAUTHORIZED_MS = 15_000;

export interface Poll {
  /** Now, instead of at its time. */
  refresh: () => void;
  stop: () => void;
}

const running = new Set<() => void>();

/** Everything anew, at once: the daemon is back, or lets us in. */
export function refreshAll(): void {
  for (const refresh of running) refresh();
}

export function poll(work: (signal: AbortSignal) => Promise<void>, every: () => number): Poll {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let control: AbortController | null = null;
  let again = false;

  const run = async () => {
    clearTimeout(timer);
    if (control) {
      again = true; // what runs may have read before the change that is to be seen
      return;
    }
    control = new AbortController();
    const begin = performance.now();
    try {
      await work(control.signal);
    } catch (error) {
      // The banner tells when the daemon is away; an answer that is an error is shown by who asked.
      if (isAbort(error) && stopped) return;
    } finally {
      control = null;
    }
    if (stopped) return;
    if (again) {
      again = false;
      void run();
      return;
    }
    // Answers that take long are asked for less often: the daemon has better things to do.
    const took = performance.now() - begin;
    const wait = document.hidden ? HIDDEN_MS : connection.peek() === "offline" ? OFFLINE_MS : connection.peek() === "unauthorized" ? UNAUTHORIZED_MS : Math.max(every(), took * 3);
    timer = setTimeout(() => void run(), wait);
  };
  const onVisibility = () => {
    if (!document.hidden) void run();
  };
  const refresh = () => void run();
  document.addEventListener("visibilitychange", onVisibility);
  running.add(refresh);
  refresh();
  return {
    refresh,
    stop: () => {
      running.delete(refresh);
      stopped = true;
      clearTimeout(timer);
      control?.abort();
      document.removeEventListener("visibilitychange", onVisibility);
    },
  };
}

/** While the component is there; from the start when `keys` change. */
export function usePoll(work: (signal: AbortSignal) => Promise<void>, every: number, keys: readonly unknown[]): () => void {
  const current = useRef<Poll | null>(null);
  const latest = useRef(work);
  latest.current = work; // sees what the last rendering saw
  useEffect(() => {
    const made = poll((abort) => latest.current(abort), () => every);
    current.current = made;
    return () => made.stop();
  }, [...keys, every]);
  return () => current.current?.refresh();
}
