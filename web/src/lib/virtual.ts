// SPDX-License-Identifier: Apache-2.0
// Arithmetic of a list of which only the rows in sight are in the document.

export interface Range {
  /** First row, and the one behind the last. */
  first: number;
  end: number;
}

export function visibleRange(scrollTop: number, height: number, rowHeight: number, total: number, overscan: number): Range {
  if (total <= 0 || rowHeight <= 0) return { first: 0, end: 0 };
  const top = Math.min(Math.max(0, scrollTop), Math.max(0, total * rowHeight - height));
  const first = Math.floor(top / rowHeight) - overscan;
  const end = Math.ceil((top + Math.max(0, height)) / rowHeight) + overscan;
  return { first: Math.max(0, Math.min(first, total)), end: Math.max(0, Math.min(end, total)) };
}

/** The numbers of the pages that a range touches. */
export function pagesOf(range: Range, pageSize: number): number[] {
  const pages: number[] = [];
  if (range.end <= range.first) return pages;
  const last = Math.floor((range.end - 1) / pageSize);
  for (let page = Math.floor(range.first / pageSize); page <= last; page += 1) pages.push(page);
  return pages;
}

/** Where to scroll so that a row is in sight; null when it is already. */
export function scrollFor(row: number, scrollTop: number, height: number, rowHeight: number): number | null {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height;
  return null;
}
