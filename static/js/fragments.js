// htmx, set up for a strict content security policy: token on every unsafe request, morphing keeps what is being typed, failures say so.
import { complain, csrf } from "./requests.js";
import { say } from "./toasts.js";

export function start() {
  if (window.Idiomorph) window.Idiomorph.defaults.ignoreActiveValue = true;
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrf();
  });
  document.addEventListener("htmx:responseError", (event) => complain(event.detail.xhr.status));
  document.addEventListener("htmx:sendError", () => complain(0));
  document.addEventListener("htmx:beforeRequest", (event) => event.detail.target?.setAttribute("aria-busy", "true"));
  document.addEventListener("htmx:afterSettle", (event) => {
    event.detail.target?.removeAttribute("aria-busy");
    const note = event.detail.target?.querySelector("[data-announce]");
    if (note) say(note.dataset.announce || note.textContent.trim());
    document.dispatchEvent(new CustomEvent("region:shown", { detail: event.detail.target }));
  });
}
