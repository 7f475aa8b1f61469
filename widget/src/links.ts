/** Text with its http(s) addresses made clickable. Text nodes and anchors only, never markup. */

const ADDRESS = /https?:\/\/[^\s<>"'`]+/giu;
const TRAILING = /[.,;:!?…)\]}»”’]$/u;
const OPENING: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

export function linked(text: string): Node[] {
  const nodes: Node[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trim(match[0]);
    const url = safeLink(address);
    if (!url) continue;
    if (match.index > end) nodes.push(document.createTextNode(text.slice(end, match.index)));
    nodes.push(anchor(url, address));
    end = match.index + address.length;
  }
  if (end < text.length) nodes.push(document.createTextNode(text.slice(end)));
  return nodes;
}

/** Without the punctuation of the sentence around it; a closing bracket stays when it was opened inside. */
function trim(address: string): string {
  let rest = address;
  while (TRAILING.test(rest)) {
    const last = rest.slice(-1);
    const opening = OPENING[last];
    if (opening && rest.split(opening).length >= rest.split(last).length) break;
    rest = rest.slice(0, -1);
  }
  return rest;
}

/** The address as a browser would follow it, when it is of a kind that can do no harm; else null. */
function parse(address: string, base?: string): URL | null {
  try {
    const url = new URL(address, base);
    return /^(https?|mailto|tel):$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** Where a link may lead: http, https, mailto or tel; null for every other address. */
export const safeLink = (address: string | undefined): string | null => parse(address ?? "")?.href ?? null;

/** Where a picture or sound may come from: http or https, a path on the gateway itself, or this very page. */
export function safeSource(address: string | undefined, base: string): string | null {
  if (!address) return null;
  if (address.startsWith(`blob:${location.origin}/`)) return address;
  const url = parse(address, base);
  return url?.protocol.startsWith("http") ? url.href : null;
}

/** An anchor to an address that `safeLink` gave. */
export function anchor(href: string, ...children: (Node | string)[]): HTMLAnchorElement {
  const element = document.createElement("a");
  element.href = href;
  if (/^http/.test(href)) element.target = "_blank";
  element.rel = "noopener noreferrer";
  element.append(...children);
  return element;
}

/** A few emoji and nothing else: shown large. */
export const JUMBO =
  /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f|\s){1,12}$/u;
