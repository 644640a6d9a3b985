// Carries the differences between two trees over into the one that is shown, so that focus, selection, scroll positions and opened details stay.
// Children with an id are matched by it, others by their place.

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && node.id) || null;
const sameKind = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

export function morph(shown, wanted) {
  if (shown.nodeType !== Node.ELEMENT_NODE) {
    if (shown.nodeValue !== wanted.nodeValue) shown.nodeValue = wanted.nodeValue;
    return;
  }
  attributes(shown, wanted);
  // The text of a time is times.js's own.
  if (shown.nodeName !== 'TIME') children(shown, wanted);
}

function attributes(shown, wanted) {
  // Whether details are open, and the title of a time, is not the server's to say.
  const ours = (name) => (name === 'open' && shown.nodeName === 'DETAILS') || (name === 'title' && shown.nodeName === 'TIME');
  for (const { name, value } of wanted.attributes) {
    if (!ours(name) && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  for (const { name } of [...shown.attributes]) {
    if (!ours(name) && !wanted.hasAttribute(name)) shown.removeAttribute(name);
  }
}

function children(shown, wanted) {
  const wantedKeys = new Set([...wanted.children].map(keyOf).filter(Boolean));
  const keyed = new Map();
  for (const child of [...shown.children]) {
    const key = keyOf(child);
    if (key && !wantedKeys.has(key)) child.remove();
    else if (key) keyed.set(key, child);
  }
  let place = shown.firstChild;
  for (const want of [...wanted.childNodes]) {
    const key = keyOf(want);
    const match = key ? keyed.get(key) : place;
    if (match && sameKind(match, want)) {
      if (match === place) place = place.nextSibling;
      else shown.insertBefore(match, place);
      morph(match, want);
    } else {
      shown.insertBefore(document.importNode(want, true), place);
      // What stood here unkeyed and is of another kind gives way; keyed neighbours wait for their own turn.
      if (!key && place && !keyOf(place)) {
        const old = place;
        place = place.nextSibling;
        old.remove();
      }
    }
  }
  while (place) {
    const old = place;
    place = place.nextSibling;
    old.remove();
  }
}
