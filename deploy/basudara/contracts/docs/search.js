// Search over the pages of this language. Works from a file too: the index is a script, and nothing is fetched.
"use strict";
(() => {
  const box = document.getElementById("search-box");
  const field = document.getElementById("search");
  const found = document.getElementById("found");
  const count = document.getElementById("count");
  const index = globalThis.basudaraIndex;
  if (!box || !index) return;
  const MOST = 20;
  const up = document.body.dataset.up;
  const plain = (text) => text.toLowerCase();
  box.hidden = false;

  // 0: not there. A title counts more than what stands below it, and that more than names and codes.
  function score([title, , lead, more], words) {
    let sum = 0;
    for (const word of words) {
      if (plain(title).startsWith(word)) sum += 9;
      else if (plain(title).includes(word)) sum += 6;
      else if (plain(lead).includes(word)) sum += 2;
      else if (plain(more).includes(word)) sum += 1;
      else return 0;
    }
    return sum;
  }

  function line([title, path, lead]) {
    const link = document.createElement("a");
    link.href = up + path;
    link.textContent = title;
    const below = document.createElement("small");
    below.textContent = lead;
    link.append(below);
    const item = document.createElement("li");
    item.append(link);
    return item;
  }

  function look() {
    const words = plain(field.value).split(/\s+/).filter(Boolean);
    found.hidden = words.length === 0;
    if (found.hidden) { count.textContent = ""; found.replaceChildren(); return; }
    const hits = index.map((row) => [score(row, words), row]).filter(([sum]) => sum > 0);
    hits.sort(([a], [b]) => b - a); // stable: pages of one score stay in the order of the index
    const lines = hits.slice(0, MOST).map(([, row]) => line(row));
    if (lines.length === 0) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = count.dataset.none;
      lines.push(none);
    }
    found.replaceChildren(...lines);
    count.textContent = hits.length ? `${hits.length} ${count.dataset.some}` : count.dataset.none;
  }

  function step(event) {
    const links = [...found.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (event.key === "Escape") { field.value = ""; look(); field.focus(); }
    else if (event.key === "Enter" && document.activeElement === field && links.length) links[0].click();
    else if (to !== undefined && links.length) {
      event.preventDefault();
      (links[to] ?? (to < 0 ? field : links[links.length - 1])).focus();
    }
  }

  for (const kind of ["input", "focus"]) field.addEventListener(kind, look);
  box.addEventListener("keydown", step);
  document.addEventListener("click", (event) => { if (!box.contains(event.target)) found.hidden = true; });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(input|textarea)$/i.test(document.activeElement.tagName)) {
      event.preventDefault();
      field.focus();
    }
  });
})();
