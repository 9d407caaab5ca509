// SPDX-License-Identifier: Apache-2.0
import type { JSX } from "preact";
import { t } from "../i18n/index.ts";
import { gigabytes } from "../lib/format.ts";
import type { MemoryParts } from "../lib/memory.ts";

const PARTS = ["tasks", "others", "promised", "driver", "free"] as const;
type Part = (typeof PARTS)[number];

const nameOf = (part: Part, parts: MemoryParts): string =>
  t(part === "others" && !parts.attributed ? "devices.memory.used" : `devices.memory.${part}`);

/** One bar of the whole memory, with a legend of the parts that there are. */
export function MemoryBar({ parts, legend = true }: { parts: MemoryParts; legend?: boolean }): JSX.Element {
  const there = PARTS.filter((part) => parts[part] > 0.005 || part === "free");
  const words = there.map((part) => `${nameOf(part, parts)} ${gigabytes(parts[part])}`).join(", ");
  return (
    <div class="memory">
      <div class="memory-bar" role="img" aria-label={t("devices.memory.label", { parts: words })}>
        {PARTS.filter((part) => part !== "free").map((part) => (
          <span key={part} class={`memory-part memory-${part}`} style={{ width: `${(100 * parts[part]) / parts.total}%` }} />
        ))}
      </div>
      {legend && (
        <ul class="memory-legend" aria-hidden="true">
          {there
            .filter((part) => part !== "driver")
            .map((part) => (
              <li key={part}>
                <span class={`swatch memory-${part}`} />
                {nameOf(part, parts)} <b>{gigabytes(parts[part])}</b>
              </li>
            ))}
        </ul>
      )}
    </div>
  );
}
