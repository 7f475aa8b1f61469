/** Text with its http(s) addresses made clickable. Text nodes and anchors only, never markup. */

const ADDRESS = /https?:\/\/[^\s<>"'`]+/giu;
const TRAILING = /[.,;:!?…)\]}»”’]$/u;
const OPENING: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

export function linked(text: string): Node[] {
  const nodes: Node[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trim(match[0]);
    const url = parse(address);
    if (!url) continue;
    if (match.index > end) nodes.push(document.createTextNode(text.slice(end, match.index)));
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
    anchor.textContent = address;
    nodes.push(anchor);
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

function parse(address: string): string | null {
  try {
    const url = new URL(address);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}
