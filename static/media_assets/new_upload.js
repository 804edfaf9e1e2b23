"use strict";

// The form for new uploads works without this file. With it, the button says what it would send,
// the check is read out, and a line's number leads to that line in the field.

function showCheck() {
  const result = document.getElementById("check-result");
  const send = document.getElementById("send");
  if (!result || !send) return;
  send.value = result.dataset.leaveOut;
  document.getElementById("send-label").textContent = result.dataset.sendLabel.trim();
  const summary = document.getElementById("check-summary");
  const said = document.getElementById("checked-said");
  const text = summary ? summary.textContent.trim().replace(/\s+/g, " ") : "";
  if (said.textContent !== text) said.textContent = text;
}

function forgetCheck() {
  const send = document.getElementById("send");
  send.value = "";
  document.getElementById("send-label").textContent = send.dataset.plain;
  document.querySelector("#urls-field .errorlist")?.remove();
  const field = document.getElementById("id_urls");
  field.classList.remove("is-invalid");
  field.removeAttribute("aria-invalid");
}

function selectLine(number) {
  const field = document.getElementById("id_urls");
  const lines = field.value.split("\n");
  const start = lines.slice(0, number - 1).reduce((length, line) => length + line.length + 1, 0);
  const rowHeight = field.scrollHeight / Math.max(lines.length, field.rows);
  field.focus();
  field.setSelectionRange(start, start + (lines[number - 1] || "").length);
  field.scrollTop = Math.max(0, (number - 3) * rowHeight);
  field.scrollLeft = 0;
}

showCheck();

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "checked") showCheck();
});

document.addEventListener("input", (event) => {
  if (["id_urls", "id_connector"].includes(event.target.id)) forgetCheck();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-remove-file]")) {
    const file = document.getElementById("id_csv_file");
    file.value = "";
    file.dispatchEvent(new Event("change", { bubbles: true }));
    file.focus();
  }
  const line = event.target.closest("[data-line]");
  if (line) selectLine(Number(line.dataset.line));
});
