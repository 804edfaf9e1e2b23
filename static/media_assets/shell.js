"use strict";

// What the shell does beyond HTML: menus close, messages go away, lost pictures give way, and
// who is not signed in any more gets there from a fragment too.

function openMenus() {
  return document.querySelectorAll("details.menu[open]");
}

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(".alert").remove();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus) menu.querySelector("summary").focus();
  }
});

document.addEventListener("focusin", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A picture that cannot be loaded gives way to the icon underneath. Events of images do not
// bubble, so they are caught on their way down.
function settle(image) {
  if (image.naturalWidth === 0) image.remove();
  else image.classList.add("is-loaded");
}

function onImage(event) {
  if (event.target instanceof HTMLImageElement && "thumbnail" in event.target.dataset) {
    settle(event.target);
  }
}

document.addEventListener("load", onImage, true);
document.addEventListener("error", onImage, true);

// Some may have been done before this file ran.
for (const image of document.querySelectorAll("img[data-thumbnail]")) {
  if (image.complete && image.currentSrc) settle(image);
}

// What a page keeps asking for may be taken away from its reader: the page says so better than a
// fragment that stands still. Asking goes on until the page is gone, so it is reloaded once.
let isLeaving = false;

document.addEventListener("htmx:responseError", (event) => {
  const isPolled = event.detail.elt.getAttribute("hx-trigger")?.startsWith("every ");
  if (isLeaving || !isPolled || ![403, 404].includes(event.detail.xhr.status)) return;
  isLeaving = true;
  location.reload();
});

// A session may end while a page asks for its fragments: htmx then follows to the sign-in page,
// which belongs into the window and not into the fragment's place.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { pathname } = new URL(event.detail.xhr.responseURL, location.href);
  if (pathname === document.body.dataset.signIn && pathname !== location.pathname) {
    event.detail.shouldSwap = false;
    location.reload();
  }
});
