// Keeps the practice phone fresh: looks again when the stream says so, and sends its forms without leaving the page.
const { who, on } = document.body.dataset;
const here = new URLSearchParams({ who, on });
const live = document.querySelector("[data-live]");
const told = document.querySelector("[role=status]");
let looking = false;
let again = false;

async function look() {
  if (looking) { again = true; return; }
  looking = true;
  try {
    const answer = await fetch(`/parts?${here}`);
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* the stream comes back by itself and says so */ } finally {
    looking = false;
    if (again) { again = false; look(); }
  }
}

function show(fresh) {
  const drawings = document.querySelector("[data-symbols]");
  for (const one of fresh.querySelectorAll("symbol")) if (!document.getElementById(one.id)) drawings.append(one);
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    keepOpen(part, next);
    if (next && !next.children.length) part.textContent = next.textContent;
    else if (next) renew(part, [...next.children]);
  }
}

// What somebody opened stays open.
function keepOpen(part, next) {
  for (const one of part.querySelectorAll("details[open][data-keep]")) {
    next?.querySelector(`details[data-keep="${CSS.escape(one.dataset.keep)}"]`)?.setAttribute("open", "");
  }
}

// Only what is new comes and only what is old goes, so that focus stays and nothing is read out twice.
function renew(part, fresh) {
  const old = [...part.children];
  let head = 0;
  let tail = 0;
  while (head < Math.min(old.length, fresh.length) && old[head].isEqualNode(fresh[head])) head += 1;
  while (tail < Math.min(old.length, fresh.length) - head && old.at(-1 - tail).isEqualNode(fresh.at(-1 - tail))) tail += 1;
  for (const gone of old.slice(head, old.length - tail)) gone.remove();
  const before = old[old.length - tail] ?? null;
  for (const come of fresh.slice(head, fresh.length - tail)) part.insertBefore(come, before);
}

async function send(form, button) {
  const fields = new URLSearchParams(new FormData(form, button));
  const answer = await fetch(form.action, { method: "POST", body: fields });
  told.textContent = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[role=status]")?.textContent ?? "";
  look();
}

document.querySelector("[data-write]").addEventListener("submit", (event) => {
  const form = event.currentTarget;
  if ("once" in form.dataset) return; // an answer or a correction: the page comes back for plain writing
  event.preventDefault();
  send(form, event.submitter).catch(() => form.submit());
  for (const field of form.querySelectorAll("input:not([type=hidden]), textarea")) field.value = "";
  form.elements.text.focus();
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!("act" in form.dataset)) return;
  event.preventDefault();
  send(form, event.submitter).catch(() => form.submit());
  event.submitter?.closest("details[data-keep], details.more")?.removeAttribute("open");
});
document.querySelector("[data-choose]").addEventListener("change", (event) => event.currentTarget.submit());

const stream = new EventSource(`/events?${here}`);
stream.addEventListener("open", () => { live.hidden = false; look(); });
stream.addEventListener("error", () => { live.hidden = true; });
stream.addEventListener("changed", look);
