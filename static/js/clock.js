// Clocks: <b data-until="2026-11-21T13:10:00Z" data-now="2026-11-21T13:03:18Z">06:42</b> counts down by server time; data-since counts up.
// Not announced every second: the element should sit in role="timer" without aria-live.
const pad = (n) => String(n).padStart(2, "0");
const offsets = new WeakMap();

function text(seconds) {
  const left = Math.abs(Math.round(seconds));
  const [h, m, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  return (seconds < 0 ? "−" : "") + (h ? `${h}:${pad(m)}:${pad(s)}` : `${pad(m)}:${pad(s)}`);
}

function tick() {
  for (const el of document.querySelectorAll("[data-until], [data-since]")) {
    if (!offsets.has(el)) offsets.set(el, el.dataset.now ? Date.parse(el.dataset.now) - Date.now() : 0);
    const now = Date.now() + offsets.get(el);
    const seconds = el.dataset.until ? (Date.parse(el.dataset.until) - now) / 1000 : (now - Date.parse(el.dataset.since)) / 1000;
    const shown = text(seconds);
    if (el.textContent !== shown) el.textContent = shown;
    el.classList.toggle("late", Boolean(el.dataset.until) && seconds < 0);
  }
}

// A clock may come with a region that is refreshed, so the ticking begins with the first one that is there.
let ticking = 0;
function begin() {
  if (!document.querySelector("[data-until], [data-since]")) return;
  tick();
  ticking ||= setInterval(tick, 1000);
}

export function start() {
  begin();
  document.addEventListener("region:shown", begin);
}
