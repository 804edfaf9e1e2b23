"use strict";

// Lists work without this file: rows are ticked one by one. With it, one box ticks them all, the
// choice says how many are ticked, and ticking chooses the ticked ones.

const bulkForm = document.getElementById("bulk");
const scope = document.getElementById("bulk-scope");
const tickAll = document.querySelector("[data-tick-all]");

function ticks() {
  return [...document.querySelectorAll('input[type="checkbox"][form="bulk"]')];
}

function showTicked() {
  const all = ticks();
  const number = all.filter((tick) => tick.checked).length;
  const box = tickAll.querySelector("input");
  box.checked = number > 0 && number === all.length;
  box.indeterminate = number > 0 && number < all.length;
  const option = scope.querySelector("[data-counted]");
  option.textContent = number ? `${option.dataset.counted} (${number})` : option.dataset.counted;
}

if (bulkForm) {
  tickAll.hidden = false;
  showTicked();

  document.addEventListener("change", (event) => {
    const isAll = tickAll.contains(event.target);
    if (!isAll && event.target.getAttribute("form") !== "bulk") return;
    if (isAll) for (const tick of ticks()) tick.checked = event.target.checked;
    if (event.target.checked) scope.value = "ticked";
    showTicked();
  });

  // A page that the browser brings back still has its ticks.
  window.addEventListener("pageshow", showTicked);
}
