// Single keys outside fields, as the help lists them. They can be switched off, and never shadow a browser's own.
const off = () => localStorage.getItem("keys") === "off";
const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
const press = (key) => document.querySelector(`[data-keyed="${key}"] button`)?.click();

function move(step) {
  const items = [...document.querySelectorAll(".item")];
  const at = items.indexOf(document.activeElement.closest(".item") ?? document.querySelector(".item[aria-current]"));
  const next = items[Math.max(0, Math.min(items.length - 1, at + step))];
  next?.focus();
}

// Opens what is folded away and goes to its first field.
function unfold(details, first) {
  const found = document.querySelector(details);
  if (!found?.querySelector(first)) return;
  found.open = true;
  found.querySelector(first).focus();
}

function back(help) {
  if (help.open) return help.close();
  const field = typing(document.activeElement);
  if (field) return field.blur();
  const folded = document.querySelector("details.menu[open], .beside details[open], .note-acts details[open], .person details[open]");
  if (folded) folded.open = false;
  else if (document.querySelector("[data-back]")) location.assign(document.querySelector("[data-back]").href);
}

export default function () {
  const help = document.querySelector("#help");
  const box = help.querySelector("[data-keys-off]");
  box.checked = off();
  box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "off" : "on"));
  for (const button of document.querySelectorAll("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  const acts = {
    j: () => move(1), k: () => move(-1), e: () => press("e"), a: () => press("a"),
    n: () => unfold(".beside details", "#note"), o: () => unfold("[data-objects]", 'button[name="about"]'), h: () => unfold('[data-menu="more"]', "[data-aside] button"),
    r: () => document.querySelector("#reply, #why-not")?.focus(), "?": () => help.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) return back(help);
    const act = acts[event.key.toLowerCase()];
    if (!act || off() || help.open || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    event.preventDefault();
    act();
  });
}
