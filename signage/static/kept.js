// What stays on this phone, apart for each site; a browser that keeps nothing works all the same.
const name = (key) => `${document.documentElement.dataset.site}.${key}`;

export function recall(key) {
  try {
    return localStorage.getItem(name(key));
  } catch {
    return null;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(name(key), value);
  } catch {
    // forgotten when the page is closed
  }
}
