// The guest pages' only script: plain custom elements; every page also works as plain HTML up to the card field.

class QuantityStepper extends HTMLElement {
  connectedCallback() {
    const input = this.querySelector("input");
    const row = document.createElement("div");
    row.className = "stepper";
    const name = document.querySelector(`label[for="${input.id}"]`)?.textContent ?? "";
    const step = (by, sign) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = sign;
      button.setAttribute("aria-label", `${sign} ${name}`);
      button.addEventListener("click", () => {
        input.value = Math.min(Math.max(Number(input.value || 0) + by, 0), Number(input.max));
        input.dispatchEvent(new Event("change"));
      });
      return button;
    };
    const less = step(-1, "−");
    const more = step(1, "+");
    const show = () => {
      less.disabled = Number(input.value || 0) <= 0;
      more.disabled = Number(input.value || 0) >= Number(input.max);
    };
    input.replaceWith(row);
    row.append(less, input, more);
    input.addEventListener("change", show);
    show();
  }
}

// The server's clock, carried on a clock of the page's own: the phone's may be wrong.
class HoldCountdown extends HTMLElement {
  connectedCallback() {
    const left = Date.parse(this.dataset.expires) - Date.parse(this.dataset.now);
    this.deadline = performance.now() + left;
    this.spoken = new Set();
    this.ticking = setInterval(() => this.tick(), 250);
    this.tick();
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }
  disconnectedCallback() {
    clearInterval(this.ticking);
  }
  tick() {
    const seconds = Math.max(0, Math.ceil((this.deadline - performance.now()) / 1000));
    this.querySelector("[role=timer]").textContent =
      `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.classList.toggle("is-soon", seconds <= 120);
    for (const mark of [20, 60, 120, 300]) {
      if (seconds <= mark && seconds > mark - 15) this.say(mark);
    }
    if (seconds === 0) {
      clearInterval(this.ticking);
      dispatchEvent(new CustomEvent("hold-over"));
    }
  }
  say(mark) {
    if (this.spoken.has(mark)) return;
    this.spoken.add(mark);
    const words = mark <= 120 ? `${this.dataset.soon} ` : "";
    this.querySelector("[role=status]").textContent =
      `${words}${this.querySelector("[role=timer]").textContent} ${this.dataset.left}`;
  }
}

const TOAST_MS = 5000;
const AFTER_HOVER_MS = 1000;

class CardCheckout extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.button = this.querySelector("[data-pay]");
    this.overlay = this.querySelector("[data-overlay]");
    this.toast = this.querySelector("[data-toast]");
    this.failure = this.querySelector("[data-failure]");
    document.body.append(this.overlay); // outside what it makes inert
    this.form.addEventListener("submit", (event) => {
      if (!this.elements && !this.failedToOpen) {
        event.preventDefault();
        return;
      }
      if (!this.elements) return; // the hosted page is the way that is left
      event.preventDefault();
      this.pay();
    });
    this.querySelector("[data-retry]").addEventListener("click", () => {
      this.hideToast();
      this.pay();
    });
    this.querySelector("[data-close]").addEventListener("click", () => this.hideToast());
    this.toast.addEventListener("keydown", (event) => event.key === "Escape" && this.hideToast());
    for (const name of ["pointerenter", "focusin"]) this.toast.addEventListener(name, () => this.holdToast());
    for (const name of ["pointerleave", "focusout"]) this.toast.addEventListener(name, () => this.resumeToast());
    document.addEventListener("visibilitychange", () => (document.hidden ? this.holdToast() : this.resumeToast()));
    addEventListener("hold-over", () => this.holdIsOver());
    this.open();
  }

  get token() {
    return this.form.elements.csrfmiddlewaretoken.value;
  }

  async open() {
    try {
      const answer = await fetch(this.dataset.start, { method: "POST", headers: { "X-CSRFToken": this.token } });
      const body = await answer.json();
      if (!answer.ok) return this.refused(body);
      this.stripe = window.Stripe(this.dataset.key);
      const style = getComputedStyle(document.documentElement);
      this.elements = this.stripe.elements({
        clientSecret: body.client_secret,
        locale: document.documentElement.lang,
        appearance: {
          theme: "night",
          variables: {
            colorPrimary: style.getPropertyValue("--sun").trim(),
            colorBackground: style.getPropertyValue("--night").trim(),
            colorText: style.getPropertyValue("--bone").trim(),
            colorDanger: "#ff948e",
            fontFamily: "Figtree, system-ui, sans-serif",
            borderRadius: "10px",
          },
        },
      });
      const card = this.elements.create("payment");
      card.on("ready", () => this.querySelector("[data-loading]")?.remove());
      card.mount(this.querySelector("[data-card]"));
    } catch {
      this.failedToOpen = true;
      this.tell(this.dataset.connection);
      this.querySelector("[data-loading]")?.remove();
    }
  }

  refused(body) {
    if (["already_paid", "hold_expired", "order_closed"].includes(body.code)) {
      location.replace(this.dataset.page);
      return;
    }
    this.failedToOpen = true;
    this.querySelector("[data-loading]")?.remove();
    this.tell(body.detail || this.dataset.ours);
  }

  async pay() {
    if (!this.overlay.hidden) return;
    this.failure.hidden = true;
    this.hideToast();
    const checked = await this.elements.submit?.();
    if (checked?.error) return;
    this.cover(true);
    let result;
    try {
      result = await this.stripe.confirmPayment({
        elements: this.elements,
        confirmParams: { return_url: new URL(this.dataset.return, location.href).href },
        redirect: "if_required",
      });
    } catch {
      result = { error: { type: "api_connection_error" } };
    }
    if (!result.error) {
      location.assign(this.dataset.return);
      return;
    }
    await this.failed(result.error);
  }

  // Nothing behind can be reached, but a dialog that the provider lays over the page can: a modal dialog of ours
  // would make the bank's own inert.
  cover(isCovered) {
    this.overlay.hidden = !isCovered;
    for (const part of document.querySelectorAll("body > header, body > main, body > footer")) part.inert = isCovered;
    if (isCovered) this.overlay.focus();
  }

  // Never "you have not been charged" on a guess: after a lost connection the provider is asked first.
  async failed(error) {
    if (error.type === "validation_error") {
      this.cover(false);
      return;
    }
    const isCard = error.type === "card_error" || error.type === "invalid_request_error";
    if (!isCard || error.payment_intent?.status === "succeeded") await this.untilKnown();
    this.cover(false);
    const words = (error.code || "").includes("authentication")
      ? this.dataset.authentication
      : isCard
        ? this.dataset.declined
        : this.dataset.ours;
    this.tell(words);
    this.button.querySelector("span").textContent = this.dataset.again;
    this.showToast();
  }

  async untilKnown() {
    this.overlay.querySelector("#overlay-text").textContent = this.dataset.connection;
    for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
      try {
        const state = await (await fetch(`${this.dataset.state}?ask=1`)).json();
        if (state.is_known) {
          if (state.truth !== "not_charged") {
            location.assign(state.page);
            await new Promise(() => {});
          }
          return;
        }
      } catch {
        // still no connection: the overlay stays and says so
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  tell(words) {
    this.failure.textContent = words;
    this.failure.hidden = false;
  }

  showToast() {
    this.querySelector("[data-toast-text]").textContent = "";
    this.toast.showPopover();
    this.querySelector("[data-toast-text]").textContent =
      this.querySelector("[data-toast-words]").content.textContent.trim();
    this.button.focus();
    this.remaining = TOAST_MS;
    this.resumeToast();
  }

  resumeToast() {
    if (!this.toast.matches(":popover-open") || this.toast.matches(":hover, :focus-within") || document.hidden) return;
    clearTimeout(this.timer);
    this.since = performance.now();
    this.timer = setTimeout(() => this.hideToast(), this.remaining);
  }

  holdToast() {
    clearTimeout(this.timer);
    if (this.since) this.remaining = Math.max(this.remaining - (performance.now() - this.since), AFTER_HOVER_MS);
    this.since = 0;
  }

  hideToast() {
    clearTimeout(this.timer);
    if (!this.toast.matches(":popover-open")) return;
    const hadFocus = this.toast.contains(document.activeElement);
    this.toast.hidePopover();
    if (hadFocus) this.button.focus();
  }

  holdIsOver() {
    if (!this.overlay.hidden) return; // a payment is under way: its end tells
    location.replace(this.dataset.page);
  }
}

// Paid, tickets on the way: look again until they are here.
class OrderWatch extends HTMLElement {
  connectedCallback() {
    this.look(1000);
  }
  look(wait) {
    setTimeout(async () => {
      try {
        const state = await (await fetch(`${this.dataset.state}?ask=1`)).json();
        if (state.truth !== "on_the_way") return location.reload();
      } catch {
        // the next look may do better
      }
      this.look(Math.min(wait * 1.5, 15000));
    }, wait);
  }
}

customElements.define("quantity-stepper", QuantityStepper);
customElements.define("hold-countdown", HoldCountdown);
customElements.define("card-checkout", CardCheckout);
customElements.define("order-watch", OrderWatch);
