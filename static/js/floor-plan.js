// Keeps an open floor plan true: asks every five seconds how each table stands, on the map and in the list alike.
// Without it the page is the same, as it was when it was opened.

const EVERY_MS = 5000;

class FloorPlan extends HTMLElement {
  connectedCallback() {
    this.party = this.querySelector("input[name=party]");
    this.party.addEventListener("input", () => this.fit());
    this.querySelector("form.fits").addEventListener("submit", (event) => {
      event.preventDefault();
      this.fit();
    });
    this.querySelector("form.fits button").hidden = true;
    this.asking = setInterval(() => document.hidden || this.ask(), EVERY_MS);
    document.addEventListener("visibilitychange", () => document.hidden || this.ask());
    addEventListener("pageshow", (event) => event.persisted && this.ask());
    this.fit();
  }

  disconnectedCallback() {
    clearInterval(this.asking);
  }

  async ask() {
    try {
      const answer = await fetch(this.dataset.state, { headers: { Accept: "application/json" } });
      if (answer.ok) this.show(await answer.json());
    } catch {
      // The next try is five seconds away; booking itself always asks the server.
    }
  }

  show(seen) {
    for (const table of seen.tables) {
      for (const place of this.querySelectorAll(`[data-code="${CSS.escape(table.code)}"]`)) {
        if (place.dataset.state === table.state) continue;
        place.dataset.state = table.state;
        place.querySelector(".mark").textContent = table.sign;
        const word = place.querySelector(".word");
        if (word) word.textContent = table.word;
        if (place.dataset.name) place.setAttribute("aria-label", `${place.dataset.name}: ${table.word}`);
        this.open(place.matches("a") ? place : place.querySelector("a"), table.state === "free");
      }
    }
    const words = `${seen.free} ${this.dataset.freeWords}`;
    const status = this.querySelector("[data-free]");
    if (this.free !== undefined && this.free !== seen.free) status.textContent = words;
    this.free = seen.free;
    this.fit();
  }

  open(link, isFree) {
    if (isFree) {
      link.removeAttribute("aria-disabled");
      link.removeAttribute("role");
      link.setAttribute("href", this.address(link));
    } else {
      link.setAttribute("role", "link");
      link.setAttribute("aria-disabled", "true");
      link.removeAttribute("href");
    }
  }

  address(link) {
    return this.party.value ? `${link.dataset.href}?party=${Number(this.party.value)}` : link.dataset.href;
  }

  fit() {
    const size = Number(this.party.value);
    for (const place of this.querySelectorAll("[data-min]")) {
      const fits = !size || (Number(place.dataset.min) <= size && size <= Number(place.dataset.max));
      place.classList.toggle("is-unfit", !fits);
    }
    this.querySelector("[data-wait]").hidden = !!this.querySelector("li[data-state=free]:not(.is-unfit)");
    for (const link of this.querySelectorAll("a[data-href][href]")) link.setAttribute("href", this.address(link));
  }
}

customElements.define("floor-plan", FloorPlan);
