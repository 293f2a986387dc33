import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeBody } from "./decode-body.ts";
import { retractionOf } from "./retraction.ts";

const FILE = join(import.meta.dirname, "../../test/golden/retractions.ndjson");

type Golden = {
  revision: "A" | "B";
  type: string;
  incarnation: number;
  /** What was published: attributes as JSON. */
  retraction: { body: string; attributes: string };
  of: { event_id: string; body: string; attributes: string };
};

const golden = readFileSync(FILE, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Golden);

const retract = ({ incarnation, of }: Golden) =>
  retractionOf({
    eventId: of.event_id,
    incarnation,
    body: of.body,
    sourceAttributes: JSON.parse(of.attributes),
  });

test.each(golden)(
  "The retraction of a $type of revision $revision, incarnation $incarnation, has the bytes that it always had",
  (each) => {
    const { body, sourceAttributes } = retract(each);
    expect(body).toBe(each.retraction.body);
    expect(sourceAttributes).toEqual(JSON.parse(each.retraction.attributes));
    expect(decodeBody(body)).toMatchObject({
      event_type: "EventRetracted",
      retracts: each.of.event_id,
      retracts_type: each.type,
    });
  },
);

test("An event that was sent with its place is retracted with the same bytes as before it had one", () => {
  const [first] = golden as [Golden];
  const place = { sequence: "7", incarnation: "2", publication: "t", finality: "provisional" };
  const attributes = JSON.stringify({ ...JSON.parse(first.of.attributes), ...place });
  expect(retract({ ...first, of: { ...first.of, attributes } })).toEqual(retract(first));
});
