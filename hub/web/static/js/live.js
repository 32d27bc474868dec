// Hears which conversations changed and asks for the parts of this page that show them.
import { announce, swap, token } from "./parts.js";

const rows = () => document.querySelector('[data-part="rows"]');
const open = () => document.querySelector("[data-conversation]")?.dataset.conversation;
const query = () => new URLSearchParams(location.search);
let countsAsked, held = new Set(), asking = false, askAgain = false;

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "text/html" } });
  if (answer.status === 401) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  return answer.status === 200 ? answer.text() : "";
}

// One request at a time; what changes meanwhile is asked for once more.
export async function refreshTalk() {
  const id = open(), thread = document.querySelector('[data-part="thread"]');
  if (!id || !thread || query().has("before")) return;
  if (asking) { askAgain = true; return; }
  asking = true;
  const via = document.querySelector("#via")?.value ?? query().get("via");
  const wanted = new URLSearchParams({ view: rows().dataset.view });
  if (thread.dataset.from) wanted.set("after", thread.dataset.from);
  if (via) wanted.set("via", via);
  const said = thread.querySelectorAll("[data-said]").length;
  const html = await get(`/inbox/${id}/messages?${wanted}`).finally(() => { asking = false; });
  if (html) swap(html);
  const news = [...document.querySelectorAll('[data-part="thread"] [data-said]')];
  if (news.length > said) {
    const last = news.at(-1);
    announce(`${last.dataset.said}: ${last.querySelector(".words")?.textContent ?? ""}`);
    if (!document.hidden) fetch(`/inbox/${id}/read`, { method: "POST", headers: { "X-CSRF": token() } });
  }
  if (askAgain) { askAgain = false; refreshTalk(); }
}

function place(row) {
  const list = rows(), old = list.querySelector(`[data-key="${row.dataset.key}"]`);
  if (open() && row.dataset.key === `c-${open()}`) row.setAttribute("aria-current", "true");
  if (old?.dataset.at === row.dataset.at) { old.replaceWith(row); return; }
  old?.remove();
  list.querySelector('[data-key="empty"]')?.remove();
  const next = [...list.querySelectorAll(".item")].find((item) => item.dataset.at <= row.dataset.at);
  if (!next && list.querySelector('[data-key="older"]')) return;
  let heading = list.querySelector(`[data-key="g-${row.dataset.group}"]`);
  if (!heading) {
    heading = Object.assign(document.createElement("div"), { className: "group" });
    heading.dataset.key = `g-${row.dataset.group}`;
    heading.append(Object.assign(document.createElement("span"), { textContent: row.dataset.group }));
    list.prepend(heading);
  }
  if (next && next.dataset.group === row.dataset.group) next.before(row);
  else heading.after(row);
}

async function refreshRow(id) {
  const html = await get(`/inbox/rows/${id}?view=${rows().dataset.view}`);
  if (!html) { rows().querySelector(`[data-key="c-${id}"]`)?.remove(); return; }
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const symbol of fresh.querySelectorAll("symbol")) {
    if (!document.getElementById(symbol.id)) document.querySelector("[data-symbols] defs").append(symbol);
  }
  place(fresh.querySelector(".item"));
}

function refreshCounts() {
  clearTimeout(countsAsked);
  countsAsked = setTimeout(async () => swap(await get(`/inbox/views?view=${rows().dataset.view}`)), 800);
}

// The list never jumps under the pointer: news waits behind a button at the top.
function heard(ids) {
  const busy = rows().matches(":hover") || rows().parentElement.scrollTop > 40;
  for (const id of ids) {
    const first = rows().querySelector(".item");
    if (busy && first && first.dataset.key !== `c-${id}` && matchMedia("(hover: hover)").matches) held.add(id);
    else refreshRow(id);
    if (id === open()) refreshTalk();
  }
  showHeld();
  refreshCounts();
}

function showHeld() {
  const button = document.querySelector("[data-held]");
  button.hidden = held.size === 0;
  button.textContent = `${held.size} new`;
}

export default function () {
  if (!window.EventSource || query().has("before") || !rows()) return;
  document.querySelector("[data-held]").addEventListener("click", () => {
    for (const id of held) refreshRow(id);
    held = new Set();
    showHeld();
    rows().parentElement.scrollTop = 0;
  });
  const refreshAll = async () => { swap(await get(location.href)); refreshTalk(); };
  const stream = new EventSource("/live");
  let lost = false;
  stream.addEventListener("changed", (event) => heard(JSON.parse(event.data)));
  stream.addEventListener("refresh", refreshAll);
  stream.addEventListener("error", () => { lost = true; });
  stream.addEventListener("open", () => { if (lost) refreshAll(); lost = false; document.body.dataset.live = "yes"; });
  addEventListener("pagehide", () => stream.close());
}
