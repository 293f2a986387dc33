import { FeedRefused } from "./feed-failure.ts";
import type { PubsubMessage } from "./pubsub-message.ts";

/** A page of a feed, its messages as Pub/Sub would deliver them. */
export type FeedPage = {
  messages: PubsubMessage[];
  /** The offset to read on behind. */
  next: number;
  /** There is more to be read right now. */
  hasMore: boolean;
};

/** @throws FeedRefused when it is not a page that follows `after` */
export function parseFeedPage(text: string, after: number): FeedPage {
  const problem = (what: string) => new FeedRefused(`The feed's answer has ${what}.`, 0);
  let page: unknown;
  try {
    page = JSON.parse(text);
  } catch (cause) {
    throw Object.assign(problem("no JSON"), { cause });
  }
  if (!isObject(page) || !Array.isArray(page.messages)) throw problem("no messages");
  const { next, more } = page;
  if (!isOffset(next) || typeof more !== "boolean") throw problem("no offset to read on behind");
  if (next < after || (more && next === after)) throw problem(`offset ${next} behind ${after}`);
  const messages = page.messages.map((message: unknown) => {
    if (!isObject(message)) throw problem("a message that is none");
    const { data, attributes, ordering_key: orderingKey } = message;
    if (typeof data !== "string" || typeof orderingKey !== "string" || !areAttributes(attributes))
      throw problem("a message without data, attributes or ordering key");
    return { data: Buffer.from(data, "utf8"), attributes, orderingKey };
  });
  return { messages, next, hasMore: more };
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function areAttributes(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((each) => typeof each === "string");
}
