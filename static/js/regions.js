// Boxes that scroll sideways must be reachable by keyboard: those that do scroll, and hold nothing focusable, join the tab order with a name.
const BOXES = ".tablewrap, .chartbox, .steps, .chain, .bd-scroll, pre.code";

function name(box) {
  const heading = box.querySelector("caption") || box.closest("section, .panel")?.querySelector("h2, h3");
  return box.getAttribute("aria-label") || heading?.textContent.trim() || "Scrolling region";
}

function reach(box) {
  if (box.hasAttribute("tabindex") || box.scrollWidth <= box.clientWidth + 1) return;
  box.tabIndex = 0;
  if (!box.hasAttribute("role") && !/^(OL|UL|NAV|SECTION)$/.test(box.tagName)) box.setAttribute("role", "region");
  // Two regions of one name could not be told apart in a list of landmarks.
  const told = name(box);
  const others = [...document.querySelectorAll("[role=region][aria-label]")].filter((other) => other !== box);
  const same = others.filter((other) => other.getAttribute("aria-label").startsWith(told)).length;
  box.setAttribute("aria-label", same ? `${told} (${same + 1})` : told);
}

// Called for every box at once, and again before the next paint whenever its width changes.
const widths = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target)));

function look(root) {
  for (const box of root.querySelectorAll(BOXES)) {
    reach(box);
    widths.observe(box);
  }
}

export function start() {
  look(document);
  document.addEventListener("region:shown", (event) => look(event.detail || document));
}
