// Keys: g then a letter goes to a place, / filters or searches, ? lists the keys, j and k walk the rows of the list in focus. Never while typing; can be turned off.
import * as palette from "./palette.js";

const STORE = "releasetrain.keys";
let waiting = 0;

const off = () => { try { return localStorage.getItem(STORE) === "off"; } catch { return false; } };
const typing = (el) => el?.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

function step(by) {
  const list = document.activeElement?.closest("table.data, .rows, .gates, .agenda");
  if (!list) return false;
  const links = [...list.querySelectorAll("tbody tr, li")].map((row) => row.querySelector("a[href], input[type=checkbox]")).filter(Boolean);
  const row = document.activeElement.closest("tr, li");
  const at = links.findIndex((link) => row?.contains(link));
  links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
  return true;
}

export function start() {
  const help = document.getElementById("keys");
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-keys]")) { document.getElementById("account-menu")?.hidePopover(); help?.showModal(); }
    const toggle = event.target.closest("[data-toggle-keys]");
    if (toggle) {
      const next = off() ? "on" : "off";
      try { localStorage.setItem(STORE, next); } catch { /* private mode: the setting lasts for this page */ }
      toggle.textContent = next === "off" ? "Turn them on" : "Turn them off";
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || off()) return;
    if (document.querySelector("dialog[open]")) return;
    if (waiting && Date.now() - waiting < 1500) {
      waiting = 0;
      const place = document.getElementById("palette-places")?.content.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (place) { event.preventDefault(); location.assign(place.getAttribute("href")); }
      return;
    }
    if (event.key === "g") { waiting = Date.now(); return; }
    if (event.key === "?") { event.preventDefault(); help?.showModal(); }
    else if (event.key === "/") {
      const field = document.querySelector("[data-filter], .filters input[type=search]");
      event.preventDefault();
      if (field) { field.focus(); field.select?.(); } else palette.open();
    } else if (event.key === "j" && step(1)) event.preventDefault();
    else if (event.key === "k" && step(-1)) event.preventDefault();
    else if (event.key === "x") {
      const box = document.activeElement?.closest("tr")?.querySelector("input[type=checkbox]");
      if (box) { event.preventDefault(); box.click(); }
    }
  });
}
