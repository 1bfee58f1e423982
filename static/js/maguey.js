// The guest pages' only script: plain custom elements. Every page also works as plain HTML, up to the card field.

const LANGUAGE = document.documentElement.lang || "en";
const LOCALE = `${LANGUAGE.slice(0, 2)}-US`; // dollars as they are written here, in both languages
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const FOREVER = new Promise(() => {});
const make = (tag, fields = {}) => Object.assign(document.createElement(tag), fields);
const unit = (count, name) =>
  new Intl.NumberFormat(LOCALE, { style: "unit", unit: name, unitDisplay: "long" }).format(count);

class QuantityStepper extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    const row = make("div", { className: "stepper" });
    const spoken = make("span", { className: "visually-hidden", role: "status" });
    const button = (by, sign, name) => {
      const made = make("button", { type: "button", textContent: sign, ariaLabel: name });
      made.addEventListener("click", () => {
        input.value = Math.min(Math.max(Number(input.value || 0) + by, 0), Number(input.max));
        input.dispatchEvent(new Event("change", { bubbles: true }));
        spoken.textContent = input.value;
      });
      return made;
    };
    const less = button(-1, "−", this.dataset.less);
    const more = button(1, "+", this.dataset.more);
    const show = () => {
      less.disabled = Number(input.value || 0) <= 0;
      more.disabled = Number(input.value || 0) >= Number(input.max);
    };
    input.replaceWith(row);
    row.append(less, input, more, spoken);
    input.addEventListener("change", show);
    show();
  }
}

class BuyTotal extends HTMLElement {
  connectedCallback() {
    const form = this.closest("form");
    const button = this.querySelector("button");
    const money = new Intl.NumberFormat(LOCALE, { style: "currency", currency: this.dataset.currency });
    const whole = money.resolvedOptions().maximumFractionDigits;
    const show = () => {
      const cents = [...form.querySelectorAll("[data-cents]")].reduce(
        (sum, input) => sum + Math.max(Number(input.value) || 0, 0) * Number(input.dataset.cents),
        0,
      );
      this.querySelector("output").textContent = cents ? money.format(cents / 10 ** whole) : "";
      this.classList.toggle("has-total", cents > 0);
    };
    form.addEventListener("input", show);
    form.addEventListener("change", show);
    form.addEventListener("submit", () => setTimeout(() => (button.disabled = true)));
    addEventListener("pageshow", () => {
      button.disabled = false;
      show();
    });
    show();
  }
}

const DOMAINS = [
  "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "aol.com", "live.com", "msn.com",
  "comcast.net", "verizon.net", "ymail.com", "mail.com", "me.com", "mac.com", "gmx.com", "proton.me", "udel.edu",
];
const NEAR = 2;

// How many letters apart two words are; two swapped neighbours count once.
function distance(a, b) {
  const d = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array(b.length).fill(0)]);
  for (let j = 1; j <= b.length; j += 1) d[0][j] = j;
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      d[i][j] = Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] !== b[j - 1]));
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.length][b.length];
}

class EmailHint extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    const hint = make("p", { className: "hint", role: "status" });
    input.after(hint);
    input.addEventListener("change", () => {
      hint.replaceChildren();
      const [name, domain = ""] = input.value.trim().toLowerCase().split("@");
      if (!name || !domain || DOMAINS.includes(domain)) return;
      const near = DOMAINS.slice(0, 10).find((known) => distance(domain, known) <= NEAR);
      if (!near) return;
      const meant = `${input.value.trim().split("@")[0]}@${near}`;
      const button = make("button", { type: "button", textContent: this.dataset.words.replace("{address}", meant) });
      button.addEventListener("click", () => {
        input.value = meant;
        hint.replaceChildren();
        input.focus();
      });
      hint.append(button);
    });
  }
}

const SOON_SECONDS = 120;
const SPOKEN_SECONDS = [300, 120, 60, 20];

// The server's clock, carried on a clock of the page's own: the phone's may be wrong.
class HoldCountdown extends HTMLElement {
  connectedCallback() {
    const { expires, now, began } = this.dataset;
    this.deadline = performance.now() + Date.parse(expires) - Date.parse(now);
    this.whole = (Date.parse(expires) - Date.parse(began)) / 1000;
    this.timer = this.querySelector("[role=timer]");
    this.speaker = this.querySelector("[role=status]");
    this.toSpeak = SPOKEN_SECONDS.filter((mark) => mark < this.seconds);
    this.ticking = setInterval(() => this.tick(), 250);
    this.tick();
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }
  disconnectedCallback() {
    clearInterval(this.ticking);
  }
  get seconds() {
    return Math.max(0, Math.ceil((this.deadline - performance.now()) / 1000));
  }
  tick() {
    const seconds = this.seconds;
    const digits = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (this.timer.textContent !== digits) {
      this.timer.textContent = digits;
      this.style.setProperty("--left", Math.min(seconds / this.whole, 1));
      this.classList.toggle("is-soon", seconds <= SOON_SECONDS);
    }
    if (seconds <= this.toSpeak[0]) this.speak(this.toSpeak.shift());
    if (seconds === 0) this.end();
  }
  speak(mark) {
    const time = mark < 60 ? unit(mark, "second") : unit(mark / 60, "minute");
    const soon = mark <= SOON_SECONDS ? `${this.dataset.soon} ` : "";
    this.speaker.textContent = soon + this.dataset.left.replace("{time}", time);
  }
  end() {
    clearInterval(this.ticking);
    // Where a payment is under way, its own end tells.
    if (dispatchEvent(new CustomEvent("hold-over", { cancelable: true }))) location.replace(this.dataset.over);
  }
}

const TOAST_MS = 5000;
const AFTER_HOLD_MS = 1000;

// Five seconds, counted only while nobody points at it, has the focus in it or looks elsewhere.
class Toast {
  constructor(node, { onRetry, giveFocusBack }) {
    this.node = node;
    this.words = node.querySelector("[data-toast-words]");
    this.giveFocusBack = giveFocusBack;
    node.querySelector("[data-retry]").addEventListener("click", () => {
      this.hide();
      onRetry();
    });
    node.querySelector("[data-close]").addEventListener("click", () => this.hide());
    node.addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
    for (const name of ["pointerenter", "focusin"]) node.addEventListener(name, () => this.hold());
    for (const name of ["pointerleave", "focusout"]) node.addEventListener(name, () => setTimeout(() => this.resume()));
    document.addEventListener("visibilitychange", () => (document.hidden ? this.hold() : this.resume()));
  }
  get isOpen() {
    return this.node.matches(":popover-open");
  }
  show(words) {
    this.hide();
    this.words.textContent = "";
    this.node.showPopover();
    this.words.textContent = words;
    this.remaining = TOAST_MS;
    this.resume();
  }
  resume() {
    if (!this.isOpen || document.hidden || this.node.matches(":hover, :focus-within")) return;
    clearTimeout(this.timer);
    this.since = performance.now();
    this.timer = setTimeout(() => this.hide(), this.remaining);
  }
  hold() {
    clearTimeout(this.timer);
    if (this.since) this.remaining = Math.max(this.remaining - (performance.now() - this.since), AFTER_HOLD_MS);
    this.since = 0;
  }
  hide() {
    clearTimeout(this.timer);
    this.since = 0;
    if (!this.isOpen) return;
    const hadFocus = this.node.contains(document.activeElement);
    this.node.hidePopover();
    if (hadFocus) this.giveFocusBack();
  }
}

const SCRIPT_MS = 20000;
const ASK_MS = 15000;
const LONGEST_WAIT_MS = 8000;
// The order has moved on: its own page tells how.
const MOVED_ON = ["already_paid", "hold_expired", "order_closed", "payment_in_progress"];

// Put in by us, after the ears for its end are: a tag in the page may have failed before anybody listens.
function providerScript(src) {
  if (window.Stripe) return Promise.resolve();
  return new Promise((resolve, reject) => {
    document.head.append(make("script", { src, onload: resolve, onerror: reject }));
    setTimeout(reject, SCRIPT_MS);
  });
}

class CardCheckout extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.button = this.querySelector("[data-pay]");
    this.failure = this.querySelector("[data-failure]");
    this.loading = this.querySelector("[data-loading]");
    this.overlay = this.querySelector("[data-overlay]");
    this.isBusy = false;
    this.ours = [...document.body.children];
    document.body.append(this.overlay); // outside what it makes inert
    this.toast = new Toast(this.querySelector("[data-toast]"), {
      onRetry: () => this.press(),
      giveFocusBack: () => this.button.focus(),
    });
    this.form.addEventListener("submit", (event) => {
      if (this.leadsElsewhere) return; // the provider's own page is the way that is left
      event.preventDefault();
      this.press();
    });
    addEventListener("hold-over", (event) => {
      this.isOver = true;
      if (this.isBusy) event.preventDefault();
    });
    this.loading.hidden = false;
    this.opening = this.open();
  }

  say(kind) {
    return this.dataset[`say${kind[0].toUpperCase()}${kind.slice(1)}`];
  }

  async open() {
    const [script, begun] = await Promise.allSettled([providerScript(this.dataset.script), this.begin()]);
    this.loading.hidden = true;
    if (begun.status === "rejected") return this.tell(begun.reason.words || this.say("ours"));
    if (script.status === "rejected") return this.leadElsewhere();
    this.mount(begun.value.client_secret);
  }

  async begin() {
    const token = this.form.elements.csrfmiddlewaretoken.value;
    const answer = await fetch(this.dataset.start, {
      method: "POST",
      headers: { "X-CSRFToken": token },
      signal: AbortSignal.timeout(SCRIPT_MS),
    });
    const body = await answer.json();
    if (answer.ok) return body;
    if (MOVED_ON.includes(body.code)) {
      location.replace(this.dataset.return);
      await FOREVER;
    }
    throw Object.assign(new Error(body.code), { words: body.detail });
  }

  mount(clientSecret) {
    const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    this.stripe = window.Stripe(this.dataset.key);
    this.elements = this.stripe.elements({
      clientSecret,
      locale: LANGUAGE,
      appearance: {
        theme: "night",
        variables: {
          colorPrimary: ink("--marigold"),
          colorBackground: ink("--earth"),
          colorText: ink("--bone"),
          colorTextSecondary: ink("--sand"),
          colorDanger: ink("--rose"),
          fontFamily: "Figtree, system-ui, sans-serif",
          borderRadius: "12px",
        },
      },
    });
    const card = this.elements.create("payment");
    card.on("loaderror", () => this.leadElsewhere());
    card.mount(this.querySelector("[data-card]"));
  }

  leadElsewhere() {
    this.leadsElsewhere = true;
    this.tell(this.say("closed"));
  }

  async press() {
    if (this.isBusy) return;
    this.isBusy = true;
    this.failure.hidden = true;
    this.toast.hide();
    this.cover(this.say("working"));
    await this.opening;
    if (this.elements) await this.pay();
    else if (!this.leadsElsewhere) await (this.opening = this.open());
    this.uncover();
    this.isBusy = false;
    if (this.isOver) location.replace(this.dataset.return);
  }

  async pay() {
    const { error } = await this.confirm().catch(() => ({ error: { type: "api_connection_error" } }));
    if (!error) {
      location.assign(this.dataset.return);
      await FOREVER;
    }
    // What is missing in the card field is said there.
    if (error.type !== "validation_error") await this.fail(error);
  }

  async confirm() {
    const checked = await this.elements.submit?.();
    if (checked?.error) return checked;
    return this.stripe.confirmPayment({
      elements: this.elements,
      confirmParams: { return_url: new URL(this.dataset.return, location.href).href },
      redirect: "if_required",
    });
  }

  // Never "you have not been charged" on a guess: but for a bank's plain no, the provider is asked first.
  async fail(error) {
    const kind = this.kindOf(error);
    if (kind === "connection" || kind === "ours") await this.untilKnown(kind);
    this.uncover();
    this.tell(this.say(kind));
    this.button.textContent = this.dataset.again;
    this.toast.show(this.say("failed"));
  }

  kindOf({ type, code = "" }) {
    if (code.includes("authentication")) return "authentication";
    if (type === "card_error") return code === "processing_error" ? "processing" : "declined";
    return type === "api_connection_error" ? "connection" : "ours";
  }

  async untilKnown(kind) {
    if (kind === "connection") this.cover(this.say("asking"));
    for (let wait = 500; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        const answer = await fetch(`${this.dataset.state}?ask=1`, { signal: AbortSignal.timeout(ASK_MS) });
        const state = await answer.json();
        if (state.truth !== "not_charged" || state.status !== "pending") {
          location.assign(state.page);
          await FOREVER;
        }
        if (state.is_known) return;
      } catch {
        // still no connection: the overlay stays and says so
      }
      await sleep(wait);
    }
  }

  // Nothing behind can be reached, but a dialog that the provider lays over the page can: a modal <dialog> of ours
  // would stand above the bank's own, and make it inert.
  cover(words) {
    this.overlay.hidden = false;
    this.overlay.querySelector("[data-overlay-words]").textContent = words;
    for (const part of this.ours) part.inert = true;
    document.documentElement.classList.add("is-covered");
    this.overlay.focus();
  }

  uncover() {
    if (this.overlay.hidden) return;
    this.overlay.hidden = true;
    for (const part of this.ours) part.inert = false;
    document.documentElement.classList.remove("is-covered");
    this.button.focus();
  }

  tell(words) {
    this.failure.textContent = words;
    this.failure.hidden = false;
  }
}

// Something is under way: look again until the order has moved.
class OrderWatch extends HTMLElement {
  async connectedCallback() {
    for (let wait = 1000; ; wait = Math.min(wait * 1.5, ASK_MS)) {
      await sleep(wait);
      try {
        const state = await (await fetch(`${this.dataset.state}?ask=1`)).json();
        if (state.truth !== this.dataset.truth || state.status !== this.dataset.status) return location.reload();
      } catch {
        // the next look may do better
      }
    }
  }
}

customElements.define("quantity-stepper", QuantityStepper);
customElements.define("buy-total", BuyTotal);
customElements.define("email-hint", EmailHint);
customElements.define("hold-countdown", HoldCountdown);
customElements.define("card-checkout", CardCheckout);
customElements.define("order-watch", OrderWatch);

// Where there is no signal, a page of ours says so. Asked for last: nothing on this page waits for it.
addEventListener("load", () => navigator.serviceWorker?.register(`/offline-${LANGUAGE}.js`).catch(() => {}));
