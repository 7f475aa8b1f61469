import { RESTARTED, type Parts, type Said } from "./protocol";
import { menuOf } from "./transcript";

/** What a line of the visitor's shows. */
export interface Own {
  readonly text?: string;
  readonly parts?: Parts;
  readonly choice?: string;
}

/** How a frame looks in the list, with `shown`: this page's own addresses of files. Null for what does not show. */
export function lineOf(frame: Said, shown: ReadonlyMap<string, string>): Own | null {
  switch (frame.type) {
    case "open":
    case "reaction":
      return null;
    case "text":
      return { text: frame.text };
    case "choice":
      return menuOf(frame.choice) ? null : { text: frame.title, choice: frame.choice };
    case "command":
      return { text: RESTARTED };
    case "file": {
      const media = frame.files.map((file) => ({ ...file, url: shown.get(file.media) ?? "" }));
      return { text: frame.caption, parts: { media } };
    }
    case "location":
      return { parts: { location: frame } };
    case "contact":
      return { parts: { contact: frame } };
  }
}
