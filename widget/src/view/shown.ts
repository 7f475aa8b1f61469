import type { Kit } from "../parts";
import type { Choice } from "../protocol";
import type { Texts } from "../texts";

/** What the parts of a message work with. */
export interface Stage {
  /** What the second script brings; undefined until it is here, null when it will not come. */
  readonly kit: Kit | null | undefined;
  readonly texts: Texts;
  /** IETF tag of the texts; empty for English that nobody chose. */
  readonly language: string;
  /** Where the gateway is: relative addresses of files count from here. */
  readonly base: string;
  /** Calls `show` once, as soon as `element` is near what the reader sees. */
  near(element: Element, show: () => void): void;
  /** Pictures in full size, beginning with one of them. */
  enlarge(pictures: readonly Picture[], first: number): void;
  pick(choice: Choice): void;
  shareLocation(latitude: number, longitude: number): void;
  shareContact(name: string, phone: string): void;
}

export interface Picture {
  readonly source: string;
  readonly alt: string;
}
