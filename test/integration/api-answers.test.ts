import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiBed } from "../support/api-bed.ts";
import { RelayWorld } from "../support/relay-world.ts";

/* What every answer of the API has. */

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

test("Every answer says per chain what is indexed, final and verified", async () => {
  const { origin } = await startApiBed(world);
  const { status, headers } = await fetch(`${origin}/v1/chains`);
  expect({ status, headers: Object.fromEntries(headers) }).toMatchObject({
    status: 200,
    headers: {
      "x-indexed-block": "7=10",
      "x-indexed-at": "7=2023-11-14T22:15:20.000Z",
      "x-final-block": "7=5",
      "x-final-at": "7=2023-11-14T22:14:20.000Z",
      "x-verified-block": "7=null",
      "x-verified-at": "7=null",
    },
  });
});

test("An unknown path is answered with a problem document", async () => {
  const { origin } = await startApiBed(world);
  const answer = await fetch(`${origin}/v2/nothing`);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect({ status: answer.status, body: await answer.json() }).toEqual({
    status: 404,
    body: {
      type: "urn:escrow-stream:error:ES-NOT-FOUND",
      title: "There is no such thing",
      status: 404,
      detail: "There is no such path.",
      code: "ES-NOT-FOUND",
    },
  });
});
