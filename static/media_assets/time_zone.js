"use strict";

// Tells the server the browser's time zone, so that times and days are the person's own. A page
// that was made before the server knew it shows the server's zone, and says so in the menu.

function browserZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "";
}

function rememberZone(zone) {
  const cookie = `time_zone=${zone}`;
  if (!/^[\w+/-]+$/.test(zone) || document.cookie.split("; ").includes(cookie)) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax${secure}`;
}

rememberZone(browserZone());
