// What the card frame says, in the two languages of the guests.
"use strict";

const WORDS = {
  en: {
    number: "Card number", expiry: "Expiration date", cvc: "Security code", country: "Country", zip: "ZIP code",
    incomplete_number: "Your card number is incomplete.",
    invalid_number: "Your card number is invalid.",
    incomplete_expiry: "Your card's expiration date is incomplete.",
    invalid_expiry_month_past: "Your card's expiration date is in the past.",
    invalid_expiry_month: "Your card's expiration date is invalid.",
    incomplete_cvc: "Your card's security code is incomplete.",
    incomplete_zip: "Your ZIP is invalid.",
    unreachable: "We could not reach Stripe. Check your connection.",
  },
  es: {
    number: "Número de tarjeta", expiry: "Fecha de caducidad", cvc: "Código de seguridad", country: "País",
    zip: "Código postal",
    incomplete_number: "El número de tu tarjeta está incompleto.",
    invalid_number: "El número de tu tarjeta no es válido.",
    incomplete_expiry: "La fecha de caducidad de tu tarjeta está incompleta.",
    invalid_expiry_month_past: "La fecha de caducidad de tu tarjeta ya pasó.",
    invalid_expiry_month: "La fecha de caducidad de tu tarjeta no es válida.",
    incomplete_cvc: "El código de seguridad de tu tarjeta está incompleto.",
    incomplete_zip: "Tu código postal no es válido.",
    unreachable: "No pudimos conectar con Stripe. Revisa tu conexión.",
  },
};

globalThis.wordsFor = (locale) => {
  const wanted = locale === "auto" ? navigator.language : String(locale);
  return WORDS[wanted.slice(0, 2)] || WORDS.en;
};
