import { anchor, safeLink, safeSource } from "../links";
import type { Card, CardButton } from "../protocol";
import { h, icon } from "./dom";
import { BACK, NEXT, OUT } from "./icons";
import type { Stage } from "./shown";

/** Cards side by side: swiped by finger, or moved by arrow keys and buttons. One card alone just stands there. */
export function carousel(cards: readonly Card[], stage: Stage): HTMLElement {
  if (cards.length === 1) return h("div", { class: "carousel" }, single(cards[0]!, "", stage));
  const items = cards.map((card, index) => single(card, `${index + 1} / ${cards.length}`, stage));
  const track = h("div", { class: "slides", tabindex: 0, role: "group", "aria-label": stage.texts.cards }, ...items);
  const before = h("button", { type: "button", class: "before", "aria-label": stage.texts.previous }, icon(BACK));
  const after = h("button", { type: "button", class: "after", "aria-label": stage.texts.next }, icon(NEXT));
  const rightToLeft = (): boolean => track.matches(":dir(rtl)");
  /** How far a card's beginning is from the track's, along the reading direction. */
  const distance = (item: Element): number => {
    const [one, all] = [item.getBoundingClientRect(), track.getBoundingClientRect()];
    return rightToLeft() ? all.right - one.right : one.left - all.left;
  };
  const move = (step: number): void => {
    const ordered = step > 0 ? items : [...items].reverse();
    const edge = parseFloat(getComputedStyle(track).scrollPaddingInlineStart) || 0;
    const target = ordered.find((item) => (distance(item) - edge) * step > 8);
    if (target) track.scrollBy({ left: (distance(target) - edge) * (rightToLeft() ? -1 : 1) });
  };
  const update = (): void => {
    const at = Math.abs(track.scrollLeft);
    before.hidden = at < 8;
    after.hidden = at > track.scrollWidth - track.clientWidth - 8;
  };
  before.addEventListener("click", () => move(-1));
  after.addEventListener("click", () => move(1));
  track.addEventListener("scroll", update, { passive: true });
  track.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || event.target !== track) return;
    event.preventDefault();
    move(rightToLeft() ? -step : step);
  });
  stage.near(track, update);
  return h("div", { class: "carousel many", "aria-roledescription": "carousel" }, track, before, after);
}

function single(card: Card, place: string, stage: Stage): HTMLElement {
  const href = safeLink(card.url);
  const title = h("span", { class: "name", dir: "auto" }, card.title);
  const label = place ? `${place}: ${card.title}` : card.title;
  const element = h("article", { class: "card", "aria-label": label });
  const source = safeSource(card.image, stage.base);
  if (source) element.append(cover(source, stage));
  const words = h("div", { class: "words" }, href ? opens(href, stage, title) : title);
  if (card.subtitle) words.append(h("span", { class: "about", dir: "auto" }, card.subtitle));
  element.append(words);
  const buttons = (card.buttons ?? []).map((button) => action(button, stage));
  if (buttons.length) element.append(h("div", { class: "actions" }, ...buttons));
  return element;
}

function cover(source: string, stage: Stage): HTMLElement {
  const image = h("img", { alt: "", draggable: "false", decoding: "async" });
  const frame = h("span", { class: "cover" }, image);
  image.addEventListener("load", () => frame.classList.add("loaded"));
  image.addEventListener("error", () => frame.remove());
  stage.near(frame, () => (image.src = source));
  return frame;
}

/** A button of a card: a link, or an answer. One that is neither is just its words. */
function action({ title, id, url }: CardButton, stage: Stage): HTMLElement {
  const href = safeLink(url);
  if (href) return opens(href, stage, h("span", { dir: "auto" }, title), icon(OUT));
  const button = h("button", { type: "button", dir: "auto", disabled: !id }, title);
  if (id) button.addEventListener("click", () => stage.pick({ id, title }));
  return button;
}

/** A link that says that it opens a new tab. */
export function opens(href: string, stage: Stage, ...children: (Node | string)[]): HTMLAnchorElement {
  const link = anchor(href, ...children);
  if (link.target) link.append(h("span", { class: "unseen" }, ` (${stage.texts.new_tab})`));
  return link;
}
