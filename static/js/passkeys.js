// What went wrong with a passkey, in words a person can use.
const REASONS = {
  NotAllowedError: "That did not work out, or took too long. Try again, or use another way.",
  InvalidStateError: "This device has a passkey for you already.",
  NotSupportedError: "This device cannot keep passkeys.",
  SecurityError: "Passkeys need a site's name, and this address is only a number: open this page at “localhost”.",
};

document.addEventListener("allauth.error", (event) => {
  const error = event.detail.exception;
  const trouble = document.querySelector("[data-passkey-trouble]");
  if (!trouble) return;
  event.preventDefault();
  trouble.textContent = window.PublicKeyCredential
    ? REASONS[error.name] ?? "That did not work. Try again, or use another way."
    : "This browser knows no passkeys, or this page was opened without https.";
  trouble.hidden = false;
});
