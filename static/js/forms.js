// Form helpers, each a progressive addition to a form that works without it.
// data-autosubmit            a filter form sends itself when a choice changes
// data-wsjf                  relative scoring: radios or inputs marked data-wsjf-part="value|time|risk|size"; the score goes to [data-wsjf-score],
//                            the place among data-wsjf-others="[12.5, 9]" to [data-wsjf-rank]. The server computes the score that counts.
// data-confirm-text="acme"   the submit button waits until the field holds this text
// data-guard                 leaving with unsaved changes asks first
// data-select-all            a checkbox that ticks all checkboxes of its table; [data-selected-count] shows how many
// data-copy="text"           copies the text
import { say, toast } from "./toasts.js";

function wsjf(form) {
  const part = (name) => {
    const el = form.querySelector(`[data-wsjf-part=${name}]:checked, select[data-wsjf-part=${name}], input[type=number][data-wsjf-part=${name}]`);
    return el && el.value !== "" ? Number(el.value) : NaN;
  };
  const score = (part("value") + part("time") + part("risk")) / part("size");
  const shown = form.querySelector("[data-wsjf-score]");
  const rank = form.querySelector("[data-wsjf-rank]");
  if (!Number.isFinite(score)) return;
  if (shown) shown.textContent = score.toFixed(2);
  if (rank) {
    const others = JSON.parse(form.dataset.wsjfOthers || "[]");
    rank.textContent = `${others.filter((other) => other > score).length + 1} of ${others.length + 1}`;
  }
}

function confirmText(form) {
  const field = form.querySelector("[data-confirm-text]");
  const button = form.querySelector("[type=submit]:not([formnovalidate])");
  if (!field || !button) return;
  button.disabled = field.value.trim() !== field.dataset.confirmText;
}

function prepare(root) {
  for (const form of root.querySelectorAll("form[data-wsjf]")) wsjf(form);
  for (const field of root.querySelectorAll("[data-confirm-text]")) confirmText(field.form);
}

export function start() {
  let dirty = false;
  prepare(document);
  document.addEventListener("region:shown", (event) => prepare(event.detail || document));
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form) return;
    if (form.matches("[data-wsjf]")) wsjf(form);
    if (event.target.matches("[data-confirm-text]")) confirmText(form);
    if (form.matches("[data-guard]")) dirty = true;
  });
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.form?.matches("[data-autosubmit]")) { box.form.requestSubmit(); return; }
    if (box.matches("[data-select-all]")) for (const one of box.closest("table").querySelectorAll("tbody input[type=checkbox]")) one.checked = box.checked;
    if (box.type === "checkbox" && box.closest("table")) {
      const count = document.querySelector("[data-selected-count]");
      if (count) count.textContent = box.closest("table").querySelectorAll("tbody input[type=checkbox]:checked").length;
    }
  });
  document.addEventListener("submit", (event) => {
    dirty = false;
    const button = event.submitter;
    if (!button || event.defaultPrevented || event.target.method !== "post") return;
    if (button.getAttribute("aria-busy") === "true") event.preventDefault();
    else setTimeout(() => button.setAttribute("aria-busy", "true"));
  });
  window.addEventListener("pageshow", () => { for (const el of document.querySelectorAll("[aria-busy=true]")) el.removeAttribute("aria-busy"); });
  window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (!copy) return;
    try { await navigator.clipboard.writeText(copy.dataset.copy); say("Copied."); toast("Copied.", "ok"); } catch { toast("The browser did not allow copying.", "warn"); }
  });
}
