import type { HTTPException } from "hono/http-exception";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  parseAddress,
  parseChainId,
  parseLimit,
  parseStatuses,
  parseTime,
  parseWhole,
} from "./parse-query.ts";

/** What the client is answered with when parsing fails. */
async function answerOf(parse: () => unknown): Promise<{ status: number; error: unknown }> {
  try {
    parse();
  } catch (error) {
    const response = (error as HTTPException).getResponse();
    return {
      status: response.status,
      error: ((await response.json()) as { error: unknown }).error,
    };
  }
  throw new Error("nothing was refused");
}

afterEach(() => void vi.useRealTimers());

describe("an address", () => {
  test("is taken in any spelling of its letters", () => {
    const address = "0xAbCdEf0000000000000000000000000000000001";
    expect(parseAddress("payer", address)).toBe(address.toLowerCase());
  });

  test.each(["", "0x12", `0x${"g".repeat(40)}`, "a".repeat(42), ` 0x${"a".repeat(40)}`])(
    "is not %j",
    async (value) => {
      expect(await answerOf(() => parseAddress("payer", value))).toEqual({
        status: 400,
        error: {
          parameter: "payer",
          message: `"${value}" is not an address: expected 0x and 40 hex digits`,
        },
      });
    },
  );
});

describe("a whole number", () => {
  test("may be its least and its greatest value", () => {
    expect(parseWhole("n", "2", { min: 2, max: 4 })).toBe(2);
    expect(parseWhole("n", "4", { min: 2, max: 4 })).toBe(4);
  });

  test.each(["1", "5", "", "-3", "2.5", "0x3", "3e0", " 3", "9".repeat(400)])(
    "from 2 to 4 is not %j",
    async (value) => {
      const { status, error } = await answerOf(() => parseWhole("n", value, { min: 2, max: 4 }));
      expect(status).toBe(400);
      expect(error).toEqual({
        parameter: "n",
        message: `"${value}" is not a whole number from 2 to 4`,
      });
    },
  );
});

test("a chain id is from 1 to what GraphQL's Int can carry", async () => {
  expect(parseChainId("chainId", "2147483647")).toBe(2_147_483_647);
  for (const value of ["0", "2147483648"])
    expect((await answerOf(() => parseChainId("chainId", value))).status).toBe(400);
});

test("a page has 100 rows unless asked for otherwise, and never more than 1000", async () => {
  expect(parseLimit(undefined)).toBe(100);
  expect(parseLimit("1000")).toBe(1_000);
  for (const value of ["0", "1001", ""])
    expect((await answerOf(() => parseLimit(value))).error).toMatchObject({ parameter: "limit" });
});

test("statuses are a list separated by commas, and an unknown one is named with those there are", async () => {
  expect(parseStatuses("created,refunded")).toEqual(["created", "refunded"]);
  expect(await answerOf(() => parseStatuses("created,done"))).toEqual({
    status: 400,
    error: {
      parameter: "status",
      message: '"done" is not a status: expected created, approved, released, refunded, unknown',
    },
  });
});

test("a time is Unix seconds, and now when it is not given", async () => {
  vi.useFakeTimers({ now: 1_700_000_000_999 });
  expect(parseTime(undefined)).toBe(1_700_000_000n);
  expect(parseTime("0")).toBe(0n);
  expect(parseTime("999999999999999")).toBe(999_999_999_999_999n);
  for (const value of ["", "-1", "1.5", "tomorrow", "1".repeat(16)])
    expect(await answerOf(() => parseTime(value))).toEqual({
      status: 400,
      error: { parameter: "at", message: `"${value}" is not a time: expected Unix seconds` },
    });
});
