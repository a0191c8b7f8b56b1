// Command palette (Ctrl K): the places at once, then what the search page finds. A combobox: focus stays in the field, arrows choose, Enter opens.
import { isWholePage, region } from "./requests.js";

let chosen = -1;
let round = 0;
let pending = 0;

const dialog = () => document.getElementById("palette");
const field = () => dialog().querySelector("input");
const list = () => dialog().querySelector(".hits");
const options = () => [...list().querySelectorAll("[role=option]")];

function choose(index) {
  const all = options();
  chosen = all.length ? (index + all.length) % all.length : -1;
  all.forEach((el, i) => { el.classList.toggle("on", i === chosen); el.setAttribute("aria-selected", String(i === chosen)); });
  if (chosen < 0) field().removeAttribute("aria-activedescendant");
  else { field().setAttribute("aria-activedescendant", all[chosen].id); all[chosen].scrollIntoView({ block: "nearest" }); }
}

function group(label, links) {
  if (!links.length) return null;
  const box = document.createElement("div");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", label);
  const head = document.createElement("p");
  head.className = "group";
  head.setAttribute("role", "presentation");
  head.textContent = label;
  box.append(head, ...links);
  return box;
}

function option(link) {
  const el = document.createElement("a");
  el.href = link.getAttribute("href");
  el.innerHTML = link.innerHTML;
  el.setAttribute("role", "option");
  el.tabIndex = -1;
  return el;
}

function show(groups) {
  list().replaceChildren(...groups.filter(Boolean));
  options().forEach((el, i) => { el.id = `hit-${i}`; });
  choose(0);
}

const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

function placesFor(query) {
  const links = [...(document.getElementById("palette-places")?.content.querySelectorAll("a") || [])];
  const asked = words(query);
  return links.filter((link) => asked.every((word) => link.textContent.toLowerCase().includes(word))).map(option);
}

async function search(query) {
  const mine = ++round;
  const places = group("Places", placesFor(query));
  const base = document.body.dataset.search;
  if (!query.trim() || !base) { show([places]); return; }
  let found = [];
  try {
    const answer = await region(`${base}?q=${encodeURIComponent(query)}`, "hits");
    if (answer.ok) {
      const html = await answer.text();
      const page = new DOMParser().parseFromString(html, "text/html");
      const scope = isWholePage(html) ? page.querySelector("main") : page.body;
      found = [...(scope?.querySelectorAll("[data-hit], a.obj, td a[href], li a[href]") || [])].slice(0, 12).map(option);
    }
  } catch { /* offline: the places still work */ }
  if (mine !== round) return;
  const seen = new Set();
  found = found.filter((el) => !seen.has(el.href) && seen.add(el.href));
  const all = document.createElement("a");
  all.href = `${base}?q=${encodeURIComponent(query)}`;
  all.textContent = `Search everything for “${query.trim()}”`;
  show([group("Found", found), places, group("Search", [option(all)])]);
}

export function open() {
  if (!dialog() || dialog().open) return;
  field().value = "";
  search("");
  dialog().showModal();
  field().focus();
}

export function start() {
  if (!dialog()) return;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]") && !event.ctrlKey && !event.metaKey) { event.preventDefault(); open(); }
    else if (event.target === dialog()) dialog().close();
  });
  field().addEventListener("input", () => { clearTimeout(pending); pending = setTimeout(() => search(field().value), 140); });
  field().addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen - 1); }
    else if (event.key === "Enter") { event.preventDefault(); options()[chosen]?.click(); }
  });
}
