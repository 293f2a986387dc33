import { expect, test } from "vitest";
import { retryOnLockTimeout } from "./retry-on-lock-timeout.ts";

/** Refuses as often as it is told, and answers then. */
function readerThatFails(times: number, code: string) {
  const reader = {
    asked: 0,
    query: async (text: string) => {
      reader.asked += 1;
      if (reader.asked <= times) throw Object.assign(new Error("refused"), { code });
      return `${text}: answer`;
    },
  };
  return reader;
}

test("A read whose wait for a lock timed out is retried until it is answered", async () => {
  const reader = readerThatFails(3, "55P03");
  retryOnLockTimeout(reader, 10_000);
  expect(await reader.query("select 1")).toBe("select 1: answer");
  expect(reader.asked).toBe(4);
});

test("A lock that is never released ends in its error", async () => {
  const reader = readerThatFails(Number.POSITIVE_INFINITY, "55P03");
  retryOnLockTimeout(reader, 100);
  await expect(reader.query("select 1")).rejects.toThrow("refused");
});

test("Any other error is passed on at once", async () => {
  const reader = readerThatFails(1, "42P01");
  retryOnLockTimeout(reader, 10_000);
  await expect(reader.query("select 1")).rejects.toThrow("refused");
  expect(reader.asked).toBe(1);
});
