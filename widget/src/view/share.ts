import { safeLink } from "../links";
import type { Contact, Link, Place } from "../protocol";
import { vcard } from "../vcard";
import { opens } from "./cards";
import { h, icon } from "./dom";
import { CALL, MAIL, OUT, PIN, SAVE } from "./icons";
import type { Stage } from "./shown";

const LOCATE_MS = 20_000;

/** Buttons that open addresses. One whose address can't be followed shows it instead. */
export function links(all: readonly Link[], stage: Stage): HTMLElement {
  const element = h("div", { class: "links" });
  for (const { title, url } of all) {
    const href = safeLink(url);
    const sign = href?.startsWith("tel:") ? CALL : href?.startsWith("mailto:") ? MAIL : OUT;
    if (href) element.append(opens(href, stage, h("span", { dir: "auto" }, title), icon(sign)));
    else element.append(h("span", { class: "about", dir: "auto" }, url ? `${title}: ${url}` : title));
  }
  return element;
}

/** A place: drawn, not fetched, so that no map service learns of it before the visitor opens one. */
export function place({ latitude, longitude, name, address }: Place, stage: Stage): HTMLElement {
  const at = `${latitude.toFixed(6)}&mlon=${longitude.toFixed(6)}#map=17/${latitude.toFixed(6)}/${longitude.toFixed(6)}`;
  const link = opens(
    `https://www.openstreetmap.org/?mlat=${at}`,
    stage,
    h("span", { class: "map" }, icon(PIN, true)),
    h(
      "span",
      { class: "words" },
      h("span", { class: "name", dir: "auto" }, name || stage.texts.place),
      h("span", { class: "about", dir: "auto" }, address || `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`),
      h("span", { class: "go" }, stage.texts.map, icon(OUT)),
    ),
  );
  link.className = "place";
  return link;
}

/** A contact, to call, to write to and to save. */
export function contact(who: Contact, stage: Stage): HTMLElement {
  const name = who.name || who.phone;
  const words = h("div", { class: "words" }, h("span", { class: "name", dir: "auto" }, name));
  if (who.organization) words.append(h("span", { class: "about", dir: "auto" }, who.organization));
  for (const [scheme, value] of [["tel", who.phone], ["mailto", who.email]] as const) {
    const href = value ? safeLink(`${scheme}:${value.replace(/\s/g, "")}`) : null;
    if (href) words.append(opens(href, stage, h("bdi", { dir: "ltr" }, value!)));
  }
  const save = h("button", { type: "button", click: () => download(who) }, icon(SAVE), stage.texts.save_contact);
  const initial = [...name.trim()][0]?.toUpperCase() ?? "";
  return h(
    "div",
    { class: "contact" },
    h("div", { class: "person" }, h("span", { class: "avatar", "aria-hidden": "true" }, initial), words),
    save,
  );
}

function download(who: Contact): void {
  const url = URL.createObjectURL(new Blob([vcard(who)], { type: "text/vcard" }));
  const link = h("a", { href: url, download: `${who.name.replace(/[^\p{L}\p{N} .-]/gu, "") || "contact"}.vcf` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The button or form by which the visitor shares what the bot asks for. */
export function request(what: "location" | "contact", stage: Stage): HTMLElement {
  return what === "location" ? locationRequest(stage) : contactRequest(stage);
}

function locationRequest(stage: Stage): HTMLElement {
  const problem = h("p", { class: "problem", role: "alert", hidden: true }, stage.texts.no_location);
  const button = h("button", { type: "button", class: "ask" }, icon(PIN), stage.texts.share_location);
  button.addEventListener("click", () => {
    problem.hidden = true;
    button.setAttribute("aria-busy", "true");
    const done = (position: GeolocationPosition | null): void => {
      button.removeAttribute("aria-busy");
      problem.hidden = position !== null;
      if (position) stage.shareLocation(position.coords.latitude, position.coords.longitude);
    };
    // Pages without TLS have no geolocation.
    if (!navigator.geolocation) return done(null);
    navigator.geolocation.getCurrentPosition(done, () => done(null), { timeout: LOCATE_MS, maximumAge: 60_000 });
  });
  return h("div", { class: "request" }, button, problem);
}

const PHONE = /^\+?[0-9 ()./-]{5,32}$/;

function contactRequest(stage: Stage): HTMLElement {
  const { texts } = stage;
  const name = h("input", { type: "text", autocomplete: "name", maxlength: 200, dir: "auto" });
  const phone = h("input", { type: "tel", autocomplete: "tel", maxlength: 32, required: true, dir: "ltr" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true }, texts.bad_phone);
  const form = h(
    "form",
    { class: "request form", novalidate: true },
    h("label", {}, texts.name, name),
    h("label", {}, texts.phone, phone),
    problem,
    h("button", { type: "submit", class: "ask" }, texts.share_contact),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = phone.value.trim();
    const digits = number.replace(/\D/g, "").length;
    const good = PHONE.test(number) && digits >= 5 && digits <= 15;
    problem.hidden = good;
    phone.setAttribute("aria-invalid", String(!good));
    if (good) stage.shareContact(name.value.trim(), number);
    else phone.focus();
  });
  return form;
}
