"use strict";

// Runs in <head> before the first paint. The choice is kept under the key that Django's admin
// uses too, so that both follow one switch.

const THEME_KEY = "theme";
const THEMES = ["auto", "light", "dark"];
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

function chosenTheme() {
  try {
    const stored = localStorage.getItem(THEME_KEY);
    return THEMES.includes(stored) ? stored : "auto";
  } catch {
    return document.documentElement.dataset.themeChoice || "auto";
  }
}

function rememberTheme(choice) {
  try {
    localStorage.setItem(THEME_KEY, choice);
  } catch {
    // Storage may be refused: the choice then holds for this page only.
  }
}

function applyTheme(choice) {
  const dark = choice === "dark" || (choice === "auto" && prefersDark.matches);
  document.documentElement.dataset.themeChoice = choice;
  document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
}

function nextTheme(choice) {
  return THEMES[(THEMES.indexOf(choice) + 1) % THEMES.length];
}

applyTheme(chosenTheme());
prefersDark.addEventListener("change", () => applyTheme(chosenTheme()));
window.addEventListener("storage", (event) => {
  if (event.key === THEME_KEY) applyTheme(chosenTheme());
});

document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const choice = nextTheme(document.documentElement.dataset.themeChoice);
      rememberTheme(choice);
      applyTheme(choice);
    });
  }
});
