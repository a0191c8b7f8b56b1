// Command palette (Ctrl K, or / where a page has no filter): what was seen last and the places at once, then what search finds, by kind.
// A combobox: focus stays in the field, arrows choose, Enter opens; Tab goes to the kinds.
import { forget, recent, remember } from "./recent.js";
import { isWholePage, region } from "./requests.js";

const EACH_KIND = 4;
let chosen = -1;
let round = 0;
let pending = 0;
let kind = "";
let offered = [];

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

function written(href, name, kindName = "") {
  const el = document.createElement("a");
  el.href = href;
  for (const [text, style] of [[name, ""], [kindName, "push"]]) {
    if (!text) continue;
    const span = document.createElement("span");
    span.textContent = text;
    if (style) span.className = style;
    el.append(span);
  }
  return option(el);
}

function show(groups, told = "") {
  list().replaceChildren(...groups.filter(Boolean));
  options().forEach((el, i) => { el.id = `hit-${i}`; });
  dialog().querySelector("[data-found]").textContent = told;
  choose(0);
}

// The kinds of the last answer over everything stay, so that one can go from kind to kind.
function offer(found) {
  if (!kind) offered = found;
  const bar = dialog().querySelector("[data-kinds]");
  bar.hidden = offered.length < 2 && !kind;
  bar.replaceChildren(...[{ kind: "", title: "All" }, ...offered].map((each) => {
    const el = document.createElement("button");
    el.type = "button";
    el.textContent = each.title;
    el.dataset.kind = each.kind;
    el.setAttribute("aria-pressed", String(each.kind === kind));
    return el;
  }));
}

const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

function placesFor(query) {
  const links = [...(document.getElementById("palette-places")?.content.querySelectorAll("a") || [])];
  const asked = words(query);
  return links.filter((link) => asked.every((word) => link.textContent.toLowerCase().includes(word))).map(option);
}

async function answered(query) {
  const chosenKind = kind ? `&kind=${encodeURIComponent(kind)}` : "";
  const answer = await region(`${document.body.dataset.search}?q=${encodeURIComponent(query)}${chosenKind}`, "hits");
  if (!answer.ok) return null;
  const html = await answer.text();
  const page = new DOMParser().parseFromString(html, "text/html");
  return isWholePage(html) ? page.querySelector("main") : page.body;
}

async function search(query) {
  const mine = ++round;
  const places = group("Go to", placesFor(query));
  const base = document.body.dataset.search;
  if (!query.trim() || !base) {
    kind = "";
    offer([]);
    show([group("Recent", recent().map((each) => written(each.href, each.name, each.kind))), places]);
    return;
  }
  let sections = [];
  let others = [];
  let instead = "";
  try {
    const page = await answered(query);
    sections = [...(page?.querySelectorAll("section[data-kind]") || [])];
    others = [...(page?.querySelectorAll("a[data-kind]") || [])];
    instead = page?.querySelector("[data-instead] strong")?.textContent || "";
  } catch { /* offline: the places still work */ }
  if (mine !== round) return;
  const most = kind ? 20 : EACH_KIND;
  const found = sections.map((section) => group(section.dataset.title, [...section.querySelectorAll("[data-hit]")].slice(0, most).map(option)));
  offer([...sections, ...others].map((section) => ({ kind: section.dataset.kind, title: section.dataset.title })));
  const all = written(`${base}?q=${encodeURIComponent(query)}${kind ? `&kind=${encodeURIComponent(kind)}` : ""}`, `Search everything for “${query.trim()}”`);
  const count = found.reduce((sum, box) => sum + (box?.querySelectorAll("[role=option]").length || 0), 0);
  const told = `${instead ? `Shown for ${instead}: ` : ""}${count ? `${count} found` : "Nothing found"}`;
  show([...(instead ? found.map((box) => { box?.querySelector(".group").append(` for “${instead}”`); return box; }) : found), places, group("Search", [all])], told);
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
  remember();
  document.addEventListener("submit", (event) => { if (event.target.getAttribute("action") === "/accounts/logout/") forget(); });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]") && !event.ctrlKey && !event.metaKey) { event.preventDefault(); open(); }
    else if (event.target === dialog()) dialog().close();
  });
  dialog().querySelector("[data-kinds]").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    kind = button.dataset.kind;
    field().focus();
    search(field().value);
  });
  field().addEventListener("input", () => { clearTimeout(pending); pending = setTimeout(() => search(field().value), 140); });
  field().addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); choose(chosen + 1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); choose(chosen - 1); }
    else if (event.key === "Enter") { event.preventDefault(); options()[chosen]?.click(); }
  });
}
