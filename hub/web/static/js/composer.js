// The reply field: grows with the text, counts it, sends on Ctrl Enter. Another channel in the menu opens its own composer.
const GSM = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
const TWO = new Set("^{}\\[~]|€\f");

// As the server sends it (channels/segments.py): curly quotes, dashes and odd spaces cost the alphabet, so they go out plain.
const PLAIN = [[/[\u2018\u2019\u201a\u201b\u2032]/g, "'"], [/[\u201c\u201d\u201e\u201f\u2033]/g, '"'], [/[\u2010-\u2015]/g, "-"],
  [/\u2026/g, "..."], [/[\u00a0\u202f\u2009]/g, " "], [/[\u200b\ufeff]/g, ""]];
const plainly = (text) => PLAIN.reduce((said, [odd, plain]) => said.replace(odd, plain), text);

// 3GPP 23.038: septets where every character is in the alphabet, else UTF-16 units; joined parts are shorter.
export function segments(written) {
  const text = plainly(written), chars = [...text];
  const plain = chars.every((c) => GSM.has(c) || TWO.has(c));
  const used = plain ? chars.reduce((n, c) => n + (TWO.has(c) ? 2 : 1), 0) : text.length;
  const [single, joined] = plain ? [160, 153] : [70, 67];
  const parts = used <= single ? 1 : Math.ceil(used / joined);
  return { used, room: parts === 1 ? single : parts * joined, parts };
}

const utf8 = new TextEncoder();

// A measure of the channel's own: [used, most, unit]. Some providers count bytes, where a Chinese character is three.
function measure(text, counter) {
  const bytes = Number(counter.dataset.mostBytes ?? 0);
  return bytes ? [utf8.encode(text).length, bytes, " bytes"] : [[...text].length, Number(counter.dataset.most), ""];
}

function words(text, counter) {
  const [used, most, unit] = measure(text, counter);
  if (!text) return "";
  if (used > most) return `${(used - most).toLocaleString("en")}${unit} too long`;
  if (!("segments" in counter.dataset)) return `${used.toLocaleString("en")} of ${most.toLocaleString("en")}${unit}`;
  const { used: septets, room, parts } = segments(text);
  return `${septets} of ${room}, ${parts === 1 ? "one SMS" : `${parts} SMS`}`;
}

export default function (form) {
  const field = form.querySelector("textarea"), counter = form.querySelector("[data-count]"), send = form.querySelector(".go");
  field.removeAttribute("maxlength"); // saying by how much it is too long is kinder than eating the keys
  const update = () => {
    const [used, most] = measure(field.value, counter);
    counter.textContent = words(field.value, counter);
    counter.classList.toggle("alarm-text", used > most);
    send.disabled = used > most;
    field.rows = Math.min(8, Math.max(2, field.value.split("\n").length + Math.floor(field.value.length / 90)));
  };
  field.addEventListener("input", update);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !send.disabled && field.value.trim()) form.requestSubmit(send);
  });
  form.querySelector("#via")?.addEventListener("change", (event) => {
    const there = new URL(location.href);
    there.searchParams.set("via", event.target.value);
    location.assign(there);
  });
  update();
}
