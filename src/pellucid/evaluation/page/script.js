"use strict";
// A link to a cell opens its pictures; printing opens everything. Without this the page works by hand.
function open(target) {
  for (let box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
}
function follow() {
  const target = document.getElementById(location.hash.slice(1));
  if (!target || target.tagName !== "DETAILS") return;
  open(target);
  target.scrollIntoView({ block: "nearest" });
  target.querySelector("summary").focus({ preventScroll: true });
}
addEventListener("hashchange", follow);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#c-']");
  if (!link) return;
  event.preventDefault();
  const hash = link.getAttribute("href");
  if (location.hash === hash) follow(); else { history.pushState(null, "", hash); follow(); }
});
addEventListener("popstate", follow);
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const box of closed) box.open = true;
});
addEventListener("afterprint", () => { for (const box of closed) box.open = false; });
follow();
