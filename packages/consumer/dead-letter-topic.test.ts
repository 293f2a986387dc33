import { expect, test } from "vitest";
import { deadLetterAttributes } from "./dead-letter-topic.ts";

const note = { reason: "poison", attempts: 3, subscription: "sub" };

test("a dead letter stays within the limits of Pub/Sub", () => {
  const many = Array.from({ length: 100 }, (_, i) => [`name${i}`, "value"]);
  const message = {
    data: Buffer.of(),
    attributes: Object.fromEntries([["googclient_traceparent", "00"], ...many]),
    orderingKey: "1:0xa",
  };
  const attributes = deadLetterAttributes(message, { ...note, reason: "é".repeat(2000) });
  expect(Object.keys(attributes)).toHaveLength(100);
  expect(attributes).not.toHaveProperty("googclient_traceparent");
  expect(attributes).toMatchObject({
    dead_letter_reason: "é".repeat(512),
    dead_letter_attempts: "3",
    dead_letter_subscription: "sub",
    dead_letter_ordering_key: "1:0xa",
  });
});

test("the reason of a dead letter is never cut within a character", () => {
  const message = { data: Buffer.of(), attributes: {} };
  const { dead_letter_reason } = deadLetterAttributes(message, {
    ...note,
    reason: `x${"é".repeat(2000)}`,
  });
  expect(dead_letter_reason).toBe(`x${"é".repeat(511)}`);
});
