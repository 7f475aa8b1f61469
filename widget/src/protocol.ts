/** The frames that widget and server exchange: JSON text messages on one WebSocket. */

export interface Choice {
  readonly id: string;
  readonly title: string;
  readonly description?: string;
}

export type Sender = "bot" | "agent" | "system" | "customer";

export type MediaKind = "image" | "video" | "audio" | "voice" | "document" | "sticker";

/** `start` and `end` count code points. */
export interface Span {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
  readonly value?: string;
}

export interface File {
  readonly kind: MediaKind;
  readonly url: string;
  readonly alt?: string;
  readonly name?: string;
  readonly mime?: string;
  readonly size?: number;
  readonly seconds?: number;
}

export interface CardButton {
  readonly title: string;
  readonly id?: string;
  readonly url?: string;
}

export interface Card {
  readonly title: string;
  readonly subtitle?: string;
  readonly image?: string;
  readonly url?: string;
  readonly buttons?: readonly CardButton[];
}

export interface Link {
  readonly title: string;
  readonly url?: string;
}

export interface Place {
  readonly latitude: number;
  readonly longitude: number;
  readonly name?: string;
  readonly address?: string;
}

export interface Contact {
  readonly name: string;
  readonly phone: string;
  readonly email?: string;
  readonly organization?: string;
}

/** A file that was uploaded, as the upload's answer tells of it. */
export interface Uploaded {
  readonly media: string;
  readonly kind: Exclude<MediaKind, "sticker">;
  readonly name: string;
  readonly mime: string;
  readonly size: number;
}

/** What the visitor says. The id is made here and makes the frame count once, however often it is sent. */
export type Said =
  | { readonly type: "open"; readonly id: string }
  | { readonly type: "text"; readonly id: string; readonly text: string }
  | { readonly type: "choice"; readonly id: string; readonly choice: string; readonly title: string }
  | { readonly type: "command"; readonly id: string; readonly command: "restart" }
  | { readonly type: "file"; readonly id: string; readonly files: readonly Uploaded[]; readonly caption: string }
  | { readonly type: "location"; readonly id: string; readonly latitude: number; readonly longitude: number }
  | { readonly type: "contact"; readonly id: string; readonly phone: string; readonly name: string }
  | { readonly type: "reaction"; readonly id: string; readonly message: string; readonly emoji: readonly string[] };

export type ClientFrame =
  | Said
  | {
      readonly type: "hello";
      readonly token?: string;
      readonly conversation: string;
      readonly seq: number;
      readonly language: string;
      readonly timezone: string;
      readonly page: string;
      readonly title: string;
      readonly payload: string;
    }
  | { readonly type: "receipt"; readonly seq: number; readonly state: "delivered" | "read" }
  | { readonly type: "ping" }
  | { readonly type: "resume"; readonly seq: number };

export interface Welcome {
  readonly type: "welcome";
  readonly token: string;
  readonly conversation: string;
  readonly seq: number;
  readonly bot: { readonly name: string };
  readonly appearance: unknown;
  readonly behavior?: unknown;
  readonly loading?: unknown;
}

/** What a message is made of, besides its words. */
export interface Parts {
  readonly spans?: readonly Span[];
  readonly choices?: readonly Choice[];
  readonly menu?: string;
  readonly media?: readonly File[];
  readonly cards?: readonly Card[];
  readonly links?: readonly Link[];
  readonly location?: Place | null;
  readonly contact?: Contact | null;
  readonly request?: "location" | "contact" | null;
  readonly reply?: string;
}

export interface Message extends Parts {
  readonly type: "message";
  readonly seq: number;
  readonly id: string;
  readonly from: Sender;
  /** Everything in words. */
  readonly text: string;
  /** The words to show beside the parts, when they are not `text`. */
  readonly words?: string | null;
  readonly reaction?: { readonly message: string; readonly emoji: string } | null;
  readonly replaces?: string;
  readonly choice?: string;
  readonly at: string;
  readonly client_id?: string;
}

export interface Ack {
  readonly type: "ack";
  readonly id: string;
  readonly seq?: number;
  readonly conversation?: string;
}

export interface Refusal {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly retry: boolean;
  readonly id?: string;
}

export type ServerFrame =
  | Welcome
  | Message
  | Ack
  | Refusal
  | { readonly type: "typing"; readonly ms: number }
  | { readonly type: "read"; readonly message: string }
  | { readonly type: "pong" };

/** Code points of one message, as the server counts them. */
export const MAX_TEXT = 4000;
/** Files that are sent as one. */
export const MAX_FILES = 10;

/** How the transcript writes the command that begins anew. */
export const RESTARTED = "/start";

export const CLOSED_RESTART = 1012;
export const CLOSED_TRY_LATER = 1013;
export const CLOSED_POLICY = 1008;
export const CLOSED_WRONG_SITE = 4403;
export const CLOSED_UNKNOWN_BOT = 4404;

/** Reads a frame; null for what is none, or of a kind that a newer server knows. */
export function readFrame(data: unknown): ServerFrame | null {
  if (typeof data !== "string") return null;
  try {
    const frame: unknown = JSON.parse(data);
    return typeof frame === "object" && frame !== null && "type" in frame ? (frame as ServerFrame) : null;
  } catch {
    return null;
  }
}
