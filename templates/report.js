
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
  // A link may lead to a row that is filtered out; show and open it.
  const reveal = () => {
    const row = byId(location.hash.slice(1));
    if (!row || !row.matches(".cases > li")) return;
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
