// Tells the page that opened the dialog that the guest has answered.
"use strict";

const over = document.getElementById("done");
const opener = new URLSearchParams(location.search).get("origin");
if (over && opener && window.parent !== window) {
  window.parent.postMessage({ stripeSandbox: true, event: "challenge-over" }, opener);
}
