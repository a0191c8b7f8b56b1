// Theme: auto, light or dark, at once and remembered by the server. Without scripts the form posts and the page reloads.
import { csrf } from "./requests.js";

export function start() {
  const form = document.querySelector("[data-theme-form]");
  if (!form) return;
  form.addEventListener("change", (event) => {
    const theme = event.target.value;
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    fetch(form.action, { method: "POST", body: new URLSearchParams({ theme }), headers: { "X-CSRFToken": csrf() } });
  });
}
