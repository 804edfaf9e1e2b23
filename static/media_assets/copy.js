"use strict";

// Copying, byte for byte. A button names, in data-copy-from, the JSON block that holds the text; or
// in data-copy-url where it is fetched from, as JSON, so that long lists need not bring it along.
// data-copied-url and data-copied-snippet: where to record it. data-copied-label, data-copy-hint and
// data-copy-failed, on the button or around it: the words. data-copy-select: the element whose text
// is selected for the person when the browser refuses the clipboard. data-copied-codes: the JSON
// block that names what is copied, where one button copies several.

const CONFIRM_MS = 2000;
const confirmations = new WeakMap();
let byHand = null; // what is selected for the person to copy
let hint = null; // the word beside the button that was pressed last

function wordsFor(button, name, fallback) {
  const attribute = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const holder = button.closest(`[data-${attribute}]`);
  return (holder && holder.dataset[name]) || fallback;
}

function hintFor(button) {
  const hint = wordsFor(button, "copyHint", "Ctrl+C");
  return /Mac|iP/.test(navigator.platform) ? hint.replace("Ctrl+", "⌘") : hint;
}

function announce(text) {
  let region = document.getElementById("copy-said");
  if (!region) {
    region = document.createElement("div");
    region.id = "copy-said";
    region.className = "visually-hidden";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = "";
  // A region that has just been made, or says the same again, is read only after a pause.
  setTimeout(() => (region.textContent = text), 50);
}

function checkIcon() {
  const svgNamespace = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(svgNamespace, "svg");
  const use = document.createElementNS(svgNamespace, "use");
  const attributes = { class: "icon", "aria-hidden": "true", fill: "none", stroke: "currentColor" };
  for (const [name, value] of Object.entries(attributes)) icon.setAttribute(name, value);
  use.setAttribute("href", "#icon-check");
  icon.append(use);
  return icon;
}

function confirmCopy(button) {
  const label = wordsFor(button, "copiedLabel", "✓");
  const shown = confirmations.get(button);
  if (shown) clearTimeout(shown.timer);
  const before = shown ? shown.before : [...button.childNodes];
  if (!shown) button.style.minWidth = `${button.offsetWidth}px`;
  // the admin has no icons
  if (document.getElementById("icon-check")) button.replaceChildren(checkIcon(), ` ${label}`);
  else button.textContent = label;
  const timer = setTimeout(() => {
    confirmations.delete(button);
    button.replaceChildren(...before);
    button.style.minWidth = "";
  }, CONFIRM_MS);
  confirmations.set(button, { before, timer });
  announce(label);
}

function record(button) {
  const { copiedUrl, copiedSnippet, copiedCodes } = button.dataset;
  if (!copiedUrl) return;
  const headers = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
  const body = new URLSearchParams({ snippet: copiedSnippet || "" });
  const codes = document.getElementById(copiedCodes || "");
  if (codes) body.set("codes", JSON.parse(codes.textContent));
  fetch(copiedUrl, { method: "POST", headers, body, keepalive: true }).catch(() => {});
}

function forgetLast() {
  hint?.remove();
  byHand?.area?.remove();
  hint = byHand = null;
}

function sayBeside(button, text) {
  forgetLast();
  hint = document.createElement("span");
  hint.className = "copy-hint";
  hint.textContent = text;
  button.after(hint);
  announce(text);
}

function succeed(button) {
  forgetLast();
  confirmCopy(button);
  record(button);
}

function selectElement(element) {
  const closed = element.closest("details:not([open])");
  if (closed) closed.open = true;
  const selection = document.getSelection();
  selection.removeAllRanges();
  const range = document.createRange();
  range.selectNodeContents(element);
  selection.addRange(range);
  element.scrollIntoView({ block: "nearest" });
}

function injectArea(button, text) {
  const area = document.createElement("textarea");
  area.className = "form-control copy-area";
  area.readOnly = true;
  area.rows = 3;
  area.value = text;
  area.setAttribute("aria-label", hintFor(button));
  button.after(area);
  area.focus();
  area.select();
  return area;
}

function offerByHand(button, text) {
  sayBeside(button, hintFor(button));
  const element = document.getElementById(button.dataset.copySelect || "");
  const area = element ? null : injectArea(button, text);
  if (element) selectElement(element);
  byHand = { button, text, area, element };
}

async function textOf(button) {
  if (button.dataset.copyUrl) {
    const answer = await fetch(button.dataset.copyUrl);
    // whoever is not signed in any more, or may not see it any more, is told so by the page itself
    if (answer.redirected || [403, 404].includes(answer.status)) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.json();
  }
  const block = document.getElementById(button.dataset.copyFrom);
  return block && JSON.parse(block.textContent);
}

async function copy(button) {
  let text;
  try {
    text = await textOf(button);
  } catch {
    sayBeside(button, wordsFor(button, "copyFailed", "✗"));
    return;
  }
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    offerByHand(button, text);
    return;
  }
  succeed(button);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy-from], button[data-copy-url]");
  if (button) copy(button);
});

// Ctrl+C on what we selected: what is shown may differ in line ends, so the exact text goes out.
document.addEventListener("copy", (event) => {
  if (!byHand) return;
  const { area, element, text, button } = byHand;
  const isOurs = area
    ? document.activeElement === area && area.selectionEnd - area.selectionStart >= area.value.length
    : document.getSelection().toString().trim() === element.textContent.trim();
  if (!isOurs) return;
  event.clipboardData.setData("text/plain", text);
  event.preventDefault();
  succeed(button);
});
