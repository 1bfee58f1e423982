// Stripe.js of the SANDBOX: the same calls, promises and errors as the real one.
// It runs in the product's page under its policy: no inline script or style, no HTML strings.
(() => {
  "use strict";

  const ORIGIN = new URL(document.currentScript.src).origin;
  const NEVER = new Promise(() => {});
  const AUTHENTICATION_FAILED =
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.";

  class IntegrationError extends Error {
    constructor(message) {
      super(message);
      this.name = "IntegrationError";
    }
  }

  const idOf = (clientSecret) => {
    const [id, secret] = String(clientSecret || "").split("_secret_");
    if (!/^pi_/.test(id) || !secret) {
      throw new IntegrationError("Invalid value for clientSecret: expected ${PAYMENT_INTENT_ID}_secret_${SECRET}.");
    }
    return id;
  };

  const flatten = (value, path, pairs) => {
    if (value === undefined || value === null) return pairs;
    if (typeof value === "object") {
      for (const [key, item] of Object.entries(value)) flatten(item, path ? `${path}[${key}]` : key, pairs);
      return pairs;
    }
    pairs.push([path, String(value)]);
    return pairs;
  };

  const callApi = async (key, method, path, params) => {
    const form = new URLSearchParams(flatten(params, "", []));
    const isGet = method === "GET";
    try {
      const answer = await fetch(`${ORIGIN}${path}${isGet ? `?${form}` : ""}`, {
        method,
        headers: { Authorization: `Bearer ${key}` },
        body: isGet ? undefined : form,
        credentials: "omit",
      });
      const body = await answer.json();
      return body.error ? { error: body.error } : { paymentIntent: body };
    } catch {
      return { error: { type: "api_connection_error", message: "We could not reach Stripe. Check your connection." } };
    }
  };

  const styled = (element, styles) => {
    for (const [name, value] of Object.entries(styles)) element.style.setProperty(name, value);
    return element;
  };

  class Frame {
    // One iframe of the sandbox's origin; only its own messages are heard.
    constructor(path, title) {
      const url = new URL(path, ORIGIN);
      url.searchParams.set("origin", window.location.origin);
      this.node = document.createElement("iframe");
      this.node.src = url.href;
      this.node.title = title;
      this.node.setAttribute("allow", `payment ${ORIGIN}`);
      this.calls = new Map();
      this.next = 1;
      this.heard = () => {};
      this.listen = (event) => {
        if (event.origin !== ORIGIN || event.source !== this.node.contentWindow) return;
        const message = event.data;
        if (!message || message.stripeSandbox !== true) return;
        if (message.reply) {
          this.calls.get(message.reply)?.(message.result);
          this.calls.delete(message.reply);
        } else {
          this.heard(message);
        }
      };
      window.addEventListener("message", this.listen);
    }

    send(message) {
      this.node.contentWindow?.postMessage({ stripeSandbox: true, ...message }, ORIGIN);
    }

    ask(call, words) {
      const id = this.next++;
      return new Promise((resolve) => {
        this.calls.set(id, resolve);
        this.send({ id, call, words });
      });
    }

    remove() {
      window.removeEventListener("message", this.listen);
      this.node.remove();
    }
  }

  class Element {
    constructor(elements, type, options) {
      this.elements = elements;
      this.type = type;
      this.options = options || {};
      this.handlers = new Map();
      this.frame = null;
    }

    on(name, handler) {
      this.handlers.set(name, [...(this.handlers.get(name) || []), handler]);
      return this;
    }

    once(name, handler) {
      const first = (event) => {
        this.off(name, first);
        handler(event);
      };
      return this.on(name, first);
    }

    off(name, handler) {
      this.handlers.set(name, handler ? (this.handlers.get(name) || []).filter((item) => item !== handler) : []);
      return this;
    }

    emit(name, event) {
      for (const handler of this.handlers.get(name) || []) handler({ elementType: this.type, ...event });
    }

    mount(place) {
      const parent = typeof place === "string" ? document.querySelector(place) : place;
      if (!parent) throw new IntegrationError(`The selector you specified (${place}) applies to no DOM elements.`);
      if (this.type !== "payment") {
        // Wallets do not exist here: the button's element is there, and offers nothing.
        queueMicrotask(() => this.emit("ready", { availablePaymentMethods: undefined }));
        return this;
      }
      this.unmount();
      this.frame = new Frame("/frame/payment", "Secure payment input frame");
      styled(this.frame.node, { border: "0", width: "100%", height: "1px", display: "block", "color-scheme": "normal" });
      this.frame.heard = (message) => this.hear(message);
      parent.replaceChildren(this.frame.node);
      return this;
    }

    hear({ event, detail }) {
      if (event === "loaded") this.frame.send({ call: "begin", words: this.elements.setting(this.options) });
      else if (event === "height") styled(this.frame.node, { height: `${detail}px` });
      else this.emit(event, detail || {});
    }

    update(options) {
      this.options = { ...this.options, ...options };
      this.frame?.send({ call: "begin", words: this.elements.setting(this.options) });
      return this;
    }

    focus() { this.frame?.send({ call: "focus" }); }
    blur() { this.frame?.send({ call: "blur" }); }
    clear() { this.frame?.send({ call: "clear" }); }
    collapse() {}

    unmount() {
      this.frame?.remove();
      this.frame = null;
    }

    destroy() {
      this.unmount();
      this.elements.forget(this);
    }
  }

  class Elements {
    constructor(key, options) {
      this.key = key;
      this.options = options || {};
      if (this.options.clientSecret) idOf(this.options.clientSecret);
      this.made = new Map();
    }

    setting(options) {
      const { clientSecret, appearance, locale } = this.options;
      return { key: this.key, clientSecret, appearance, locale: locale || "auto", options };
    }

    create(type, options) {
      if (!["payment", "expressCheckout", "linkAuthentication"].includes(type)) {
        throw new IntegrationError(`SANDBOX: the ${type} element is not built.`);
      }
      if (this.made.has(type)) throw new IntegrationError(`Can only create one Element of type ${type}.`);
      if (type === "payment" && !this.options.clientSecret) {
        throw new IntegrationError("SANDBOX: elements() without a clientSecret is not built.");
      }
      const element = new Element(this, type, options);
      this.made.set(type, element);
      return element;
    }

    getElement(type) { return this.made.get(type) || null; }
    forget(element) { this.made.delete(element.type); }

    update(options) {
      this.options = { ...this.options, ...options };
      for (const element of this.made.values()) element.update({});
    }

    async fetchUpdates() { return {}; }

    async submit() {
      const frame = this.made.get("payment")?.frame;
      if (!frame) throw new IntegrationError("elements.submit() needs a mounted Payment Element.");
      return frame.ask("validate", {});
    }
  }

  const showChallenge = (page) =>
    new Promise((resolve) => {
      const dialog = styled(document.createElement("dialog"), {
        border: "0", padding: "0", "border-radius": "12px", width: "min(440px, 94vw)", overflow: "hidden",
        background: "#fff", "box-shadow": "0 20px 60px rgba(0,0,0,.45)",
      });
      dialog.setAttribute("aria-label", "3-D Secure (SANDBOX)");
      const frame = new Frame(page, "3-D Secure");
      styled(frame.node, { border: "0", width: "100%", height: "360px", display: "block" });
      const close = styled(document.createElement("button"), {
        position: "absolute", top: "8px", right: "8px", width: "44px", height: "44px", border: "0",
        background: "transparent", color: "#30313d", font: "24px/1 sans-serif", cursor: "pointer",
      });
      close.type = "button";
      close.textContent = "×";
      close.setAttribute("aria-label", "Close");
      const finish = (answered) => {
        frame.remove();
        dialog.close();
        dialog.remove();
        resolve(answered);
      };
      frame.heard = ({ event }) => event === "challenge-over" && finish(true);
      close.addEventListener("click", () => finish(false));
      dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        finish(false);
      });
      dialog.append(frame.node, close);
      document.body.append(dialog);
      dialog.showModal();
    });

  class StripeObject {
    constructor(key) {
      this.key = key;
      this._apiKey = key;
    }

    elements(options) { return new Elements(this.key, options); }

    async retrievePaymentIntent(clientSecret) {
      return callApi(this.key, "GET", `/v1/payment_intents/${idOf(clientSecret)}`, { client_secret: clientSecret });
    }

    async confirmPayment({ elements, clientSecret, confirmParams = {}, redirect = "always" } = {}) {
      const secret = clientSecret || elements?.options.clientSecret;
      idOf(secret);
      if (redirect !== "if_required" && !confirmParams.return_url) {
        throw new IntegrationError("stripe.confirmPayment(): confirmParams.return_url is required.");
      }
      const first = elements
        ? await this.confirmInFrame(elements, secret, confirmParams)
        : await this.confirmHere(secret, confirmParams);
      const result = await this.carryOn(first, secret);
      if (result.error || redirect === "if_required") return result;
      this.leave(confirmParams.return_url, result.paymentIntent);
      return NEVER;
    }

    async confirmInFrame(elements, secret, confirmParams) {
      const frame = elements.getElement("payment")?.frame;
      if (!frame) {
        throw new IntegrationError("Invalid value for stripe.confirmPayment(): elements should have a mounted Payment Element.");
      }
      return frame.ask("confirm", { clientSecret: secret, confirmParams });
    }

    async confirmHere(secret, confirmParams) {
      return callApi(this.key, "POST", `/v1/payment_intents/${idOf(secret)}/confirm`, {
        ...confirmParams, client_secret: secret, use_stripe_sdk: true,
      });
    }

    async handleNextAction({ clientSecret }) {
      return this.carryOn(await this.retrievePaymentIntent(clientSecret), clientSecret);
    }

    async carryOn(result, secret) {
      const action = result.paymentIntent?.next_action;
      if (result.error || result.paymentIntent.status !== "requires_action") return result;
      if (action.type === "redirect_to_url") {
        window.location.assign(action.redirect_to_url.url);
        return NEVER;
      }
      const { stripe_js: page, source } = action.use_stripe_sdk;
      if (new URL(page).origin !== ORIGIN) throw new IntegrationError("SANDBOX: a challenge of another origin.");
      const answered = await showChallenge(page);
      const after = answered
        ? await this.retrievePaymentIntent(secret)
        : await callApi(this.key, "POST", `/v1/payment_intents/${idOf(secret)}/source_cancel`, {
          client_secret: secret, source,
        });
      return this.outcome(after);
    }

    outcome(result) {
      const intent = result.paymentIntent;
      if (result.error || !["requires_payment_method", "canceled"].includes(intent.status)) return result;
      const error = { ...(intent.last_payment_error || { type: "invalid_request_error" }), payment_intent: intent };
      if (error.code === "payment_intent_authentication_failure") error.message = AUTHENTICATION_FAILED;
      return { error };
    }

    leave(returnUrl, intent) {
      const url = new URL(returnUrl, window.location.href);
      url.searchParams.set("payment_intent", intent.id);
      url.searchParams.set("payment_intent_client_secret", intent.client_secret);
      url.searchParams.set("redirect_status", intent.status === "processing" ? "pending" : "succeeded");
      window.location.assign(url.href);
    }

    // Wallets are stubbed as unavailable.
    paymentRequest() {
      return { canMakePayment: async () => null, on() {}, show() {}, update() {}, abort() {} };
    }

    registerAppInfo() {}
  }

  window.Stripe = (key) => {
    if (!/^pk_test_/.test(String(key))) {
      throw new IntegrationError("SANDBOX: Stripe() takes a pk_test_… key and no other.");
    }
    return new StripeObject(key);
  };
  window.Stripe.version = "sandbox";
})();
