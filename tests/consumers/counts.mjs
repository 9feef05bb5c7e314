// Reads a report as its users' programs do and compares it with the record: node counts.mjs RECORD KIND REPORT...
// Where a kind knows fewer verdicts than the record, the table here says which of them it has to count together.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [recordPath, kind, ...paths] = process.argv.slice(2);
const text = (path) => readFileSync(path, "utf8");
const record = JSON.parse(text(recordPath));
const counts = record.footer.counts;
const sum = (...names) => names.reduce((all, name) => all + counts[name], 0);
const failed = sum("failed", "unexpected-pass", "flaky", "errored", "blocked");
const wrong = [];

function same(what, found, want) {
  const plain = (value) => JSON.stringify(value, Object.keys(value).sort());
  if (plain(found) !== plain(want)) wrong.push(`${what}: found ${plain(found)}, the record has ${plain(want)}`);
}

const kinds = {
  async tap() {
    const { Parser } = await import("tap-parser");
    const parser = new Parser({ strict: true });
    const ids = [];
    parser.on("assert", (result) => ids.push(result.name.split(" ")[0].replaceAll("\\", "")));
    const results = await new Promise((done) => {
      parser.on("complete", done);
      parser.end(text(paths[0]));
    });
    const { count, fail, skip, todo } = results;
    const problems = results.failures.filter((each) => each.tapError);
    if (problems.length) wrong.push(JSON.stringify(problems));
    const diag = results.failures.filter((each) => !each.todo && !each.diag);
    if (diag.length) wrong.push(`failures without a readable YAML block: ${JSON.stringify(diag)}`);
    // A failure that is still to do counts as both there.
    same("TAP", { count, fail: fail - todo, skip, todo }, {
      count: record.cases.length,
      fail: failed,
      skip: sum("skipped", "not-run"),
      todo: counts["known-failure"],
    });
    const want = record.cases.map((each) => each.id);
    if (ids.join() !== want.join()) wrong.push(`TAP: other cases: ${ids}`);
  },
  async ctrf() {
    const ctrf = await import("ctrf");
    const document = JSON.parse(text(paths[0]));
    const judged = ctrf.validate(document);
    if (judged.valid !== true) wrong.push(JSON.stringify(judged, null, 1));
    const found = {};
    for (const test of document.results.tests) found[test.status] = (found[test.status] ?? 0) + 1;
    const want = {
      passed: sum("passed", "observed"), failed, skipped: counts.skipped, pending: counts["not-run"],
      other: counts["known-failure"],
    };
    same("CTRF tests", found, want);
    const { passed, failed: red, skipped, pending, other } = document.results.summary;
    same("CTRF summary", { passed, failed: red, skipped, pending, other }, want);
  },
  sarif() {
    const run = JSON.parse(text(paths[0])).runs[0];
    const cases = (results) => new Set(results.map((each) => each.locations[0].logicalLocations[0].fullyQualifiedName)).size;
    const errors = run.results.filter((each) => each.level === "error" && !each.suppressions);
    const notes = run.invocations[0].toolExecutionNotifications;
    same("SARIF", {
      failed: cases(errors),
      known: cases(run.results.filter((each) => each.suppressions)),
      noVerdict: notes.filter((each) => each.level === "error").length,
    }, {
      failed: sum("failed", "unexpected-pass", "flaky"),
      known: counts["known-failure"],
      noVerdict: sum("errored", "blocked"),
    });
  },
  html() {
    const page = fileURLToPath(new URL("page.mjs", import.meta.url));
    const found = JSON.parse(execFileSync(process.execPath, [page, "counts", paths[0]], { encoding: "utf8" }));
    same("HTML", found, Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)));
  },
  text() {
    const total = text(paths[0]).split("\n")[0];
    for (const [name, count] of Object.entries(counts)) {
      const shown = Number(total.match(new RegExp(`(\\d+) ${name}\\b`))?.[1] ?? 0);
      if (shown !== count) wrong.push(`Markdown: ${shown} ${name}, the record has ${count}`);
    }
    // Each line is one command that GitHub would obey, and nothing else is.
    const lines = text(paths[1]).trimEnd().split("\n");
    for (const line of lines) {
      if (!/^::error (file=[^:,]+,line=\d+,)?title=[^:]+::/.test(line)) wrong.push(`GitHub: ${line}`);
    }
    const alike = lines.map((line) => Number(line.match(/%0A(\d+) more cases? fails? the same way/)?.[1] ?? 0));
    const shown = lines.length + alike.reduce((all, more) => all + more, 0);
    if (shown !== failed) wrong.push(`GitHub: ${shown} failed, the record has ${failed}`);
  },
};

await kinds[kind]();
for (const each of wrong) console.error(each);
process.exitCode = wrong.length > 0 ? 1 : 0;
