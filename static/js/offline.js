// The page of no signal: goes on by itself once we answer again.

const EVERY_MS = 5000;
const look = () => fetch("/health/live/").then(() => location.reload(), () => {});

addEventListener("online", look);
setInterval(look, EVERY_MS);
