/** The frames that widget and server exchange: JSON text messages on one WebSocket. */

export interface Choice {
  readonly id: string;
  readonly title: string;
  readonly description?: string;
}

export type Sender = "bot" | "agent" | "system" | "customer";

/** What the visitor says. The id is made here and makes the frame count once, however often it is sent. */
export type Said =
  | { readonly type: "open"; readonly id: string }
  | { readonly type: "text"; readonly id: string; readonly text: string }
  | { readonly type: "choice"; readonly id: string; readonly choice: string; readonly title: string }
  | { readonly type: "command"; readonly id: string; readonly command: "restart" };

export type ClientFrame =
  | Said
  | {
      readonly type: "hello";
      readonly token?: string;
      readonly conversation: string;
      readonly seq: number;
      readonly language: string;
      readonly page: string;
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
}

export interface Message {
  readonly type: "message";
  readonly seq: number;
  readonly id: string;
  readonly from: Sender;
  readonly text: string;
  readonly choices?: readonly Choice[];
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
  | { readonly type: "pong" };

/** Code points of one message, as the server counts them. */
export const MAX_TEXT = 4000;

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
