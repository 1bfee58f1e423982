// Answers with the page of no signal where a page cannot be fetched. It keeps that page and what it is drawn with.

const PAGE = "{{ page|escapejs }}";
const FILES = [{% for file in files %}"{{ file|escapejs }}", {% endfor %}];
const KEPT = `offline ${PAGE} ${FILES.join(" ")}`;

addEventListener("install", (event) => {
  const files = [new Request(PAGE, { cache: "reload" }), ...FILES];
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll(files)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("offline ") && name !== KEPT);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const answer = (address) => fetch(request).catch(() => caches.match(address));
  if (request.mode === "navigate" && request.method === "GET") event.respondWith(answer(PAGE));
  else if (FILES.includes(new URL(request.url).pathname)) event.respondWith(answer(request));
});
