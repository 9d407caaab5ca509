// SPDX-License-Identifier: Apache-2.0
// Translates the tests with esbuild, then runs them with node's own runner. Arguments: names of test files, then
// what the runner takes (--test-name-pattern=...).
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
// Beside the packages, so that what is not bundled is found.
const out = `${root}web/node_modules/.berth-tests`;
const names = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const more = process.argv.slice(2).filter((word) => word.startsWith("--"));
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  entryPoints: names.map((name) => `${here}${name}.test.ts`), bundle: true, outdir: out, outExtension: { ".js": ".mjs" }, format: "esm", platform: "node",
  target: "node18", sourcemap: "inline", packages: "external", logLevel: "warning",
});
const files = names.map((name) => `${out}/${name}.test.mjs`);
const child = spawn(process.execPath, ["--test", "--test-concurrency=1", "--test-reporter=spec", ...more, ...files], {
  stdio: "inherit", env: { ...process.env, BERTH_ROOT: root.replace(/\/$/, "") },
});
child.on("exit", (code) => process.exit(code ?? 1));
