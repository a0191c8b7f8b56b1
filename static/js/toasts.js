// Toasts: short notes at the edge of the page, read out politely. `toast("Saved.", "ok", { action: { label, run }, stay: true })`
const MARK = { ok: "ok", bad: "bad", warn: "warn", info: "info" };

export function sprite(name) {
  const known = document.querySelector("svg use[href*='icons']");
  const file = known ? known.getAttribute("href").split("#")[0] : "/static/icons/icons.svg";
  return `<svg class="i ${name}" aria-hidden="true"><use href="${file}#${name}"/></svg>`;
}

export function toast(text, tone = "info", { action = null, stay = false } = {}) {
  const host = document.getElementById("toasts");
  if (!host) return null;
  const box = document.createElement("div");
  box.className = `toast ${tone}`;
  box.innerHTML = sprite(MARK[tone] || "info");
  const said = document.createElement("div");
  said.className = "text";
  said.textContent = text;
  box.append(said);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn sm";
    button.textContent = action.label;
    button.addEventListener("click", () => { box.remove(); action.run(); });
    box.append(button);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "icbtn";
  close.setAttribute("aria-label", "Dismiss");
  close.innerHTML = sprite("close");
  close.addEventListener("click", () => box.remove());
  box.append(close);
  host.append(box);
  if (!stay && tone !== "bad") {
    let left = setTimeout(() => box.remove(), 10_000);
    box.addEventListener("pointerenter", () => clearTimeout(left));
    box.addEventListener("pointerleave", () => { left = setTimeout(() => box.remove(), 4_000); });
  }
  return box;
}

// Say something to screen readers only.
export function say(text) {
  const live = document.getElementById("live");
  if (!live) return;
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
}
