// Opens at the latest message, and stays there when new ones come while the reader is at the end.
export default function (pane) {
  const end = () => { pane.scrollTop = pane.scrollHeight; };
  let atEnd = true;
  pane.addEventListener("scroll", () => { atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 60; }, { passive: true });
  document.addEventListener("parts:swapped", () => { if (atEnd) end(); });
  new ResizeObserver(() => { if (atEnd) end(); }).observe(pane);
  end();
}
