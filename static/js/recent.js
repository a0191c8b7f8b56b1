// The objects that were looked at last, kept in this browser only, for each person and organization apart.
const MOST = 8;

const here = () => document.getElementById("palette-here");
const place = () => `releasetrain.recent.${here()?.dataset.organization}.${here()?.dataset.person}`;

export function recent() {
  try { return JSON.parse(localStorage.getItem(place()) || "[]").filter((each) => typeof each.href === "string" && each.href.startsWith("/o/")); }
  catch { return []; }
}

export function remember() {
  const link = here()?.content.querySelector("a");
  if (!link) return;
  const [name, kind] = [...link.querySelectorAll("span")].map((el) => el.textContent.trim());
  const href = link.getAttribute("href");
  const all = [{ href, name, kind }, ...recent().filter((each) => each.href !== href)].slice(0, MOST);
  try { localStorage.setItem(place(), JSON.stringify(all)); } catch { /* private mode: nothing is remembered */ }
}

// Whoever signs out leaves nothing behind on a shared machine.
export function forget() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith("releasetrain.recent.")) localStorage.removeItem(key);
  } catch { /* nothing was kept */ }
}
