/**
 * The widget's second script: everything but words and choices. The first one asks for it when the panel opens, so a
 * page that only shows the launcher loads half as much.
 */
import { upload } from "./upload";
import css from "./parts.css";
import { Attachments } from "./view/attachments";
import { carousel } from "./view/cards";
import { Lightbox } from "./view/lightbox";
import { gallery } from "./view/media";
import { ReactionBar } from "./view/react";
import { contact, links, place, request } from "./view/share";
import { deliver } from "./kit";

const kit = { css, upload, Attachments, carousel, Lightbox, gallery, ReactionBar, contact, links, place, request };

export type Kit = typeof kit;

deliver(kit);
