// Requests to our own server: the CSRF token, bare pages for dialogs, and what to do when an answer is not the expected one.
import { toast } from "./toasts.js";

export const csrf = () => document.querySelector("meta[name=csrf]")?.content || "";

// Ask for a region of a page ("dialog" means the whole page without its frame).
export function region(url, name, options = {}) {
  const headers = { "HX-Request": "true", "HX-Target": name, ...(options.headers || {}) };
  if (options.method && options.method !== "GET") headers["X-CSRFToken"] = csrf();
  return fetch(url, { credentials: "same-origin", ...options, headers });
}

export const isWholePage = (html) => /^\s*(<!--[\s\S]*?-->\s*)*<!doctype/i.test(html);

export function goTo(url) {
  const target = new URL(url, location.href);
  if (target.href.split("#")[0] === location.href.split("#")[0]) location.reload();
  else location.assign(target.href);
}

// Tell the person about an answer that cannot be shown in place.
export function complain(status, retry = null) {
  if (status === 401) {
    toast("Your session has ended. What you typed is still here.", "warn", {
      stay: true,
      action: { label: "Sign in", run: () => window.open("/accounts/login/", "_blank", "noopener") },
    });
    return;
  }
  const text = status === 0 ? "No connection to the server." : status === 403 ? "You may not do that." : status === 404 ? "That is not here any more." : `The server could not do that (${status}).`;
  toast(text, "bad", retry ? { action: { label: "Retry", run: retry } } : {});
}
