
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const tools = byId("tools"), find = byId("find"), only = byId("only"), shown = byId("shown");
  const rows = Array.from(document.querySelectorAll(".cases > li"));
  // Read once, when first needed: the text of ten thousand rows takes longer than filtering them.
  let texts = null;
  let waiting = 0;
  const filter = () => {
    waiting = 0;
    texts = texts || rows.map((row) => row.textContent.toLowerCase());
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, at) => {
      const fits = (!only.value || row.dataset.v === only.value) && words.every((word) => texts[at].includes(word));
      if (row.hidden === fits) row.hidden = !fits;
      if (fits) count += 1;
    });
    shown.textContent = count + " of " + rows.length + " shown";
  };
  const soon = () => {
    if (!waiting) waiting = setTimeout(filter, 80);
  };
  // A link may lead to a row that is filtered out; show and open it.
  const reveal = () => {
    const row = byId(location.hash.slice(1));
    if (!row || !row.matches(".cases > li")) return;
    row.hidden = false;
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
