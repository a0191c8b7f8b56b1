// The board on one A3 sheet: laid out wide enough that its height fits the sheet, then scaled as a whole, strings and all.
import { Strings } from "./strings.js";

const STEPS = 24;
const host = document.querySelector("[data-board-paper]");
const sheet = document.querySelector(".sheet");

// The narrowest layout that fits the sheet when scaled to its width: the largest print.
function fit() {
  const room = sheet.clientHeight - host.previousElementSibling.offsetHeight - 4;
  const sheetWidth = sheet.clientWidth;
  for (let step = 0; step <= STEPS; step++) {
    const width = Math.round(sheetWidth * (0.8 + step * 0.12));
    host.style.width = `${width}px`;
    const scale = sheetWidth / width;
    if (host.scrollWidth <= width + 2 && host.offsetHeight * scale <= room) return scale;
  }
  return Math.min(sheetWidth / host.offsetWidth, room / host.offsetHeight);
}

document.fonts.ready.then(() => {
  const scale = fit();
  const edges = JSON.parse(document.querySelector("[data-board-edges]").textContent);
  const strings = new Strings(host, host.querySelector("svg.strings"), edges);
  strings.draw();
  host.style.transform = `scale(${scale})`;
  strings.observer.disconnect();
  document.body.dataset.fitted = scale.toFixed(3);
});

const button = document.querySelector("[data-print]");
button.hidden = false;
button.addEventListener("click", () => window.print());
