/** The widget's own words; `texts` in the configuration replaces them by name. */

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
  failed: "Not sent",
  retry: "Try again",
  latest: "New messages",
  typing: "is typing",
  replies: "Suggested replies",
  too_long: "This message is too long.",
  unread: "unread messages",
  today: "Today",
  you: "You",
};

export type Texts = typeof ENGLISH;

export const words = (over: Record<string, string>): Texts => ({ ...ENGLISH, ...over });
