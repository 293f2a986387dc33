import { describe, expect, test } from "vitest";
import {
  barrierAttributes,
  identityOf,
  type MessagePlace,
  messageAttributes,
} from "./message-attributes.ts";
import { retractionOf } from "./retraction.ts";

/* The attributes of every kind of message. They are a promise to every subscriber: none may change. */

const ID = "11155111-0xb1-5";
/** As `src/outbox` writes them. */
const SOURCE = {
  event_id: ID,
  event_type: "EscrowReleased",
  chain_id: "11155111",
  escrow_address: "0xe5",
  "ce-specversion": "1.0",
  "ce-id": ID,
  "ce-source": "/chains/11155111/contracts/0xe5",
  "ce-type": "escrow.EscrowReleased.v1",
  "ce-subject": "0xe5",
  "ce-time": "2023-11-14T22:13:20.000Z",
};
const BODY = `{"event_id":"${ID}","event_type":"EscrowReleased","schema_version":1,"chain_id":11155111,"contract_address":"0xe5","escrow_address":"0xe5","block_number":9,"block_hash":"0xb1","block_timestamp":1700000000,"transaction_hash":"0xf0","log_index":5,"payee":"0x0b","amount":"1","timestamp":"1700000000"}`;

const FINAL: MessagePlace = {
  kind: "event",
  eventId: ID,
  incarnation: 1,
  publication: "settlement.events.v1",
  sequence: 3,
  finality: "final",
};
const AGAIN: MessagePlace = {
  ...FINAL,
  incarnation: 2,
  publication: "chain.events.v1",
  sequence: 7,
  finality: "provisional",
};
const RETRACTION: MessagePlace = { ...AGAIN, kind: "retraction", sequence: 8 };

const retraction = (incarnation: number, sourceAttributes: Record<string, string> = SOURCE) =>
  retractionOf({ eventId: ID, incarnation, body: BODY, sourceAttributes });

describe("the attributes", () => {
  test("of an event are those of the outbox, and its place", () => {
    expect(messageAttributes(SOURCE, FINAL)).toEqual({
      ...SOURCE,
      sequence: "3",
      publication: "settlement.events.v1",
      finality: "final",
    });
  });

  test("of an event that came back carry its incarnation in both ids", () => {
    expect(messageAttributes(SOURCE, AGAIN)).toEqual({
      ...SOURCE,
      event_id: `${ID}#2`,
      "ce-id": `${ID}#2`,
      incarnation: "2",
      sequence: "7",
      publication: "chain.events.v1",
      finality: "provisional",
    });
  });

  test("of a retraction have its own ids, and name what it retracts", () => {
    expect(messageAttributes(retraction(2).sourceAttributes, RETRACTION)).toEqual({
      ...SOURCE,
      event_id: `retraction-2-${ID}`,
      event_type: "EventRetracted",
      retracts: ID,
      "ce-id": `retraction-2-${ID}`,
      "ce-type": "escrow.EventRetracted.v1",
      sequence: "8",
      publication: "chain.events.v1",
      finality: "provisional",
    });
  });

  test("of a barrier have no event_id", () => {
    expect(barrierAttributes("b-1")).toEqual({ relay_barrier: "b-1" });
  });

  test("are the same when they are made of attributes that were made already", () => {
    for (const place of [FINAL, AGAIN]) {
      const made = messageAttributes(SOURCE, place);
      expect(messageAttributes(made, place)).toEqual(made);
      const { incarnation } = place;
      const ofMade = retraction(incarnation, made).sourceAttributes;
      const where = { ...RETRACTION, incarnation };
      expect(messageAttributes(ofMade, where)).toEqual(
        messageAttributes(retraction(incarnation).sourceAttributes, where),
      );
    }
  });
});

test("the body of a retraction says where the event was, and not what", () => {
  expect(retraction(1).body).toBe(
    `{"event_id":"retraction-1-${ID}","event_type":"EventRetracted","schema_version":1,"chain_id":11155111,"contract_address":"0xe5","escrow_address":"0xe5","block_number":9,"block_hash":"0xb1","block_timestamp":1700000000,"transaction_hash":"0xf0","log_index":5,"retracts":"${ID}","retracts_type":"EscrowReleased"}`,
  );
});

describe("a message's identity is read from its attributes", () => {
  test.each([FINAL, AGAIN, RETRACTION, { ...RETRACTION, incarnation: 1 }])(
    "$kind of incarnation $incarnation",
    (place) => {
      const { kind, eventId, incarnation } = place;
      const source = kind === "event" ? SOURCE : retraction(incarnation).sourceAttributes;
      const attributes = messageAttributes(source, place);
      expect(identityOf(attributes)).toEqual({ kind, eventId, incarnation });
    },
  );

  test("an event whose own id ends like an incarnation keeps it", () => {
    const eventId = "order#2";
    expect(identityOf({ event_id: eventId })).toEqual({ kind: "event", eventId, incarnation: 1 });
  });

  test("a barrier has none", () => {
    expect(identityOf(barrierAttributes("b-1"))).toBeNull();
  });
});
