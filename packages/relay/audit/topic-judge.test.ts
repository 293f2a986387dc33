import { describe, expect, test } from "vitest";
import { type DeliveredMessage, type ExpectedMessage, TopicJudge } from "./topic-judge.ts";

const KEY = "1:0xe5";

function expected(sequence: number): ExpectedMessage {
  const eventId = `event-${sequence}`;
  const attributes = { event_id: eventId, sequence: String(sequence) };
  return { orderingKey: KEY, sequence, eventId, body: `{"n":${sequence}}`, attributes };
}

function delivered(sequence: number, messageId = `m${sequence}`): DeliveredMessage {
  const { body, attributes } = expected(sequence);
  return { messageId, orderingKey: KEY, body, attributes };
}

function judge(messages: DeliveredMessage[], published = 0): string[] {
  const topic = new TopicJudge();
  for (const message of messages)
    topic.take(message, expected(Number(message.attributes.sequence)));
  for (let sequence = 1; sequence <= published; sequence++)
    if (!topic.has(expected(sequence))) topic.missing(expected(sequence));
  return topic.findings.map(({ kind, sequence }) => `${kind} ${sequence}`);
}

describe("the judge of a topic", () => {
  test("finds nothing where every message came once, in sequence", () => {
    expect(judge([delivered(1), delivered(2), delivered(3)], 3)).toEqual([]);
  });

  test("takes a redelivery for what it is: the same message", () => {
    expect(judge([delivered(1), delivered(2), delivered(1), delivered(2)], 2)).toEqual([]);
  });

  test("finds a second physical copy", () => {
    expect(judge([delivered(1), delivered(1, "other")], 1)).toEqual(["duplicated 1"]);
  });

  test("finds a first arrival behind a later one", () => {
    expect(judge([delivered(2), delivered(1)], 2)).toEqual(["reordered 1"]);
  });

  test("finds what never came, and whether it left a gap", () => {
    expect(judge([delivered(1), delivered(3)], 4)).toEqual(["lost 2", "gap 2", "lost 4"]);
  });

  test("finds other bytes in the body or in an attribute, one more or one less", () => {
    expect(judge([{ ...delivered(1), body: "{}" }])).toEqual(["differing 1"]);
    const more = { ...delivered(1).attributes, extra: "1" };
    expect(judge([{ ...delivered(1), attributes: more }])).toEqual(["differing 1"]);
  });

  test("finds an event that the journal knows nothing of", () => {
    const topic = new TopicJudge();
    topic.take(delivered(1), null);
    expect(topic.count("unknown")).toBe(1);
  });

  test("passes over what is no event: barriers", () => {
    const topic = new TopicJudge();
    topic.take({ ...delivered(1), attributes: { relay_barrier: "x" } }, null);
    expect(topic.findings).toEqual([]);
    expect(topic.delivered).toBe(0);
  });
});
