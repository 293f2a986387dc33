import { describe, expect, test } from "vitest";
import {
  barrierMessage,
  eventMessage,
  retractionMessage,
} from "../../test/support/consumer-messages.ts";
import { decodeMessage } from "./decode-message.ts";
import type { Envelope } from "./envelope.ts";
import { MalformedMessage } from "./malformed-message.ts";
import { messageHash } from "./message-hash.ts";
import type { PubsubMessage } from "./pubsub-message.ts";
import { readEnvelope } from "./read-envelope.ts";

const EXPECTED = { topic: "chain.events.v1", finality: "provisional" } as const;

const decode = (message: PubsubMessage) =>
  decodeMessage(readEnvelope(message, EXPECTED) as Envelope);

/** The message with attributes replaced; an empty one is left out. */
const having = (message: PubsubMessage, changes: Record<string, string>): PubsubMessage => ({
  ...message,
  attributes: Object.fromEntries(
    Object.entries({ ...message.attributes, ...changes }).filter(([, value]) => value !== ""),
  ),
});

const event = eventMessage({
  key: "1:0xa",
  sequence: 7,
  eventId: "1-0xb-3",
  fields: { amount: "5" },
});

describe("A message", () => {
  test("tells an event with its place, its finality and its body", () => {
    expect(decode(event)).toMatchObject({
      kind: "event",
      messageId: "1-0xb-3",
      eventId: "1-0xb-3",
      incarnation: 1,
      eventType: "Approved",
      chainId: 1,
      escrowAddress: "0xa",
      sequence: 7,
      finality: "provisional",
      publication: "chain.events.v1",
      body: { amount: "5" },
      raw: event,
    });
  });

  test("that announces a fact again has an id of its own and names the fact in its body", () => {
    const again = having(event, { event_id: "1-0xb-3#2", incarnation: "2" });
    expect(decode(again)).toMatchObject({
      kind: "event",
      messageId: "1-0xb-3#2",
      eventId: "1-0xb-3",
      incarnation: 2,
    });
  });

  test("that retracts a fact names it", () => {
    const retraction = retractionMessage({ sequence: 8, retracts: "1-0xb-3" });
    expect(decode(retraction)).toMatchObject({
      kind: "retraction",
      retracts: "1-0xb-3",
      messageId: "retraction-1-1-0xb-3",
      eventId: "retraction-1-1-0xb-3",
      sequence: 8,
    });
  });

  test("that is a barrier has no place", () => {
    expect(readEnvelope(barrierMessage(), EXPECTED)).toBeNull();
  });

  test("keeps its hash on its way, and has another one when its sender changes anything", () => {
    const hash = messageHash;
    const onItsWay = { googclient_traceparent: "00-1", CloudPubSubDeadLetterSourceTopic: "t" };
    const reordered = Object.fromEntries(Object.entries(event.attributes).reverse());
    expect(hash(having(event, onItsWay))).toBe(hash(event));
    expect(hash({ ...event, attributes: reordered, publishTime: new Date(0) })).toBe(hash(event));
    const others = [
      having(event, { event_id: "other" }),
      having(event, { extra: "1" }),
      { ...event, orderingKey: "1:0xc" },
      { ...event, data: Buffer.from("{}") },
    ];
    expect(new Set([event, ...others].map(hash)).size).toBe(5);
  });

  test.each([
    ["no attribute event_id", having(event, { event_id: "" })],
    ["no attribute publication", having(event, { publication: "" })],
    ["no attribute sequence", having(event, { sequence: "" })],
    ['sequence "0"', having(event, { sequence: "0" })],
    ['sequence "1.5"', having(event, { sequence: "1.5" })],
    ['sequence "9007199254740993"', having(event, { sequence: "9007199254740993" })],
    ["no ordering key", { ...event, orderingKey: "" }],
    ["no attribute event_type", having(event, { event_type: "" })],
    ['and not "1:undefined"', having(event, { escrow_address: "" })],
    ['and not "undefined:0xa"', having(event, { chain_id: "" })],
    ['and not "mainnet:0xa"', having(event, { chain_id: "mainnet" })],
    ['incarnation "two"', having(event, { incarnation: "two" })],
    ['finality "maybe" and not', having(event, { finality: "maybe" })],
    ["not UTF-8 JSON", { ...event, data: Buffer.from("{") }],
    ["not UTF-8 JSON", { ...event, data: Buffer.from('{"a":"\xff"}', "latin1") }],
    ["not a JSON object", { ...event, data: Buffer.from("[]") }],
    ['event_type "Approved" as attribute and "undefined"', { ...event, data: Buffer.from("{}") }],
    [
      "no attribute retracts",
      having(retractionMessage({ sequence: 1, retracts: "x" }), { retracts: "" }),
    ],
    [
      'retracts "y" as attribute and "x"',
      having(retractionMessage({ sequence: 1, retracts: "x" }), { retracts: "y" }),
    ],
  ])("is malformed with %s", (what, message) => {
    expect(() => decode(message)).toThrow(MalformedMessage);
    expect(() => decode(message)).toThrow(what);
  });
});
