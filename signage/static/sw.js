// Keeps the page and the one of a ticket at hand for when there is no network: their files, and how they were seen
// last. What is of now (part, stream, api) it never answers for. offline.py writes SITE, VERSION and FILES above this.
const PAGES = `pages ${SITE}`;
const SHELL = `shell ${SITE} `;
const PATIENCE_MS = 5000;
const REST_MS = 60_000;
let fetchedAt = 0;

const bare = (url) => url.split(/[?#]/)[0];
const isTicket = (url) => bare(url) === `${registration.scope}ticket`;
const isPage = (url) => bare(url) === registration.scope || isTicket(url);

async function keep(url, answer, at) {
  const { headers } = new Response(null, answer);
  headers.set("kept", at);
  const pages = await caches.open(PAGES);
  if (isTicket(url)) for (const old of await pages.keys()) if (isTicket(old.url)) await pages.delete(old); // the last one alone
  await pages.put(url, new Response(await answer.blob(), { headers }));
}

// The page as it is now. It is kept with the moment before it was asked for, so as never to be taken for newer.
async function fresh(event, url, request = url) {
  const at = (fetchedAt = Date.now());
  const late = new Promise((_, reject) => setTimeout(reject, PATIENCE_MS));
  const answer = await Promise.race([fetch(request), late]);
  if (answer.ok) event.waitUntil(keep(url, answer.clone(), at).catch(() => {}));
  return answer;
}

// The page as it was seen last, which says so.
async function last(url) {
  const pages = await caches.open(PAGES);
  const found = (await pages.match(url)) ?? (await pages.match(url, { ignoreSearch: !isTicket(url) }));
  if (!found) return Response.error();
  const kept = found.headers.get("kept");
  return new Response((await found.text()).replace("<html", `<html data-kept="${kept}"`), found);
}

async function page(event, { url } = event.request) {
  const answer = await fresh(event, url, event.request).catch(() => null);
  return answer?.status < 500 ? answer : last(url);
}

addEventListener("install", (event) => {
  skipWaiting();
  const open = async () => {
    const all = await clients.matchAll({ includeUncontrolled: true });
    await Promise.allSettled(all.filter(({ url }) => isPage(url)).map(({ url }) => fresh(event, url)));
  };
  const files = async () => (await caches.open(SHELL + VERSION)).addAll(FILES);
  event.waitUntil(Promise.all([open(), files()]));
});

addEventListener("activate", (event) => {
  const old = (name) => name.startsWith(SHELL) && name !== SHELL + VERSION;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))));
});

addEventListener("fetch", (event) => {
  const { request, clientId } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && isPage(request.url)) event.respondWith(page(event));
  else if (pathname.startsWith("/static/"))
    event.respondWith(fetch(request).catch(async () => (await caches.match(request, { ignoreSearch: true, ignoreVary: true })) ?? Response.error()));
  else if (pathname.endsWith("/part") && Date.now() - fetchedAt > REST_MS)
    event.waitUntil(clients.get(clientId).then((client) => isPage(client.url) && fresh(event, client.url)).catch(() => {}));
});
