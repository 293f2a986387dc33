import { expect, test } from "vitest";
import { afterDeadlock } from "./after-deadlock.ts";

function failing(code: string, times: number) {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls <= times) throw Object.assign(new Error(code), { code });
    return calls;
  };
}

test("what a deadlock ended is read again", async () => {
  expect(await afterDeadlock(failing("40P01", 2))).toBe(3);
  expect(await afterDeadlock(failing("55P03", 1))).toBe(2);
});

test("a deadlock that comes again and again is thrown, and any other error at once", async () => {
  await expect(afterDeadlock(failing("40P01", 9))).rejects.toThrow("40P01");
  await expect(afterDeadlock(failing("42501", 1))).rejects.toThrow("42501");
});
