// What htmx needs said once, the key that leads to the search, and menus that close.
document.addEventListener("keydown", (event) => {
  const search = document.querySelector("form.search input");
  if ((event.metaKey || event.ctrlKey) && event.key === "k" && search) {
    event.preventDefault();
    search.focus();
  }
  if (event.key === "Escape") document.querySelectorAll(".who details[open]").forEach((one) => (one.open = false));
});
document.addEventListener("click", (event) => {
  document.querySelectorAll(".who details[open]").forEach((one) => {
    if (!one.contains(event.target)) one.open = false;
  });
  const box = event.target.closest("[data-tick-all]");
  if (box) document.querySelectorAll(box.dataset.tickAll).forEach((one) => (one.checked = box.checked));
});
// A part that is refreshed must not take away what somebody is typing into it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const inside = document.activeElement;
  if (inside && inside.matches("input,textarea,select") && event.detail.target.contains(inside)) {
    event.detail.shouldSwap = false;
  }
});
