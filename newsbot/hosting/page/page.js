"use strict";

const EVERY = { page: 5000, log: 2000 }; // milliseconds
const KEPT = 500000; // characters of a log
// Without the user and password that may stand in the address.
const here = (query) => location.origin + location.pathname + query;

// Times in the viewer's zone, beside UTC.
const clock = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  timeZoneName: "short",
});
function localize(part) {
  for (const time of part.querySelectorAll("time")) {
    const local = document.createElement("span");
    local.className = "local";
    local.textContent = clock.format(new Date(time.dateTime));
    time.before(local);
  }
}

function contact(text) {
  const line = document.getElementById("contact") || document.getElementById("following");
  line.textContent = text;
  line.hidden = !text;
}

// The page: its parts are replaced, but none in which somebody is at work.
const busy = (part) => part.contains(document.activeElement) || !getSelection().isCollapsed;
async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(here(location.search), { credentials: "same-origin" });
  if (!(answer.headers.get("content-type") || "").startsWith("text/html")) throw new Error(answer.statusText);
  const text = await answer.text();
  // Without its head, whose style has a nonce that this page does not know.
  const fresh = new DOMParser().parseFromString(text.slice(text.indexOf("<body>")), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next && !busy(part)) {
      localize(next);
      part.replaceWith(document.adoptNode(next));
    }
  }
}

// A log: what came since is appended.
const log = document.getElementById("log");
async function follow() {
  const answer = await fetch(here("?after=" + log.dataset.end), { credentials: "same-origin" });
  if (!answer.ok) throw new Error(answer.statusText);
  const { start, end, text, ended } = await answer.json();
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const before = Number(log.dataset.end);
  if (start < before) log.textContent = ""; // it was cut
  if (start > before) log.append(`[${start - before} bytes are left out here]\n`);
  if (text) log.append(text);
  let length = log.textContent.length;
  while (length > KEPT && log.childNodes.length > 1) {
    length -= log.firstChild.textContent.length;
    log.firstChild.remove();
  }
  log.dataset.end = end;
  if (atEnd) log.scrollTop = log.scrollHeight;
  if (ended) location.reload();
}

function repeat(task, wait, well) {
  let seen = new Date();
  const again = async () => {
    try {
      await task();
      seen = new Date();
      contact(well);
    } catch (error) {
      contact(`No contact with the server since ${seen.toLocaleTimeString()}: ${error.message}`);
    }
    setTimeout(again, wait);
  };
  setTimeout(again, wait);
}

localize(document);
if (log) {
  log.scrollTop = log.scrollHeight;
  if ("follow" in log.dataset) {
    contact("follows by itself");
    repeat(follow, EVERY.log, "follows by itself");
  }
} else if (document.querySelector("[data-live]")) {
  // The result of a form is shown once.
  const query = new URLSearchParams(location.search);
  if (query.has("said")) {
    query.delete("said");
    const address = new URL(document.URL); // with that user and password: without them it would be another site's
    address.search = query;
    history.replaceState(null, "", address);
  }
  repeat(refresh, EVERY.page, "");
}
