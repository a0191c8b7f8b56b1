// Live regions: <section data-live="/o/acme/board/17/?fragment=counts" data-live-every="15">.
// Each asks its address with the version it has (If-None-Match); 304 costs nothing, 200 is morphed in and keeps what is being typed.
// Before that, region:arrived {region, fresh} on document lets a script take the new content in itself (preventDefault).
// Only while the tab is visible; with jitter; backing off after failures. Old data is never shown as fresh: after two missed rounds a banner says since when.
const state = new WeakMap();

const banner = (since) => {
  let box = document.getElementById("stale");
  if (!since) { box?.remove(); return; }
  if (!box) {
    box = document.createElement("div");
    box.id = "stale";
    box.className = "notice warn stale";
    box.setAttribute("role", "status");
    document.querySelector("main")?.append(box);
  }
  box.textContent = `Connection lost. What you see is from ${since.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}.`;
};

function morph(region, html) {
  const box = document.createElement("template");
  box.innerHTML = html.trim();
  const fresh = box.content.firstElementChild;
  if (!fresh) return region;
  const same = fresh.id === region.id && fresh.tagName === region.tagName;
  const taken = !document.dispatchEvent(new CustomEvent("region:arrived", { cancelable: true, detail: { region, fresh } }));
  if (taken) return region;
  if (window.Idiomorph) window.Idiomorph.morph(region, same ? fresh.outerHTML : html, { morphStyle: same ? "outerHTML" : "innerHTML", ignoreActiveValue: true });
  else if (same) region.replaceChildren(...fresh.childNodes);
  else region.innerHTML = html;
  window.htmx?.process(region);
  document.dispatchEvent(new CustomEvent("region:shown", { detail: region }));
  return region;
}

const busy = (region) => region.closest("[aria-busy=true]");

async function load(region) {
  const own = state.get(region);
  try {
    const headers = { "HX-Request": "true" };
    if (own.tag) headers["If-None-Match"] = own.tag;
    const answer = await fetch(region.dataset.live, { headers, cache: "no-store", credentials: "same-origin" });
    if (answer.status === 200 && !answer.redirected) {
      const html = await answer.text();
      // Somebody may have taken hold of something in the region meanwhile: then this answer is dropped and asked for again.
      if (!busy(region)) {
        own.tag = answer.headers.get("ETag");
        if (own.html !== html) { morph(region, html); own.html = html; }
      }
    } else if (answer.status !== 304) throw new Error(String(answer.status));
    own.misses = 0;
    own.seen = new Date();
    banner(null);
    document.dispatchEvent(new CustomEvent("region:checked", { detail: region }));
  } catch {
    own.misses += 1;
    if (own.misses >= 2) banner(own.seen);
  }
}

async function ask(region) {
  const own = state.get(region);
  if (!region.isConnected) { state.delete(region); return; }
  if (!document.hidden && !busy(region)) await load(region);
  setTimeout(() => ask(region), own.every * 1000 * (0.85 + Math.random() * 0.3) * Math.min(8, 2 ** own.misses));
}

// Show the region as the server has it now, whatever was shown before.
export async function refresh(region) {
  const own = state.get(region);
  if (!own) return;
  own.tag = null;
  own.html = null;
  await load(region);
}

export function watch(root = document) {
  for (const region of root.querySelectorAll("[data-live]")) {
    if (state.has(region)) continue;
    const every = Math.max(1, Number(region.dataset.liveEvery) || 15);
    state.set(region, { every, tag: region.dataset.liveVersion || null, misses: 0, seen: new Date(), html: null });
    setTimeout(() => ask(region), every * 1000 * Math.random());
  }
}

export function start() {
  watch();
  document.addEventListener("region:shown", (event) => watch(event.detail?.parentElement || document));
  // Who comes back to the tab sees what is, not what was.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const region of document.querySelectorAll("[data-live]")) if (state.has(region) && !busy(region)) load(region);
  });
}
