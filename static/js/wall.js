// The wall screen turns by itself. Space holds it, the arrows turn it by hand, F fills the screen. Without scripts all slides stand one below the other.
//
//   <body data-wall data-seconds="20" data-zone="Europe/London"> … <div data-live> <div data-slide="Name">… <time data-clock> <span data-dots> <span data-age data-at="2026-11-21T08:41:00Z">
import { start } from "./live.js";

const DAY = 24 * 3600 * 1000;
const body = document.body;
const seconds = Math.max(5, Number(body.dataset.seconds) || 20);
let at = 0;
let held = false;
let since = Date.now();
let told = null;

const slides = () => [...document.querySelectorAll("[data-slide]")];

function show(number = at) {
  const all = slides();
  at = (number + all.length) % all.length;
  all.forEach((slide, n) => { slide.hidden = n !== at; });
  const dots = document.querySelector("[data-dots]");
  if (dots) dots.textContent = all.map((_, n) => (n === at ? "●" : "○")).join("") + (held ? " held" : "");
  document.getElementById("wall-said").textContent = all[at].dataset.slide;
}

function turn(by) {
  since = Date.now();
  show(at + by);
}

function clock() {
  const now = new Date();
  const words = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false, timeZone: body.dataset.zone };
  const time = document.querySelector("[data-clock]");
  if (time) time.textContent = now.toLocaleString("en-GB", words).replace(",", "");
  const age = document.querySelector("[data-age]");
  if (age && told) age.textContent = `Checked ${Math.round((now - told) / 1000)} s ago`;
}

body.classList.add("turning");
show(0);
start();
setInterval(clock, 1000);
setInterval(() => { if (!held && Date.now() - since >= seconds * 1000) turn(1); }, 500);
document.addEventListener("region:shown", () => show());
document.addEventListener("region:checked", () => { told = new Date(); });
document.addEventListener("keydown", (event) => {
  if (event.key === " ") { event.preventDefault(); held = !held; show(); }
  else if (event.key === "ArrowRight") turn(1);
  else if (event.key === "ArrowLeft") turn(-1);
  else if (event.key === "f") document.documentElement.requestFullscreen?.();
});
// A screen that runs for weeks takes new scripts and styles once a day, at a quiet hour of its own.
setTimeout(() => location.reload(), DAY);
