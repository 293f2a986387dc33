import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { BODIES } from "./bodies.ts";
import { decodeBody } from "./decode-body.ts";
import { InvalidBody } from "./invalid-body.ts";

/* Bytes that were published: every event of both revisions, and the retraction of each. */

const GOLDEN = join(import.meta.dirname, "../../test/golden");
const SCHEMAS = join(import.meta.dirname, "schemas");

type Named = { name: string; type: string; body: string };

const read = (file: string) => readFileSync(join(GOLDEN, file), "utf8");
const published: Named[] = readdirSync(GOLDEN)
  .filter((file) => file.endsWith(".json"))
  .flatMap((file) => {
    const { revision, events } = JSON.parse(read(file));
    return events.map(({ row, message }: { row: { type: string }; message: { body: string } }) => ({
      name: `${row.type} of revision ${revision}`,
      type: row.type,
      body: message.body,
    }));
  });
const retractions: Named[] = read("retractions.ndjson")
  .trimEnd()
  .split("\n")
  .map((line) => {
    const { revision, type, retraction } = JSON.parse(line);
    const name = `retraction of ${type} of revision ${revision}`;
    return { name, type: "EventRetracted", body: retraction.body };
  });
const all = [...published, ...retractions];

const ajv = new Ajv2020({ strict: true, allErrors: true });
for (const file of readdirSync(SCHEMAS))
  ajv.addSchema(JSON.parse(readFileSync(join(SCHEMAS, file), "utf8")));
const isValid = (body: unknown, schema = "urn:escrow-stream:message"): boolean =>
  ajv.validate(schema, body) as boolean;

const first = (type: string): Record<string, unknown> => {
  const found = all.find((each) => each.type === type);
  if (found === undefined) throw new Error(`no ${type}`);
  return JSON.parse(found.body);
};

describe("A body that was published", () => {
  test("is there of every type, of both revisions", () => {
    const names = new Set(all.map(({ name }) => name));
    const types = Object.keys(BODIES).filter((type) => type !== "EventRetracted");
    for (const type of types)
      for (const revision of ["A", "B"])
        for (const name of [`${type} of revision ${revision}`])
          expect([names.has(name), names.has(`retraction of ${name}`)], name).toEqual([true, true]);
  });

  test.each(all)("is read for what it is: $name", ({ type, body }) => {
    const decoded = decodeBody(new TextEncoder().encode(body));
    expect(decoded.event_type).toBe(type);
    // Nothing is lost on the way, not even the order.
    expect(JSON.stringify(decoded)).toBe(body);
    expect(decodeBody(body)).toEqual(decoded);
    expect(decodeBody(JSON.parse(body))).toEqual(decoded);
  });

  test.each(all)("fits its JSON Schema and the one of any message: $name", ({ type, body }) => {
    const value = JSON.parse(body);
    expect(isValid(value), ajv.errorsText()).toBe(true);
    expect(isValid(value, `urn:escrow-stream:message:${type}:v1`)).toBe(true);
  });
});

describe("decodeBody", () => {
  test("types a body by its event", () => {
    const body = decodeBody(first("EscrowReleased"));
    if (body.event_type !== "EscrowReleased") throw new Error("another event");
    expect([BigInt(body.amount) > 0n, body.payee.startsWith("0x")]).toEqual([true, true]);
  });

  test.each([
    ["EscrowCreated", { amount: 5 }, "has amount 5, not a uint256 as a decimal string"],
    ["EscrowCreated", { amount: "05" }, 'has amount "05"'],
    ["EscrowCreated", { approvals_required: 256 }, "has approvals_required 256"],
    ["EscrowCreated", { arbiter: null }, "has arbiter null, not an address in lower case"],
    ["EscrowCreated", { payer: `0x${"A".repeat(40)}` }, "has payer"],
    ["Approved", { approver: undefined }, "has approver missing"],
    ["Approved", { tip: "1" }, 'has a field "tip" that no Approved has'],
    ["Approved", { event_id: "1-2-3" }, "has event_id"],
    ["Approved", { block_hash: "0x1" }, "has block_hash"],
    ["Approved", { chain_id: -1 }, "has chain_id -1, not a whole number"],
    ["Approved", { event_type: undefined }, "has no event_type"],
    ["EventRetracted", { retracts: "x" }, 'has retracts "x", not an event\'s id'],
    ["EventRetracted", { event_id: "1-0xb-3" }, "not a retraction's id"],
  ])("refuses a body of %s with %o, and so does its schema", (type, change, words) => {
    const body = JSON.parse(JSON.stringify({ ...first(type), ...change }));
    const decoding = () => decodeBody(body);
    expect(decoding).toThrow(InvalidBody);
    expect(decoding).toThrow(words);
    expect(isValid(body)).toBe(false);
  });

  test("refuses an amount beyond a uint256, which no schema can say", () => {
    const body = { ...first("EscrowReleased"), amount: String(2n ** 256n) };
    expect(() => decodeBody(body)).toThrow("has amount");
  });

  test.each([{ event_type: "EscrowPaused" }, { schema_version: 2 }, { event_type: "toString" }])(
    "tells what a newer relay sent from what is broken: %o",
    (change) => {
      const body = { ...first("Approved"), ...change };
      expect(() => decodeBody(body)).toThrow("does not know");
      try {
        decodeBody(body);
      } catch (error) {
        expect(error).toMatchObject({ isUnknown: true });
      }
    },
  );

  test.each([
    ["{", "not UTF-8 JSON"],
    [Buffer.from('{"a":"\xff"}', "latin1"), "not UTF-8 JSON"],
    ["[]", "not a JSON object"],
    ["null", "not a JSON object"],
  ])("refuses %o", (body, words) => {
    expect(() => decodeBody(body)).toThrow(words);
  });
});
