import { expect, test } from "vitest";
import { isRelationMissing } from "./is-relation-missing.ts";

test.each([
  ["42P01", 'relation "escrow.outbox" does not exist', true],
  ["42P01", "la relation « escrow._ponder_checkpoint » n'existe pas", true],
  ["3F000", 'schema "escrow" does not exist', true],
  ["42P01", 'relation "relay.message" does not exist', false],
  ["42P01", 'relation "escrow_48f3565a8bb4.outbox" does not exist', false],
  ["42703", "column escrow.outbox.body does not exist", false],
  ["42501", "permission denied for schema escrow", false],
])("%s, %s: schema escrow is missing: %s", (code, message, isMissing) => {
  expect(isRelationMissing(Object.assign(new Error(message), { code }), "escrow")).toBe(isMissing);
});

test("an error that is not PostgreSQL's says nothing of what is missing", () => {
  expect(isRelationMissing(new Error("escrow"), "escrow")).toBe(false);
});
