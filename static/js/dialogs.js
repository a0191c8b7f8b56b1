// Dialogs: a link with data-dialog opens its page, without the frame, in the page's dialog; its form is sent from there.
// 303 means done: go where the answer says. 4xx with a page: show it in place, errors beside the fields.
// Without scripts the same link is an ordinary page with an ordinary form.
import { complain, goTo, isWholePage, region } from "./requests.js";

const dialog = () => document.getElementById("dialog");
const body = () => dialog().querySelector("[data-dialog-body]");

function fill(html, url) {
  body().innerHTML = html;
  dialog().dataset.url = url;
  const heading = body().querySelector("h1, h2");
  dialog().setAttribute("aria-label", heading ? heading.textContent.trim() : "Form");
  window.htmx?.process(body());
  document.dispatchEvent(new CustomEvent("region:shown", { detail: body() }));
  const first = body().querySelector("[aria-invalid=true], [autofocus], .form input:not([type=hidden]), .form select, .form textarea");
  first?.focus();
}

export async function openDialog(url) {
  let answer;
  try { answer = await region(url, "dialog"); } catch { complain(0, () => openDialog(url)); return; }
  const html = await answer.text();
  if (answer.redirected || isWholePage(html)) { location.assign(url); return; }
  if (answer.status >= 500) { complain(answer.status, () => openDialog(url)); return; }
  fill(html, url);
  if (!dialog().open) dialog().showModal();
}

async function send(form, submitter) {
  const url = form.getAttribute("action") || dialog().dataset.url;
  const data = new FormData(form, submitter);
  submitter?.setAttribute("aria-busy", "true");
  let answer;
  try { answer = await region(url, "dialog", { method: "POST", body: data }); } catch { submitter?.removeAttribute("aria-busy"); complain(0); return; }
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) { goTo(elsewhere); return; }
  if (answer.redirected) { goTo(answer.url); return; }
  const html = await answer.text();
  submitter?.removeAttribute("aria-busy");
  if (answer.status === 401 || answer.status >= 500 || !html || isWholePage(html)) { complain(answer.status); return; }
  fill(html, url);
  dialog().scrollTop = 0;
}

export function start() {
  const host = dialog();
  if (!host) return;
  document.addEventListener("click", (event) => {
    const close = event.target.closest("[data-close]");
    if (close) { event.preventDefault(); close.closest("dialog")?.close(); return; }
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    link.closest("[popover]")?.hidePopover();
    openDialog(link.href);
  });
  host.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("data-native") || form.hasAttribute("hx-post")) return;
    event.preventDefault();
    if (event.submitter?.getAttribute("aria-busy") === "true") return;
    send(form, event.submitter);
  });
  host.addEventListener("close", () => { body().replaceChildren(); });
}
