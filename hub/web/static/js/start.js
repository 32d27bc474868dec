// Attaches behaviours: an element with data-use="live keys" gets ./live.js and ./keys.js. Pages work without any of them.
export function attach(root) {
  for (const element of root.querySelectorAll("[data-use]")) {
    for (const name of element.dataset.use.split(" ")) {
      if (element.dataset.used?.includes(name)) continue;
      element.dataset.used = `${element.dataset.used ?? ""} ${name}`;
      import(`./${name}.js`).then((module) => module.default(element));
    }
  }
}
attach(document);
