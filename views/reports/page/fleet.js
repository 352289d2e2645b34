"use strict";
(() => {
  const { words, rows, whole, between } = JSON.parse(document.getElementById("rows").textContent);
  const list = document.getElementById("list");
  const count = document.getElementById("count");
  const box = document.getElementById("words");
  const more = document.getElementById("more");
  const filters = [...document.querySelectorAll("select[data-column]")];
  const step = 200;
  const small = words.map((word) => word.toLowerCase());
  let matching = rows;
  let shown = 0;

  const draw = () => {
    const next = matching.slice(shown, shown + step);
    for (const row of next) {
      const line = document.createElement("tr");
      for (const number of row) {
        const cell = document.createElement("td");
        cell.textContent = words[number];
        line.append(cell);
      }
      list.append(line);
    }
    shown += next.length;
    more.hidden = shown === matching.length;
    const missing = whole > rows.length ? ` The page has ${rows.length} of ${whole}.` : "";
    count.textContent = `${shown} of ${matching.length} are shown.${missing}`;
  };

  const search = () => {
    const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = filters.filter((each) => each.value).map((each) => [Number(each.dataset.column), each.value]);
    matching = rows.filter((row) =>
      chosen.every(([column, value]) => words[row[column]].split(between).includes(value)) &&
      wanted.every((word) => row.some((number) => small[number].includes(word))));
    list.replaceChildren();
    shown = 0;
    draw();
  };

  box.addEventListener("input", search);
  for (const each of filters) each.addEventListener("change", search);
  more.addEventListener("click", draw);
  search();
})();
