/**
 * The embed: `<script src="https://host/widget.js" data-bot-id="…" data-config="…" async></script>`
 * puts one widget on the page.
 */
import { decodeConfig } from "./config";
import { ChannelGatewayWidget, TAG } from "./element";

const CONFIG_MS = 4000;

interface Told {
  readonly bot?: { readonly name?: string };
}

/** What the server says about the bot. `null`: this page must not have it. A server that is away: defaults. */
async function ask(url: URL): Promise<Told | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(CONFIG_MS), credentials: "omit" });
    if (answer.ok) return (await answer.json()) as Told;
    return answer.status === 404 || answer.status === 403 ? null : {};
  } catch {
    return {};
  }
}

async function embed(script: HTMLScriptElement): Promise<void> {
  const id = script.dataset["botId"];
  if (!id) {
    console.error("channel-gateway: the script needs data-bot-id.");
    return;
  }
  const base = new URL(".", script.src).href;
  const told = await ask(new URL(`widget/${encodeURIComponent(id)}/config`, base));
  if (told === null) {
    console.error(`channel-gateway: the bot ${id} is unknown, or this site may not embed it.`);
    return;
  }
  if (document.readyState === "loading") {
    await new Promise((done) => document.addEventListener("DOMContentLoaded", done, { once: true }));
  }
  const widget = document.createElement(TAG) as ChannelGatewayWidget;
  document.body.append(widget);
  widget.start({ id, base, own: decodeConfig(script.dataset["config"]) }, told, told.bot?.name ?? "");
}

if (!customElements.get(TAG)) customElements.define(TAG, ChannelGatewayWidget);
if (document.currentScript instanceof HTMLScriptElement) void embed(document.currentScript);
