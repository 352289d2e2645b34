"use strict";
(() => {
  const map = document.querySelector(".map");
  const svg = map && map.querySelector("svg");
  let shut = [];
  window.addEventListener("beforeprint", () => {
    shut = [...document.querySelectorAll("section.answer > details:not([open]):not(.whole)")];
    for (const folded of shut) folded.open = true;
  });
  window.addEventListener("afterprint", () => { for (const folded of shut) folded.open = false; });
  if (svg) {
    const whole = svg.getAttribute("viewBox").split(" ").map(Number);
    let view = [...whole];
    const show = () => svg.setAttribute("viewBox", view.join(" "));
    // A picture that is larger than its place begins in its own size, at what it is about.
    const height = Math.min(whole[3], window.innerHeight * 0.7);
    svg.style.height = `${height}px`;
    if (Math.min(map.clientWidth / whole[2], height / whole[3]) < 0.8) {
      const about = (svg.querySelector(".stop") || svg.querySelector(".host") || svg).getBBox();
      const start = (middle, size, all) => size > all ? (all - size) / 2 : Math.max(0, Math.min(middle - size / 2, all - size));
      view = [
        start(about.x + about.width / 2, map.clientWidth, whole[2]),
        start(about.y + about.height / 2, height, whole[3]), map.clientWidth, height,
      ];
      show();
    }
    window.addEventListener("beforeprint", () => svg.setAttribute("viewBox", whole.join(" ")));
    window.addEventListener("afterprint", show);
    const zoom = (factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) => {
      const width = Math.min(Math.max(view[2] * factor, 60), whole[2] * 4);
      const real = width / view[2];
      view = [x - (x - view[0]) * real, y - (y - view[1]) * real, width, view[3] * real];
      show();
    };
    const move = (dx, dy) => { view[0] += dx; view[1] += dy; show(); };
    const actions = { in: () => zoom(0.8), out: () => zoom(1.25), fit: () => { view = [...whole]; show(); } };
    for (const button of document.querySelectorAll("[data-map]")) {
      button.addEventListener("click", actions[button.dataset.map]);
    }
    const at = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      return [point.x, point.y];
    };
    map.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.shiftKey && document.activeElement !== map) return;
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1.15 : 0.87, ...at(event));
    }, { passive: false });
    let held = null;
    map.addEventListener("pointerdown", (event) => { held = at(event); map.setPointerCapture(event.pointerId); });
    map.addEventListener("pointermove", (event) => {
      if (!held) return;
      const [x, y] = at(event);
      move(held[0] - x, held[1] - y);
    });
    map.addEventListener("pointerup", () => { held = null; });
    const step = () => view[2] / 10;
    const keys = {
      ArrowLeft: () => move(-step(), 0), ArrowRight: () => move(step(), 0),
      ArrowUp: () => move(0, -step()), ArrowDown: () => move(0, step()),
      "+": actions.in, "-": actions.out, 0: actions.fit,
    };
    map.addEventListener("keydown", (event) => {
      if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
    });
  }
  const box = document.getElementById("search");
  const found = document.getElementById("found");
  if (box) {
    box.addEventListener("input", () => {
      const wanted = box.value.trim().toLowerCase();
      let nodes = 0;
      let rows = 0;
      for (const node of document.querySelectorAll(".map g[id]")) {
        const hit = wanted !== "" && node.textContent.toLowerCase().includes(wanted);
        node.classList.toggle("found", hit);
        nodes += hit;
      }
      for (const row of document.querySelectorAll("tbody tr")) {
        const hit = wanted === "" || row.textContent.toLowerCase().includes(wanted);
        row.hidden = !hit;
        rows += hit;
      }
      found.textContent = wanted ? `${nodes} places, ${rows} rows` : "";
    });
  }
})();
