"use strict";

// The form for new uploads works without this file. With it, the button says what it would send,
// the check is read out, a line's number leads to that line in the field, and what was typed
// outlives the session: this window keeps it until the person has signed in again.

const DRAFT = "new-upload"; // shell.js clears it on other pages
const KEPT = ["connector", "urls", "label", "campaign"];

function keepDraft() {
  const form = document.getElementById("new-upload");
  if (!form) return;
  const values = Object.fromEntries(KEPT.map((name) => [name, form.elements[name].value]));
  const draft = { person: form.dataset.person, path: location.pathname, values };
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  } catch {
    // no storage, nothing kept
  }
}

function takeDraft() {
  try {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT));
    sessionStorage.removeItem(DRAFT);
    return draft;
  } catch {
    return null;
  }
}

// A page that brings back what was sent needs no draft; nobody gets what another person typed.
function restoreDraft() {
  const form = document.getElementById("new-upload");
  if (!form) return;
  const draft = takeDraft();
  if (!draft || !("fresh" in form.dataset) || draft.person !== form.dataset.person) return;
  for (const name of KEPT) form.elements[name].value = draft.values[name];
  form.elements.urls.dispatchEvent(new Event("input", { bubbles: true }));
}

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

document.addEventListener("submit", (event) => {
  if (event.target.id === "new-upload") keepDraft();
});

// htmx was led to the sign-in page: shell.js goes there
document.addEventListener("htmx:beforeSwap", (event) => {
  const { pathname } = new URL(event.detail.xhr.responseURL, location.href);
  if (pathname === document.body.dataset.signIn) keepDraft();
});

// After htmx has begun to listen, which it does when the page is complete.
window.addEventListener("load", restoreDraft);

document.addEventListener("click", (event) => {
  const line = event.target.closest("[data-line]");
  if (line) selectLine(Number(line.dataset.line));
});
