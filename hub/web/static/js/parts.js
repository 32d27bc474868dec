// Replacing the parts of a page by newer ones. A part is an element with data-part; inside some, children carry data-key.
import { attach } from "./start.js";

const byKey = (root) => new Map([...root.children].filter((c) => c.dataset.key).map((c) => [c.dataset.key, c]));

// What the reader has unfolded stays so.
function keepOpen(old, fresh) {
  const before = old.querySelectorAll("details");
  fresh.querySelectorAll("details").forEach((details, n) => { if (before[n]?.open) details.open = true; });
}

// Nobody loses words they are typing into a child because something else about it changed.
const inUse = (child) => child.contains(document.activeElement?.closest("textarea, input:not([type=hidden])") ?? null);

// Children keep their place when nothing about them changed, so nothing flickers and the reader's place is kept.
function mergeChildren(old, fresh) {
  const have = byKey(old);
  let at = old.firstElementChild;
  for (const child of [...fresh.children]) {
    const same = have.get(child.dataset.key);
    if (same) keepOpen(same, child);
    if (same && inUse(same)) {
      have.delete(child.dataset.key);
      if (same === at) at = at.nextElementSibling;
      else old.insertBefore(same, at);
      continue;
    }
    if (same?.outerHTML === child.outerHTML) {
      have.delete(child.dataset.key);
      if (same === at) at = at.nextElementSibling;
      else old.insertBefore(same, at);
      continue;
    }
    if (!same) {
      child.classList.add("arrived");
      child.addEventListener("animationend", () => child.classList.remove("arrived"), { once: true });
    }
    old.insertBefore(child, at);
    if (same) {
      if (same === at) at = same.nextElementSibling;
      same.remove();
      have.delete(child.dataset.key);
    }
  }
  for (const gone of have.values()) gone.remove();
  for (const [name, value] of Object.entries(fresh.dataset)) old.dataset[name] = value;
}

function adoptDrawings(root) {
  const ours = document.querySelector("[data-symbols] defs");
  for (const symbol of root.querySelectorAll("[data-symbols] symbol")) {
    if (!document.getElementById(symbol.id)) ours.append(symbol);
  }
}

// What is being typed stays while the seat stays the same; `force` is for the form that was just sent.
function keepsSeat(old, fresh, force) {
  return !force && old.dataset.seat && old.dataset.seat === fresh.dataset.seat && old.contains(document.querySelector("#reply"));
}

// A stop may close the composer while somebody types: the words are kept where the refusal stands.
function keepText(seat, text) {
  const field = seat.querySelector("#reply") ?? document.createElement("textarea");
  field.value = text;
  if (field.isConnected) return;
  Object.assign(field, { id: "kept", className: "input", readOnly: true });
  const label = Object.assign(document.createElement("label"), { htmlFor: "kept", textContent: "Your text is kept here, and was not sent" });
  const box = Object.assign(document.createElement("div"), { className: "field kept" });
  box.append(label, field);
  seat.querySelector("h2").parentElement.append(box);
}

export function swap(html, { force = false } = {}) {
  const root = new DOMParser().parseFromString(html, "text/html");
  adoptDrawings(root);
  for (const fresh of root.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${fresh.dataset.part}"]`);
    if (!old || fresh.parentElement?.closest("[data-part='seat']") || keepsSeat(old, fresh, force)) continue;
    if (fresh.querySelector(":scope > [data-key]")) mergeChildren(old, fresh);
    else if (old.outerHTML !== fresh.outerHTML) {
      const typed = force ? "" : old.querySelector("#reply, #kept")?.value;
      old.replaceWith(fresh);
      if (typed) keepText(fresh, typed);
    }
  }
  attach(document);
  document.dispatchEvent(new CustomEvent("parts:swapped"));
}

export const announce = (text) => {
  const place = document.querySelector("[data-announce]");
  if (place) place.textContent = text;
};

export const token = () => document.querySelector('meta[name="csrf"]')?.content ?? "";
