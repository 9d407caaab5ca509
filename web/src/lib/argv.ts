// SPDX-License-Identifier: Apache-2.0
// Words of a command line as a POSIX shell would separate them; nothing is expanded.

export interface Words {
  words: string[];
  /** A quote or a backslash at the end is left open. */
  open: boolean;
}

export function splitWords(text: string): Words {
  const words: string[] = [];
  let word: string | null = null;
  let quote = "";
  for (let i = 0; i < text.length; i += 1) {
    const letter = text[i]!;
    if (quote === "'") {
      if (letter === "'") quote = "";
      else word += letter;
    } else if (letter === "\\") {
      const next = text[i + 1];
      if (next === undefined) return { words, open: true };
      i += 1;
      if (next === "\n") continue;
      // Inside double quotes a backslash stays in front of what needs none.
      word = (word ?? "") + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next);
    } else if (quote === '"') {
      if (letter === '"') quote = "";
      else word += letter;
    } else if (letter === "'" || letter === '"') {
      quote = letter;
      word ??= "";
    } else if (/\s/.test(letter)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? "") + letter;
    }
  }
  if (word !== null) words.push(word);
  return { words, open: quote !== "" };
}

/** One word for a shell: quoted only where it must be. */
export function quoteWord(word: string): string {
  if (word !== "" && /^[\w@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

export function joinWords(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}
