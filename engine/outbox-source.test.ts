import { expect, test } from "vitest";
import { positionOfLog } from "./checkpoint.ts";
import { ponderOutbox } from "./outbox-source.ts";

const FIELDS = {
  chain_id: 11297108109,
  block_number: 9508301,
  block_hash: "0xb1",
  block_timestamp: 1_700_000_000,
  log_index: 5,
};
const placeOf = (fields: object) => ponderOutbox().placeOf(JSON.stringify(fields));

test("a message's body says where its row stood, but for the transaction's index", () => {
  expect(placeOf(FIELDS)).toEqual({
    line: "11297108109",
    height: "9508301",
    hash: "0xb1",
    position: positionOfLog({
      timestamp: 1_700_000_000n,
      chainId: 11297108109,
      blockNumber: 9508301,
      transactionIndex: 0,
      logIndex: 5,
    }),
  });
});

test.each([
  ["that lacks its block", { ...FIELDS, block_hash: undefined }],
  ["with a time that no block has", { ...FIELDS, block_timestamp: 17_000_000_000 }],
  ["with a log index that is none", { ...FIELDS, log_index: "first" }],
])("a body %s says nothing", (_, fields) => {
  expect(placeOf(fields)).toBeNull();
});

test("a body that is not JSON says nothing", () => {
  expect(ponderOutbox().placeOf("hello")).toBeNull();
});
