/** How the widget looks and behaves: defaults, then the channel's settings, then the page's own. */

export type Corner = "bottom-right" | "bottom-left" | "top-right" | "top-left";

export interface Config {
  position: Corner;
  offset: { x: number; y: number };
  size: { width: string; height: string; min_height: string };
  responsive: {
    mobile: { width: string; height: string; position: "bottom" | "top" };
    tablet: { width: string | null; height: string | null };
  };
  animation: { entrance: string; exit: string; duration: number; easing: string };
  theme: { mode: "auto" | "light" | "dark"; accent: string };
  title: string;
  subtitle: string;
  texts: Record<string, string>;
  behavior: {
    auto_open: boolean;
    auto_open_delay: number;
    auto_open_conditions: {
      page_time?: number | null;
      scroll_percentage?: number | null;
      exit_intent?: boolean;
    } | null;
    notification_badge: boolean;
    typing_indicator: boolean;
    read_receipts: boolean;
    reactions: boolean;
    file_upload: { enabled: boolean; max_size: number; allowed_types: string[] };
  };
  loading: {
    /** Wait until the page has loaded and the browser is idle. */
    lazy: boolean;
    /** Open the socket with the page. */
    preload: boolean;
    /** Not on a page that another site shows in a frame. */
    unframed: boolean;
    /** How near a picture has to be before it is fetched. */
    near_px: number;
    /** How long the bot has to be typing before that shows. */
    typing_ms: number;
  };
}

const DEFAULTS: Config = {
  position: "bottom-right",
  offset: { x: 20, y: 20 },
  size: { width: "384px", height: "640px", min_height: "400px" },
  responsive: {
    mobile: { width: "100%", height: "100%", position: "bottom" },
    tablet: { width: null, height: null },
  },
  animation: { entrance: "slide-up", exit: "slide-down", duration: 220, easing: "ease-out" },
  theme: { mode: "auto", accent: "#3f5bd9" },
  title: "",
  subtitle: "",
  texts: {},
  behavior: {
    auto_open: false,
    auto_open_delay: 5000,
    auto_open_conditions: null,
    notification_badge: true,
    typing_indicator: true,
    read_receipts: true,
    reactions: true,
    file_upload: { enabled: false, max_size: 0, allowed_types: [] },
  },
  loading: { lazy: false, preload: false, unframed: false, near_px: 500, typing_ms: 0 },
};

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `base` with what `over` names, where the kinds agree. Keys that `base` does not have are taken into
 * open tables only (`texts`, and tables whose default is null). */
function merge(base: unknown, over: unknown, open = false): unknown {
  if (!isTree(base)) {
    const fits = base === null || over === null ? over !== undefined : typeof over === typeof base;
    return fits ? over : base;
  }
  if (!isTree(over)) return base;
  const merged: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (key === "__proto__") continue;
    if (key in base) merged[key] = merge(base[key], value, key === "texts");
    else if (open && typeof value === "string") merged[key] = value;
  }
  return merged;
}

/** The documents write `{"theme": "dark"}`, `{"theme": {…}}`, `{"appearance": {…}, "behavior": {…}}`. */
function flat(part: unknown): Tree {
  if (!isTree(part)) return {};
  const { appearance, ...rest } = part;
  const tree: Tree = { ...rest, ...(isTree(appearance) ? appearance : {}) };
  if (typeof tree["theme"] === "string") tree["theme"] = { mode: tree["theme"] };
  return tree;
}

/** All parts, later ones winning. A part that makes no sense is left out. */
export function configure(...parts: unknown[]): Config {
  return parts.reduce((config, part) => merge(config, flat(part)), DEFAULTS as unknown) as Config;
}

/** `data-config`: base64 (or base64url) of UTF-8 JSON. */
export function decodeConfig(text: string | null | undefined): unknown {
  if (!text) return {};
  try {
    const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    console.warn("channel-gateway: data-config is not base64-encoded JSON; it is ignored.");
    return {};
  }
}
