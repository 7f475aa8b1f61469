import { anchor, linked, safeLink } from "./links";
import type { Span } from "./protocol";
import { h } from "./view/dom";

/** A stretch of a text with one look; `within` are the stretches that it is made of. Positions are UTF-16 units. */
interface Stretch {
  readonly kind: string;
  readonly value: string;
  readonly start: number;
  readonly end: number;
  readonly within: Stretch[];
}

const MOST_SPANS = 500;
const BLOCKS = new Set(["pre", "quote"]);
const TAGS = { bold: "strong", italic: "em", underline: "u", strike: "s", code: "code", quote: "blockquote" } as const;

/** A text as nodes, formatted as its spans say. Never markup: whatever the text holds is shown as it is. */
export function formatted(text: string, spans: readonly Span[], reveal: string): Node[] {
  if (!spans.length) return linked(text);
  return nodes({ text, reveal, linking: true }, 0, text.length, nest(text, spans));
}

interface Setting {
  readonly text: string;
  /** What a spoiler's cover says. */
  readonly reveal: string;
  /** Whether addresses become links: not within one. */
  readonly linking: boolean;
}

/** Spans into each other. One that reaches out of another is cut there; one that covers nothing is left out. */
function nest(text: string, spans: readonly Span[]): Stretch[] {
  const units = offsets(text, spans);
  const top: Stretch[] = [];
  const open: Stretch[] = [];
  const ordered = spans.slice(0, MOST_SPANS).sort((a, b) => a.start - b.start || b.end - a.end);
  for (const span of ordered) {
    const start = units.get(span.start) ?? text.length;
    let end = units.get(span.end) ?? text.length;
    while (open.length && open[open.length - 1]!.end <= start) open.pop();
    const around = open[open.length - 1];
    if (around) end = Math.min(end, around.end);
    if (end <= start) continue;
    const stretch = { kind: span.kind, value: span.value ?? "", start, end, within: [] };
    (around ? around.within : top).push(stretch);
    open.push(stretch);
  }
  return top;
}

/** Code points → UTF-16 units, for the positions that the spans name. */
function offsets(text: string, spans: readonly Span[]): Map<number, number> {
  const wanted = new Set(spans.flatMap((span) => [span.start, span.end]));
  const units = new Map<number, number>();
  let point = 0;
  let unit = 0;
  for (const character of text) {
    if (wanted.has(point)) units.set(point, unit);
    point++;
    unit += character.length;
  }
  return units.set(point, unit);
}

function nodes(setting: Setting, start: number, end: number, stretches: readonly Stretch[]): Node[] {
  const { text, linking } = setting;
  const made: Node[] = [];
  let at = start;
  const plain = (to: number): void => {
    if (to > at) made.push(...(linking ? linked(text.slice(at, to)) : [new Text(text.slice(at, to))]));
  };
  for (const stretch of stretches) {
    const block = BLOCKS.has(stretch.kind);
    // A block begins and ends a line by itself.
    plain(block && text[stretch.start - 1] === "\n" ? Math.max(at, stretch.start - 1) : stretch.start);
    made.push(element(setting, stretch));
    at = stretch.end;
    if (block && text[at] === "\n" && at < end) at++;
  }
  plain(end);
  return made;
}

function element(setting: Setting, stretch: Stretch): Node {
  const { kind, start, end, within, value } = stretch;
  const text = setting.text.slice(start, end);
  if (kind === "pre") return h("pre", { tabindex: 0, "data-language": value }, h("code", { dir: "ltr" }, text));
  if (kind === "code") return h("code", {}, text);
  const href = kind === "link" && setting.linking ? safeLink(value || text) : null;
  const inner = nodes(href ? { ...setting, linking: false } : setting, start, end, within);
  if (href) return anchor(href, ...inner);
  if (kind === "spoiler") return spoiler(inner, setting.reveal);
  return h(TAGS[kind as keyof typeof TAGS] ?? "span", {}, ...inner);
}

/** Hidden until it is asked for, for eyes and for screen readers. */
function spoiler(inner: Node[], reveal: string): HTMLElement {
  const hidden = h("span", { "aria-hidden": "true", inert: true }, ...inner);
  const cover = h("span", { class: "spoiler", role: "button", tabindex: 0, "aria-label": reveal }, hidden);
  const show = (event: Event): void => {
    if (event instanceof KeyboardEvent && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    cover.replaceWith(h("span", { class: "revealed" }, ...inner));
  };
  cover.addEventListener("click", show);
  cover.addEventListener("keydown", show);
  return cover;
}
