// SPDX-License-Identifier: Apache-2.0
// One HTML file with everything in it, and the same gzipped: ../build/web/index.html(.gz). What the page may load is
// nothing, so the daemon can allow exactly this script by its hash, which is written beside it.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const out = process.env.BERTH_WEB_OUT ?? here("../build/web");
const LIMIT = 150 * 1024;

const bundle = async (entry, more) => {
  const result = await build({
    entryPoints: [here(entry)], bundle: true, minify: true, write: false, legalComments: "none", charset: "utf8", target: ["es2022"], logLevel: "warning", ...more,
  });
  return result.outputFiles[0].text.trim();
};

const script = await bundle("src/main.tsx", { format: "iife", jsx: "automatic", jsxImportSource: "preact" });
const style = await bundle("src/styles/index.css", { loader: { ".css": "css" } });
if (/<\/script/i.test(script) || /<\/style/i.test(style)) throw new Error("the bundle would end its own element");

const template = await readFile(here("src/index.html"), "utf8");
// Functions, because "$&" in the script would be taken for a pattern.
const html = template.replace("/*STYLE*/", () => style).replace("/*SCRIPT*/", () => script);
const zipped = gzipSync(html, { level: 9 });
zipped[9] = 255; // the system that it was made on, for the same bytes everywhere
const hash = createHash("sha256").update(script).digest("base64");
await mkdir(out, { recursive: true });
await writeFile(`${out}/index.html`, html);
await writeFile(`${out}/index.html.gz`, zipped);
await writeFile(
  `${out}/csp.txt`,
  `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\n`,
);
console.log(`build/web/index.html ${html.length} bytes, gzipped ${zipped.length} bytes (${(zipped.length / 1024).toFixed(1)} KB)`);
if (zipped.length > LIMIT) {
  console.error(`the page is larger than ${LIMIT} bytes`);
  process.exit(1);
}
