// The keys of the review queue. Every key presses a button or follows a link that is on the page, so that nothing
// can be done by keyboard that can't be done without it. A page without this script works all the same.
"use strict";

const typing = (element) => element.matches("input:not([type=checkbox]), textarea, select");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const key = event.key.toLowerCase();
  const opener = document.querySelector(`[data-open="${CSS.escape(key)}"]`);
  if (opener) {
    event.preventDefault();
    opener.parentElement.open = true;
    opener.parentElement.querySelector("input").focus();
    return;
  }
  const wanted = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!wanted) return;
  const folded = wanted.closest("details");
  if (folded && !folded.open) return;
  event.preventDefault();
  wanted.click();
});

// What a script put in is read out from its title on. So is an article that came as a whole page: a key pressed before
// htmx is ready sends its form the plain way.
document.addEventListener("htmx:afterSettle", () => {
  const title = document.getElementById("title") || document.getElementById("page");
  // A key that was quicker than the settling has opened something in the new article: it keeps the focus.
  if (title && document.activeElement === document.body) title.focus();
});
document.getElementById("title")?.focus();

// A key pressed while the next article is on its way must not judge the one that is going.
document.addEventListener("htmx:beforeRequest", () => {
  document.querySelectorAll("#page [data-key]").forEach((element) => element.removeAttribute("data-key"));
});
document.addEventListener("htmx:sendError", () => location.reload());
