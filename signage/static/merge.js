// Makes what is there like what came, by as few changes as will do: what is open stays open, and the focus where it is.
const key = ({ nodeName, id, className }) => `${nodeName} ${id} ${className}`;
const names = (node) => node.getAttributeNames?.() ?? [];

function drop(node) {
  const after = node.nextSibling;
  node.remove();
  return after;
}

export function merge(old, come) {
  if (old.isEqualNode(come)) return;
  if (old.nodeType === Node.TEXT_NODE) old.data = come.data;
  for (const name of names(old)) if (name !== "open" && !come.hasAttribute(name)) old.removeAttribute(name);
  for (const name of names(come)) old.setAttribute(name, come.getAttribute(name));
  let at = old.firstChild;
  for (const child of [...come.childNodes]) {
    let same = at;
    if (child.nodeType !== Node.TEXT_NODE) while (same && key(same) !== key(child)) same = same.nextSibling;
    if (same?.nodeType === child.nodeType) {
      while (at !== same) at = drop(at);
      at = same.nextSibling;
      merge(same, child);
    } else old.insertBefore(child, at);
  }
  while (at) at = drop(at);
}
