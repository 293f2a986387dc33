import { RpcRequestError, TimeoutError } from "viem";
import { expect, test } from "vitest";
import { HttpRefusal } from "./http-refusal.ts";
import { rpcProblemOf } from "./rpc-problem.ts";

const URL_WITH_KEY = "https://user:pass-word@rpc.example.com/v3/0123456789abcdef?apikey=fedcba98";

function rpc(message: string, code = -32_000): Error {
  return new RpcRequestError({ body: {}, error: { code, message }, url: URL_WITH_KEY });
}

function http(status: number, words = "", headers: Record<string, string> = {}): Error {
  return new HttpRefusal(status, new Headers(headers), words);
}

function problem(error: Error) {
  return rpcProblemOf(error, "eth_getLogs of blocks 1 to 9", URL_WITH_KEY);
}

/** What was said stands in the test's name. */
function cases<T>(list: [error: Error, expected: T][]): [string, Error, T][] {
  return list.map(([error, expected]) => {
    const words = error instanceof RpcRequestError ? error.details : error.message || error.name;
    return [words.split("\n")[0] ?? "", error, expected];
  });
}

test.each(
  cases([
    [rpc("query returned more than 10000 results", -32_005), null],
    [rpc("query exceeds max results 20000, retry with the range 1-500"), 500],
    [rpc("query exceeds max block range 100000"), 100_000],
    [rpc("eth_getLogs is limited to a 10,000 range"), 10_000],
    [rpc("You can make eth_getLogs requests with up to a 2K block range"), 2_000],
    [rpc("requested too many blocks from 1 to 9000, maximum is set to 2048"), 2_048],
    [rpc("exceed maximum block range: 50000"), 50_000],
    [rpc("block range is too wide"), null],
    [rpc("Log response size exceeded. this block range should work: [0x10, 0x2f]", -32_602), 32],
    [rpc("logs matched by query exceeds limit of 10000"), null],
    [rpc("Please limit the query to at most 1000 blocks"), 1_000],
    [rpc("invalid params", -32_602), null],
    [http(413), null],
    [http(400, "block range too large"), null],
  ]),
)("asks for fewer blocks when a provider says: %s", (_, error, blocksAllowed) => {
  expect(problem(error)).toMatchObject({ kind: "too-large", blocksAllowed });
});

test.each(
  cases([
    [rpc("exceed max addresses"), "too-many-addresses"],
    [rpc("too many addresses in filter"), "too-many-addresses"],
    [
      rpc("Please specify an address in your request or order a dedicated full node", -32_701),
      "needs-address",
    ],
    [rpc("error deserializing parameter: missing field `address`", -32_602), "needs-address"],
    [rpc("eth_getLogs requires a contract address in the filter"), "needs-address"],
    [rpc("filter without address is not allowed"), "needs-address"],
    [rpc("address is required for eth_getLogs"), "needs-address"],
    [http(429), "rate-limited"],
    [rpc("daily request count exceeded, request rate limited", -32_005), "rate-limited"],
    [rpc("Your app has exceeded its compute units per second capacity", 429), "rate-limited"],
    [rpc("limit exceeded", -32_005), "rate-limited"],
    [rpc("query timeout exceeded"), "timeout"],
    [new TimeoutError({ body: {}, url: URL_WITH_KEY }), "timeout"],
    [http(504), "timeout"],
    [http(502, "<html>bad gateway</html>"), "transient"],
    [rpc("header not found"), "transient"],
    [rpc("block range extends beyond current head block"), "transient"],
    [rpc("internal error", -32_603), "transient"],
    [new TypeError("fetch failed"), "transient"],
    [rpc("missing trie node ef7df5d88cb1614dc3f1 (path )"), "no-state"],
    [rpc("State at block #3 is pruned", -32_603), "no-state"],
    [http(401, "invalid project id"), "refused"],
    [http(404, "not found"), "refused"],
    [rpc("the method eth_getLogs does not exist", -32_601), "refused"],
  ]),
)("sorts: %s", (_, error, kind) => {
  expect(problem(error).kind).toBe(kind);
});

test.each(
  cases([
    [rpc("query exceeds the max of 20 addresses"), 20],
    [rpc("too many addresses in filter, maximum is 1,000"), 1_000],
    [rpc("exceed max addresses"), null],
  ]),
)("asks for fewer contracts when a provider says: %s", (_, error, addressesAllowed) => {
  expect(problem(error)).toMatchObject({ kind: "too-many-addresses", addressesAllowed });
});

test("reads how long the provider wants to be left alone, in seconds or as a date", () => {
  expect(problem(http(429, "", { "retry-after": "12" })).retryAfterMs).toBe(12_000);
  const inAMinute = new Date(Date.now() + 60_000).toUTCString();
  const { retryAfterMs } = problem(http(429, "", { "retry-after": inAMinute }));
  expect(retryAfterMs).toBeGreaterThan(55_000);
  expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  expect(problem(http(429)).retryAfterMs).toBeNull();
});

test("says which host refused what, and nothing of the endpoint's secrets", () => {
  const { message } = problem(http(403, `key 0123456789abcdef of ${URL_WITH_KEY} is not valid`));
  expect(message).toBe(
    "rpc.example.com, eth_getLogs of blocks 1 to 9: key *** of *** is not valid (HTTP 403)",
  );
});
