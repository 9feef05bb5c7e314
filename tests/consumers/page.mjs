// Opens an HTML report in Chromium, as people do, and tells what is wrong with it.
//
//   node page.mjs check PAGE [--screenshots DIR]   accessibility in both colour schemes, layout, keys, links
//   node page.mjs speed PAGE                       loads and filters a large report, with limits
//   node page.mjs counts PAGE                      the numbers of cases that the page shows, as JSON
//
// CHROMIUM names the browser; the default is `chromium` of the system.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { chromium } from "playwright-core";

const [mode, page, option, folder] = process.argv.slice(2);
const url = pathToFileURL(page).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const wrong = [];
const expect = (fine, text) => fine || wrong.push(text);

async function open(options = {}) {
  const context = await browser.newContext(options);
  const tab = await context.newPage();
  tab.on("pageerror", (error) => wrong.push(`script error: ${error.message}`));
  tab.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
  tab.on("dialog", (dialog) => {
    wrong.push(`a dialog opened: ${dialog.message()}`);
    dialog.dismiss();
  });
  tab.on("request", (request) => request.url() === url || wrong.push(`the page fetches ${request.url()}`));
  return tab;
}

async function look(colorScheme, width, height) {
  const name = `${colorScheme}, ${width} wide`;
  const tab = await open({ colorScheme, viewport: { width, height }, isMobile: width < 500, hasTouch: width < 500 });
  await tab.goto(url);
  // What the browser leaves out, and what the page makes, when it is scrolled to shall be seen and checked.
  await tab.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    for (const each of document.querySelectorAll("article, .cases")) {
      each.style.contentVisibility = "visible";
      each.scrollIntoView();
      await frame();
    }
    scrollTo(0, 0);
    await frame();
  });
  const flat = await tab.locator(".cases > li:not(:has(> details))").count();
  expect(flat === 0, `${name}: ${flat} rows do not fold`);
  const single = await tab.locator("details.compared:not(:has(+ details))").count();
  expect(single === 0, `${name}: ${single} comparisons cannot be seen side by side`);
  if (folder) await tab.screenshot({ path: `${folder}/${colorScheme}-${width}-closed.png`, fullPage: true });
  // What is folded away shall be fit to read as well.
  await tab.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
  const overflow = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  const wide = await tab.evaluate(() => {
    const edge = document.documentElement.clientWidth;
    const inside = (each) => each.closest(".wide, pre") && !each.matches(".wide, pre");
    const over = Array.from(document.querySelectorAll("body *")).filter(
      (each) => each.getBoundingClientRect().right > edge + 1 && !inside(each));
    return over.slice(0, 3).map((each) => each.outerHTML.slice(0, 120));
  });
  expect(overflow <= 0, `${name}: the page is ${overflow} px wider than the screen: ${wide.join(" | ")}`);
  // Through the protocol, since the page's own policy lets no other script in.
  await tab.evaluate(axe);
  const result = await tab.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  for (const violation of result.violations) {
    const nodes = violation.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
    wrong.push(`${name}: axe ${violation.id} (${violation.impact}): ${violation.help}: ${nodes.join(" | ")}`);
  }
  expect(result.passes.length > 10, `${name}: axe checked next to nothing`);
  if (folder) await tab.screenshot({ path: `${folder}/${colorScheme}-${width}-open.png`, fullPage: true });
  await tab.context().close();
}

/** Without a script the page is read in full; with one, keys and links work. */
async function use() {
  const still = await open({ javaScriptEnabled: false });
  await still.goto(url);
  expect(await still.locator("main").isVisible(), "nothing to read without a script");
  expect(!(await still.locator("#tools").isVisible()), "the filter is offered though it cannot work without a script");
  const asked = still.locator(".cases > li .x").first();
  await asked.scrollIntoViewIfNeeded();
  expect(await asked.isVisible(), "without a script a row does not show what was asked");
  await still.context().close();

  const tab = await open();
  await tab.goto(url);
  const failures = await tab.locator("article.failure").count();
  if (failures > 0) {
    await tab.keyboard.press("j");
    const focus = () => tab.evaluate(() => document.activeElement.getAttribute("href"));
    const first = await tab.locator("article.failure h3 a").first().getAttribute("href");
    expect((await focus()) === first, "j does not lead to the first failure");
    // A link of a failure leads to its row, and opens it, even when the row is filtered out.
    await tab.keyboard.press("/");
    await tab.keyboard.type("no case has such words");
    await tab.waitForFunction(() => /^0 of /.test(document.getElementById("shown").textContent));
    await tab.locator("article.failure h3 a").first().click();
    const row = tab.locator(first.replace("#", "[id='") + "']");
    await row.waitFor({ state: "visible" });
    expect(await row.locator("details").evaluate((each) => each.open), "the row that a link leads to stays closed");
    await beside(tab);
  }
  await tab.locator("#find").focus();
  await tab.keyboard.press("Escape");
  const rows = await tab.locator(".cases > li").count();
  await tab.waitForFunction((all) => document.getElementById("shown").textContent === `${all} of ${all} shown`, rows);
  await tab.context().close();
}

/** Side by side a comparison has the lines that it has one below the other, in their order, what is alike twice. */
async function beside(tab) {
  const compared = tab.locator("article.failure details.compared");
  for (let number = 0; number < (await compared.count()); number += 1) {
    const one = compared.nth(number);
    await one.scrollIntoViewIfNeeded();
    const other = one.locator("+ details");
    await other.waitFor();
    await other.locator("summary").click();
    await other.locator("table").waitFor();
    const [lines, rows] = await one.evaluate((each) => {
      const text = (node) => node.textContent.replace(/\n$/, "");
      const lines = { minus: [], plus: [], same: [], gap: [] };
      for (const line of each.querySelectorAll("pre > span")) {
        lines[line.className].push(...(line.className === "same" ? text(line).split("\n") : [text(line)]));
      }
      const rows = Array.from(each.nextElementSibling.querySelectorAll("tbody tr"), (row) =>
        Array.from(row.cells, (cell) => [cell.className, text(cell)]));
      return [lines, rows];
    });
    const side = (at, kind) => rows.filter((row) => row[at][0] === kind).map((row) => row[at][1]);
    const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const alike = lines.same.map((text) => ` ${text}`);
    const fine =
      rows.every((row) => row.length === 2) &&
      equal(side(0, "minus"), lines.minus) && equal(side(1, "plus"), lines.plus) &&
      equal(side(0, "same"), alike) && equal(side(1, "same"), alike) &&
      side(0, "plus").length + side(1, "minus").length === 0 &&
      rows.filter((row) => row.every((each) => each[0] === "none")).length === lines.gap.length;
    expect(fine, `side by side is not what is one below the other: ${JSON.stringify(rows).slice(0, 300)}`);
  }
  const paired = tab.locator("table.diff tr:has(> .minus):has(> .plus)");
  expect((await paired.count()) > 0, "no removed line stands beside an added one");
}

// On a machine that is busy with other things everything takes longer; the limits are for a free one.
const slowness = Math.max(1, (2 * loadavg()[0]) / availableParallelism());

/** The best of some tries, for the worst is the machine's and not the page's. */
async function speed() {
  const tries = [];
  for (let number = 0; number < 3; number += 1) tries.push(await measure());
  const best = (name) => Math.min(...tries.map((each) => each[name]));
  const [load, paint, worst] = [best("load"), best("paint"), best("worst")];
  const room = slowness > 1 ? ` (limits ${slowness.toFixed(1)} times as high, since the machine is busy)` : "";
  console.log(`${tries[0].rows} rows: first paint after ${paint} ms, loaded in ${load} ms; a key shows its result within ${worst} ms${room}`);
  expect(load < 1000 * slowness, `loading takes ${load} ms`);
  expect(worst < 100 * slowness, `a key in the filter takes ${worst} ms`);
}

async function measure() {
  const tab = await open({ viewport: { width: 1280, height: 900 } });
  const began = performance.now();
  await tab.goto(url);
  await tab.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const load = Math.round(performance.now() - began);
  const paint = await tab.evaluate(() => Math.round(performance.getEntriesByName("first-contentful-paint")[0].startTime));
  const times = await tab.evaluate(async () => {
    const find = document.getElementById("find");
    const shown = document.getElementById("shown");
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const times = [];
    // From the key to the frame that shows its result, and how long the thread is busy meanwhile.
    for (const text of ["c", "ca", "case-number-0001", "case-number-00012 passed", "typed", "", "flaky"]) {
      shown.textContent = "";
      const from = performance.now();
      find.value = text;
      find.dispatchEvent(new Event("input", { bubbles: true }));
      while (shown.textContent === "" && performance.now() - from < 5000) await frame();
      await frame();
      times.push({ text, ms: Math.round(performance.now() - from), shown: shown.textContent });
    }
    return times;
  });
  const rows = await tab.locator(".cases > li").count();
  if (process.env.VERBOSE) console.log(load, times);
  await tab.context().close();
  return { rows, load, paint, worst: Math.max(...times.map((each) => each.ms)) };
}

async function counts() {
  const tab = await open();
  await tab.goto(url);
  const found = await tab.evaluate(() => {
    const found = {};
    for (const row of document.querySelectorAll(".cases > li")) found[row.dataset.v] = (found[row.dataset.v] || 0) + 1;
    return found;
  });
  console.log(JSON.stringify(found));
}

try {
  if (mode === "check") {
    for (const scheme of ["light", "dark"]) {
      await look(scheme, 1280, 900);
      await look(scheme, 390, 844);
    }
    await use();
  } else if (mode === "speed") {
    await speed();
  } else if (mode === "counts") {
    await counts();
  } else {
    wrong.push(`no such mode: ${mode} ${option ?? ""}`);
  }
} catch (error) {
  wrong.push(error.stack);
} finally {
  await browser.close();
}
for (const text of wrong) console.error(text);
process.exitCode = wrong.length > 0 ? 1 : 0;
