import type { Contact } from "./protocol";

/** A contact as a vCard 3.0 (RFC 2426), which phones and mail programs save. */
export function vcard({ name, phone, email, organization }: Contact): string {
  const lines = ["BEGIN:VCARD", "VERSION:3.0", `N:${escaped(name)};;;;`, `FN:${escaped(name || phone)}`];
  if (organization) lines.push(`ORG:${escaped(organization)}`);
  if (phone) lines.push(`TEL;TYPE=CELL:${escaped(phone)}`);
  if (email) lines.push(`EMAIL;TYPE=INTERNET:${escaped(email)}`);
  return [...lines, "END:VCARD", ""].join("\r\n");
}

const escaped = (value: string): string => value.replace(/[\\;,]/g, "\\$&").replace(/\r?\n|\r/g, "\\n");
