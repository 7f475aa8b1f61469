/** The widget's own words. The server tells those of the visitor's language; `texts` in the configuration replace
 * either by name. Other languages are in `languages.json`, which is served with the configuration. */

const ENGLISH = {
  open: "Open chat",
  close: "Close chat",
  menu: "More options",
  restart: "Restart conversation",
  restarted: "Conversation restarted",
  placeholder: "Write a message…",
  send: "Send",
  online: "Online",
  connecting: "Connecting…",
  reconnecting: "Reconnecting…",
  offline: "You are offline",
  unavailable: "Not available",
  unavailable_here: "This chat is not available on this page.",
  sending: "Sending…",
  waiting: "Waiting to send",
  sent: "Sent",
  read: "Read",
  failed: "Not sent",
  retry: "Try again",
  latest: "New messages",
  typing: "is typing",
  replies: "Suggested replies",
  too_long: "This message is too long.",
  unread: "unread messages",
  today: "Today",
  you: "You",
  attach: "Attach files",
  drop: "Drop files here",
  remove: "Remove",
  cancel: "Cancel",
  uploading: "Uploading",
  too_large: "This file is larger than {size}.",
  wrong_type: "Files of this type can’t be sent.",
  too_many: "At most {count} files at once.",
  upload_failed: "The upload failed.",
  picture: "Picture",
  film: "Video",
  sound: "Audio",
  voice: "Voice message",
  file: "File",
  sticker: "Sticker",
  gone: "No longer available",
  previous: "Previous",
  next: "Next",
  download: "Download",
  new_tab: "opens in a new tab",
  place: "Location",
  map: "Open map",
  contact: "Contact",
  save_contact: "Save contact",
  share_location: "Share my location",
  no_location: "Your location could not be found.",
  share_contact: "Share my contact details",
  name: "Name",
  phone: "Phone number",
  bad_phone: "Please check the number.",
  react: "React",
  reaction: "Reaction",
  spoiler: "Show hidden text",
  answers: "In reply to",
  cards: "Cards",
  close_picture: "Close picture",
};

export type Texts = typeof ENGLISH;

/** Later tables win. What is no text is left out. */
export function words(...tables: unknown[]): Texts {
  const all: Record<string, string> = { ...ENGLISH };
  for (const table of tables) {
    for (const [name, word] of Object.entries(table ?? {})) if (typeof word === "string") all[name] = word;
  }
  return all as Texts;
}

/** `fill("At most {count}", {count: 3})` */
export const fill = (text: string, values: Readonly<Record<string, string | number>>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

/** Languages that are written from right to left. */
const RIGHT_TO_LEFT = /^(ar|fa|he|ur)\b/;
export const isRightToLeft = (language: string): boolean => RIGHT_TO_LEFT.test(language);
