// The card frame of the SANDBOX. Card numbers live here and go to the API from here:
// the page around it never sees them.
"use strict";

const PARENT = new URLSearchParams(location.search).get("origin") || "";
const at = (id) => document.getElementById(id);
const FIELDS = ["number", "expiry", "cvc", "zip"];
const state = { key: "", clientSecret: "", words: wordsFor("en"), billing: {}, hidden: new Set(), last: "", began: false };

const tell = (message) => window.parent.postMessage({ stripeSandbox: true, ...message }, PARENT);
const digits = (id) => at(id).value.replace(/\D/g, "");

const passesLuhn = (number) => {
  let sum = 0;
  [...number].reverse().forEach((digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  });
  return sum % 10 === 0;
};

const brandOf = (number) =>
  /^4/.test(number) ? "visa"
    : /^(5[1-5]|2[2-7])/.test(number) ? "mastercard"
      : /^3[47]/.test(number) ? "amex"
        : /^6[05]/.test(number) ? "discover"
          : /^35/.test(number) ? "jcb"
            : /^3[068]/.test(number) ? "diners"
              : /^62/.test(number) ? "unionpay" : "unknown";

const lengthOf = (brand) => ({ amex: 15 })[brand] || 16;

const troubles = {
  number: () => {
    const number = digits("number");
    if (number.length < lengthOf(brandOf(number))) return "incomplete_number";
    return passesLuhn(number) ? "" : "invalid_number";
  },
  expiry: () => {
    const value = digits("expiry");
    if (value.length < 4) return "incomplete_expiry";
    const month = Number(value.slice(0, 2));
    const year = 2000 + Number(value.slice(2, 4));
    const now = new Date();
    if (month < 1 || month > 12) return "invalid_expiry_month";
    return year * 12 + month < now.getFullYear() * 12 + now.getMonth() + 1 ? "invalid_expiry_month_past" : "";
  },
  cvc: () => (digits("cvc").length < (brandOf(digits("number")) === "amex" ? 4 : 3) ? "incomplete_cvc" : ""),
  zip: () => (at("country").value === "US" && digits("zip").length < 5 ? "incomplete_zip" : ""),
};

const shown = () => FIELDS.filter((id) => !state.hidden.has(id));
const firstTrouble = () => shown().map((id) => troubles[id]()).find(Boolean) || "";

const show = (id, code) => {
  at(`${id}-error`).textContent = code ? state.words[code] : "";
  at(id).toggleAttribute("aria-invalid", Boolean(code));
  if (code) at(id).setAttribute("aria-invalid", "true");
};

const changed = () => {
  const complete = !firstTrouble();
  const empty = shown().every((id) => !at(id).value);
  const fact = JSON.stringify([complete, empty]);
  if (fact === state.last) return;
  state.last = fact;
  tell({ event: "change", detail: { complete, empty, collapsed: false, value: { type: "card" } } });
};

const neaten = (id) => {
  const text = digits(id);
  if (id === "number") {
    const groups = brandOf(text) === "amex" ? /^(\d{1,4})(\d{1,6})?(\d{1,5})?.*/ : /^(\d{1,4})(\d{1,4})?(\d{1,4})?(\d{1,4})?.*/;
    at(id).value = (text.match(groups) || []).slice(1).filter(Boolean).join(" ");
  } else if (id === "expiry") {
    const value = /^[2-9]/.test(text) ? `0${text}` : text;
    at(id).value = value.length > 2 ? `${value.slice(0, 2)} / ${value.slice(2, 4)}` : value;
  } else if (id === "cvc") {
    at(id).value = text.slice(0, 4);
  }
};

const billing = (given = {}) => {
  const details = { ...state.billing, ...given };
  const address = { ...state.billing.address, ...given.address };
  if (!state.hidden.has("zip")) Object.assign(address, { country: at("country").value, postal_code: at("zip").value });
  return { ...details, address };
};

const flatten = (value, path, pairs) => {
  if (value === undefined || value === null || value === "") return pairs;
  if (typeof value !== "object") pairs.push([path, String(value)]);
  else for (const [key, item] of Object.entries(value)) flatten(item, path ? `${path}[${key}]` : key, pairs);
  return pairs;
};

const callApi = async (method, path, params) => {
  const form = new URLSearchParams(flatten(params, "", []));
  const isGet = method === "GET";
  try {
    const answer = await fetch(`${path}${isGet ? `?${form}` : ""}`, {
      method, headers: { Authorization: `Bearer ${state.key}` }, body: isGet ? undefined : form,
    });
    const body = await answer.json();
    return body.error ? { error: body.error } : { paymentIntent: body };
  } catch {
    return { error: { type: "api_connection_error", message: state.words.unreachable } };
  }
};

const validate = () => {
  for (const id of shown()) show(id, troubles[id]());
  const code = firstTrouble();
  if (!code) return {};
  at(shown().find((id) => troubles[id]())).focus();
  return { error: { type: "validation_error", code, message: state.words[code] } };
};

const confirm = async ({ clientSecret, confirmParams }) => {
  const refused = validate();
  if (refused.error) return refused;
  const expiry = digits("expiry");
  const id = clientSecret.split("_secret_")[0];
  const { payment_method_data: data = {}, return_url: returnUrl } = confirmParams;
  return callApi("POST", `/v1/payment_intents/${id}/confirm`, {
    client_secret: clientSecret,
    return_url: returnUrl,
    use_stripe_sdk: true,
    payment_method_data: {
      type: "card",
      card: { number: digits("number"), exp_month: expiry.slice(0, 2), exp_year: expiry.slice(2, 4), cvc: digits("cvc") },
      billing_details: billing(data.billing_details),
    },
  });
};

const dress = (appearance = {}) => {
  const root = document.documentElement;
  root.dataset.theme = appearance.theme || "stripe";
  for (const [name, value] of Object.entries(appearance.variables || {})) {
    if (/^[a-zA-Z]+$/.test(name)) root.style.setProperty(`--${name}`, String(value));
  }
};

const speak = (locale) => {
  state.words = wordsFor(locale);
  document.documentElement.lang = state.words.number === "Card number" ? "en" : "es";
  for (const label of document.querySelectorAll("[data-label]")) label.textContent = state.words[label.dataset.label];
};

const hide = (fields = {}) => {
  const address = fields.billingDetails === "never" ? "never" : fields.billingDetails?.address;
  state.hidden = new Set(address === "never" || address?.postalCode === "never" ? ["zip"] : []);
  for (const id of ["zip", "country"]) at(id).closest(".box").hidden = state.hidden.has("zip");
};

const begin = async ({ key, clientSecret, appearance, locale, options = {} }) => {
  Object.assign(state, { key, clientSecret, billing: options.defaultValues?.billingDetails || {} });
  dress(appearance);
  speak(locale);
  hide(options.fields);
  if (state.billing.address?.country) at("country").value = state.billing.address.country;
  if (state.billing.address?.postal_code) at("zip").value = state.billing.address.postal_code;
  if (state.began) return;
  state.began = true;
  const id = clientSecret.split("_secret_")[0];
  const { error, paymentIntent } = await callApi("GET", `/v1/payment_intents/${id}`, { client_secret: clientSecret });
  const unpayable = paymentIntent && !paymentIntent.payment_method_types.includes("card");
  if (error || unpayable) {
    tell({ event: "loaderror", detail: { error: error || { type: "invalid_request_error", message: "No card here." } } });
    return;
  }
  tell({ event: "ready", detail: {} });
  changed();
};

const calls = {
  begin,
  validate,
  confirm,
  focus: () => at("number").focus(),
  blur: () => document.activeElement?.blur(),
  clear: () => { at("form").reset(); changed(); },
};

const fill = (number) => {
  at("number").value = number;
  at("expiry").value = `12 / ${(new Date().getFullYear() + 4) % 100}`;
  at("cvc").value = brandOf(number) === "amex" ? "1234" : "123";
  if (!at("zip").value) at("zip").value = "19801";
  neaten("number");
  for (const id of FIELDS) show(id, "");
  changed();
};

window.addEventListener("message", async (event) => {
  if (event.source !== window.parent || event.origin !== PARENT || event.data?.stripeSandbox !== true) return;
  const { id, call, words } = event.data;
  if (!Object.hasOwn(calls, call)) return;
  const result = await calls[call](words);
  if (id) tell({ reply: id, result });
});

for (const id of FIELDS) {
  at(id).addEventListener("input", () => { neaten(id); show(id, ""); changed(); });
  at(id).addEventListener("blur", () => at(id).value && show(id, troubles[id]()));
  at(id).addEventListener("focus", () => tell({ event: "focus", detail: {} }));
}
at("country").addEventListener("change", changed);
at("form").addEventListener("focusout", (event) => !event.relatedTarget && tell({ event: "blur", detail: {} }));
at("form").addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll("[data-card]")) {
  button.addEventListener("click", () => fill(button.dataset.card));
}
new ResizeObserver(() => {
  tell({ event: "height", detail: Math.ceil(document.querySelector("main").getBoundingClientRect().height) + 8 });
}).observe(document.querySelector("main"));
tell({ event: "loaded" });
