
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const tools = byId("tools"), find = byId("find"), only = byId("only"), shown = byId("shown");
  const lists = Array.from(document.querySelectorAll(".cases"));
  // Read once, when first needed: the text of ten thousand rows takes longer than filtering them.
  let texts = null;
  let waiting = false;
  const filter = () => {
    waiting = false;
    texts = texts || lists.map((list) => Array.from(list.children, (row) => row.textContent.toLowerCase()));
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    let all = 0;
    lists.forEach((list, at) => {
      let some = false;
      Array.from(list.children).forEach((row, number) => {
        const text = texts[at][number];
        const fits = (!only.value || row.dataset.v === only.value) && words.every((word) => text.includes(word));
        if (row.hidden === fits) row.hidden = !fits;
        if (fits) count += 1;
        some = some || fits;
      });
      all += list.children.length;
      if (list.hidden === some) list.hidden = !some;
    });
    shown.textContent = count + " of " + all + " shown";
  };
  // Once for each frame, however fast the keys come.
  const soon = () => {
    if (!waiting) requestAnimationFrame(filter);
    waiting = true;
  };
  const make = (name, className, ...inside) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...inside);
    return made;
  };
  // What a browser takes longest for is ten thousand rows that fold, so that rows fold from when they come near.
  const fold = (row) => {
    if (row.firstElementChild.matches("details")) return;
    const parts = Array.from(row.childNodes);
    const at = parts.findIndex((part) => part.nodeName === "P");
    const seen = at < 0 ? parts : parts.slice(0, at);
    row.append(make("details", "", make("summary", "", ...seen), ...parts.slice(seen.length)));
  };
  // Expected and actual side by side: the same lines, what is removed beside what is added.
  const pair = (lines) => {
    const rows = [];
    let open = 0;
    for (const line of lines) {
      if (line.className === "minus") {
        rows.push([line, null]);
        continue;
      }
      if (line.className === "plus" && open < rows.length) {
        rows[open][1] = line;
      } else if (line.className === "plus") {
        rows.push([null, line]);
      } else if (line.className === "gap") {
        rows.push([null, null]);
      } else {
        for (const text of line.textContent.replace(/\n$/, "").split("\n")) {
          const both = make("span", "same", make("span", "sign", " "), text);
          rows.push([both, both]);
        }
      }
      open = line.className === "plus" ? open + 1 : rows.length;
    }
    return rows;
  };
  const cell = (line) => {
    const made = make("td", line ? line.className : "none");
    if (line) made.append(...line.cloneNode(true).childNodes);
    const last = made.lastChild;
    if (last && last.nodeType === Node.TEXT_NODE) last.data = last.data.replace(/\n$/, "");
    return made;
  };
  const lay = (what, lines) => {
    const text = "Expected beside actual " + what;
    const head = make("tr", "", make("th", "", "Expected"), make("th", "", "Actual"));
    Array.from(head.children).forEach((each) => (each.scope = "col"));
    const rows = pair(lines).map(([left, right]) => make("tr", "", cell(left), cell(right)));
    const table = make("table", "diff", make("caption", "", text), make("thead", "", head), make("tbody", "", ...rows));
    const wide = make("div", "wide", table);
    wide.tabIndex = 0;
    wide.setAttribute("role", "group");
    wide.setAttribute("aria-label", text);
    return wide;
  };
  const offer = (compared) => {
    const beside = make("details", "", make("summary", "", "Side by side"));
    const build = () => beside.append(lay(compared.dataset.what, compared.querySelector("pre").children));
    beside.addEventListener("toggle", build, { once: true });
    compared.after(beside);
  };
  const near = new IntersectionObserver((seen) => {
    for (const { target } of seen.filter((each) => each.isIntersecting)) {
      near.unobserve(target);
      if (target.matches(".cases")) Array.from(target.children).forEach(fold);
      else target.querySelectorAll(".compared").forEach(offer);
    }
  }, { rootMargin: "100%" });
  // A link may lead to a row that is filtered out; show and open it.
  const reveal = () => {
    const row = byId(location.hash.slice(1));
    if (!row || !row.matches(".cases > li")) return;
    fold(row);
    row.hidden = false;
    row.parentElement.hidden = false;
    row.querySelector("details").open = true;
    row.scrollIntoView();
  };
  const failures = Array.from(document.querySelectorAll("article.failure"));
  let current = -1;
  const go = (step) => {
    if (!failures.length) return;
    current = Math.min(Math.max(current + step, 0), failures.length - 1);
    const heading = failures[current].querySelector("h3 a");
    heading.focus({ preventScroll: true });
    failures[current].scrollIntoView();
  };
  document.documentElement.classList.add("folds");
  lists.concat(failures).forEach((each) => near.observe(each));
  tools.hidden = false;
  find.addEventListener("input", soon);
  only.addEventListener("change", soon);
  addEventListener("hashchange", reveal);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target instanceof Element && event.target.matches("input, select, textarea");
    if (event.key === "Escape" && event.target === find) {
      find.value = "";
      filter();
    } else if (typing) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      find.focus();
      tools.scrollIntoView();
    } else if (event.key === "j") {
      go(1);
    } else if (event.key === "k") {
      go(-1);
    }
  });
  reveal();
})();
