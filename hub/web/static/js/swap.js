// A form that is sent without leaving the page. Anything unexpected falls back to sending it the plain way.
import { swap } from "./parts.js";

export default function (form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "yes";
    const body = new URLSearchParams(new FormData(form, event.submitter));
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
      if (!answer.ok && answer.status !== 422) throw new Error(String(answer.status));
      swap(await answer.text(), { force: true });
      document.querySelector("#why-not[autofocus], #reply[autofocus]")?.focus();
      if (form.id === "reply-form") document.querySelector("#reply")?.focus();
    } catch (problem) {
      // A reply may have arrived although its answer was lost: look first, never send it a second time.
      location.reload();
    } finally {
      delete form.dataset.busy;
    }
  });
}
