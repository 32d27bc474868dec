// A toast stays six seconds, longer under the pointer or focus; the one about a send stays until it has left.
import { refreshTalk } from "./live.js";

export default function (toast) {
  const address = new URL(location.href);
  for (const name of ["sent", "did"]) address.searchParams.delete(name);
  history.replaceState(null, "", address);
  const seconds = Number(toast.dataset.seconds ?? 6), began = Date.now();
  const timer = setInterval(() => {
    const left = seconds - (Date.now() - began) / 1000;
    toast.querySelector("[data-ring]")?.setAttribute("stroke-dasharray", `${Math.max(0, (100 * left) / seconds)} 100`);
    const word = toast.querySelector("[data-seconds-left]");
    if (word) word.textContent = String(Math.max(0, Math.ceil(left)));
    if (left > 0 || (!word && toast.matches(":hover, :focus-within"))) return;
    clearInterval(timer);
    toast.remove();
    if (word) refreshTalk();
  }, 1000);
}
