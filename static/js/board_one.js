// On a phone the board shows one team or one iteration at a time: which one is chosen here, with a picker and two arrows.
//
//   <div class="bd-one" data-board-one hidden> radios name="one" value="lane|iteration|all"; <button data-step="-1">, <select>, <button data-step="1"> </div>
//
// The choice is a style sheet made by script, so that it outlives every refresh of the table; it is kept for the tab.
import { say } from "./toasts.js";

const NARROW = "(max-width: 720px)";
const KEPT = "board-one";

export class One {
  constructor(host, box) {
    if (!box || !("adoptedStyleSheets" in document)) return;
    Object.assign(this, { host, box, sheet: new CSSStyleSheet(), select: box.querySelector("select") });
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, this.sheet];
    box.hidden = false;
    this.chosen = this.kept();
    for (const radio of box.querySelectorAll("[name=one]")) {
      radio.checked = radio.value === this.chosen.kind;
      radio.addEventListener("change", () => { this.chosen.kind = radio.value; this.fill(); this.show(); });
    }
    this.select.addEventListener("change", () => this.show());
    for (const button of box.querySelectorAll("[data-step]")) button.addEventListener("click", () => this.step(Number(button.dataset.step)));
    document.addEventListener("region:shown", () => this.fill());
    this.fill();
    this.show(true);
  }

  kept() {
    try { return { kind: "lane", ...JSON.parse(sessionStorage.getItem(KEPT) || "{}") }; } catch { return { kind: "lane" }; }
  }

  // Teams, or iterations with the present one first in mind.
  options() {
    if (this.chosen.kind === "iteration") {
      const heads = [...this.host.querySelectorAll("thead th[data-name]")];
      const cells = [...this.host.querySelectorAll("tr.ms td[data-iteration]")];
      return heads.map((th, at) => ({ id: cells[at]?.dataset.iteration, name: th.textContent.trim().replace(/\s+/g, " "), now: th.classList.contains("now") }));
    }
    return [...this.host.querySelectorAll("tr.lane")].map((row) => ({ id: row.dataset.row, name: row.dataset.name, now: false }));
  }

  fill() {
    const options = this.options();
    const known = options.find((one) => one.id === this.chosen[this.chosen.kind]) || options.find((one) => one.now) || options[0];
    const same = options.length === this.select.options.length && options.every((one, at) => one.id === this.select.options[at].value);
    if (!same) this.select.replaceChildren(...options.map((one) => new Option(one.name, one.id)));
    if (known) this.select.value = known.id;
    this.box.querySelector(".pick").hidden = this.chosen.kind === "all";
  }

  step(by) {
    const at = this.select.selectedIndex + by;
    if (at < 0 || at >= this.select.options.length) return;
    this.select.selectedIndex = at;
    this.show();
    say(this.select.selectedOptions[0].textContent);
  }

  show(first = false) {
    const { kind } = this.chosen;
    const id = this.select.value;
    if (kind !== "all" && id) this.chosen[kind] = id;
    if (!first) sessionStorage.setItem(KEPT, JSON.stringify(this.chosen));
    for (const button of this.box.querySelectorAll("[data-step]")) {
      const at = this.select.selectedIndex + Number(button.dataset.step);
      button.disabled = at < 0 || at >= this.select.options.length;
    }
    const safe = CSS.escape(id);
    const empty = `.board tr.lane td[data-iteration]:not(:has(.fc)) { display: block }`;
    const rules = {
      lane: `.board tr.lane:not([data-row="${safe}"]) { display: none } ${empty}`,
      iteration: `.board td[data-iteration]:not([data-iteration="${safe}"]) { display: none } .board tr.lane td[data-iteration="${safe}"] { display: block }`,
      all: "",
    }[kind];
    this.sheet.replaceSync(`@media ${NARROW} { ${rules} }`);
  }
}
