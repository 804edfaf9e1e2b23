"use strict";

// What somebody types into a form with data-draft stays in this window while they change the
// language, look at another page or sign in again. It is forgotten once its batch was accepted,
// which the server says in a cookie that names the form's key, and at sign-out; nobody is shown
// what another person has typed.

const DRAFTS = ["new-upload", "quick"];
const KEPT = ["connector", "urls", "label", "campaign"];
const draftForm = document.querySelector("form[data-draft]");
const draftPerson = document.body.dataset.person;
const draftAddress = location.pathname + location.search;
let draftChanged = false;
let draftSubmitted = false;

function readDraft(name) {
  try {
    return JSON.parse(sessionStorage.getItem(`draft-${name}`));
  } catch {
    return null;
  }
}

function writeDraft(name, draft) {
  try {
    if (draft) sessionStorage.setItem(`draft-${name}`, JSON.stringify(draft));
    else sessionStorage.removeItem(`draft-${name}`);
    return true;
  } catch {
    return false; // no storage, nothing kept
  }
}

function forgetDrafts(isOver) {
  for (const name of DRAFTS) {
    const draft = readDraft(name);
    if (draft && isOver(draft)) writeDraft(name, null);
  }
}

function forgetSent() {
  const sent = document.cookie.match(/(?:^|; )sent=([0-9a-f-]+)/);
  if (sent) forgetDrafts((draft) => draft.key === sent[1]);
}

function keepDraft() {
  if (!draftForm || !draftChanged) return;
  const fields = KEPT.filter((name) => draftForm.elements[name]);
  const values = Object.fromEntries(fields.map((name) => [name, draftForm.elements[name].value]));
  const isEmpty = !values.urls && !values.label && !values.campaign;
  const draft = {
    person: draftPerson,
    key: draftForm.elements.key.value,
    submitted: draftSubmitted,
    address: draftAddress,
    values,
  };
  writeDraft(draftForm.dataset.draft, isEmpty ? null : draft);
}

// The draft for this form; a line sent from the overview that did not arrive goes into the large
// form, to which that form leads.
function draftToRestore() {
  const own = readDraft(draftForm.dataset.draft);
  if (draftForm.dataset.draft !== "new-upload") return own;
  const quick = readDraft("quick");
  if (!quick || !quick.submitted) return own;
  writeDraft("quick", null);
  const lines = own ? own.values.urls.split("\n").filter((line) => line) : [];
  if (!lines.includes(quick.values.urls)) lines.push(quick.values.urls);
  const values = { ...own?.values, ...quick.values, urls: lines.join("\n") };
  return { address: draftAddress, values };
}

function restoreDraft() {
  if (!("fresh" in draftForm.dataset)) {
    draftChanged = true; // the page brings back what was sent
    forgetDrafts((draft) => draft.key === draftForm.elements.key.value);
    return;
  }
  const draft = draftToRestore();
  if (!draft) return;
  const isHere = draft.address === draftAddress;
  if (draftForm.elements.urls.value && !isHere) return; // a link has brought something else
  for (const [name, value] of Object.entries(draft.values)) {
    const field = draftForm.elements[name];
    if (!field) continue;
    const isLinked = new URLSearchParams(location.search).has(name) && !isHere;
    const isOffered = !field.options || [...field.options].some((each) => each.value === value);
    if (isOffered && !isLinked) field.value = value;
  }
  draftChanged = true;
  keepDraft();
  draftForm.elements.urls.dispatchEvent(new Event("input", { bubbles: true }));
}

if ("forgetDrafts" in document.body.dataset) forgetDrafts(() => true);
if (draftPerson) forgetDrafts((draft) => draft.person !== draftPerson);
forgetSent();
const keptNote = document.querySelector("[data-draft-kept]");
if (keptNote && DRAFTS.some(readDraft)) {
  keptNote.hidden = false;
  document.querySelector("[data-draft-unknown]")?.remove();
}

if (draftForm && writeDraft("try", {}) && writeDraft("try", null)) {
  // What the browser brings back by itself may have been sent since, or be another person's.
  draftForm.autocomplete = "off";

  for (const name of ["input", "change", "submit"]) {
    draftForm.addEventListener(name, () => {
      draftChanged = true;
      draftSubmitted = name === "submit";
      keepDraft();
    });
  }
  draftForm.addEventListener("htmx:afterSettle", keepDraft); // a file's rows were added
  window.addEventListener("pagehide", keepDraft);

  // After htmx has begun to listen, which it does when the page is complete.
  window.addEventListener("load", () => {
    if (!draftChanged) restoreDraft();
  });

  // A page that the browser kept whole is asked for anew: what it holds may have been sent.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && draftSubmitted) location.replace(location.href);
  });
}
