// Attaches behaviours: an element with data-use="live keys" gets ./live.js and ./keys.js. Pages work without any of them.
const used = new WeakMap();

export function attach(root) {
  for (const element of root.querySelectorAll("[data-use]")) {
    const have = used.get(element) ?? new Set();
    used.set(element, have);
    for (const name of element.dataset.use.split(" ")) {
      if (have.has(name)) continue;
      have.add(name);
      import(`./${name}.js`).then((module) => module.default(element));
    }
  }
}
attach(document);
