import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { consistentReads, type IndexedState } from "./consistent-reads.ts";

function at(
  block: number,
  { isReady = true, isCaughtUp = true, events = block } = {},
): IndexedState {
  return {
    isReady,
    isCaughtUp,
    heads: [{ chainId: 1, block, timestamp: 1_700_000_000 + block, events }],
  };
}

const RESTARTED = { isCaughtUp: false };
const RESTARTING = { isCaughtUp: false, isReady: false };

/** An app whose engine is at the given state; `during` is called while an answer is made. */
function app(options = { holdMs: 200, acceptAfterMs: 60_000 }) {
  const engine = { state: at(10), during: () => {} };
  const hono = new Hono();
  const askAgain = (request: Request) => hono.fetch(request);
  hono.use(consistentReads(async () => engine.state, { ...options, askAgain }));
  hono.get("/", (c) => {
    engine.during();
    return c.text(String(engine.state.heads[0]?.block));
  });
  return { engine, get: async () => hono.request("/") };
}

describe("consistent reads", () => {
  test("say with every answer how far the index is", async () => {
    const response = await app().get();
    expect(response.headers.get("x-indexed-block")).toBe("1=10");
    expect(response.headers.get("x-indexed-at")).toBe("1=2023-11-14T22:13:30.000Z");
  });

  test("hold an answer back until the engine is where it was again [G-15]", async () => {
    const { engine, get } = app();
    await get();
    engine.state = at(4, RESTARTING);
    setTimeout(() => {
      engine.state = at(11, RESTARTED);
    }, 80);
    const response = await get();
    expect(response.status).toBe(200);
    expect(Number(await response.text())).toBe(11);
  });

  test("answer 503 and when to come back when that takes too long", async () => {
    const { engine, get } = app();
    await get();
    engine.state = at(4, RESTARTED);
    const response = await get();
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
  });

  test("do not hand out an answer that was made across a rollback [G-15]", async () => {
    const { engine, get } = app();
    await get();
    engine.during = () => {
      engine.state = at(10, RESTARTING);
    };
    expect((await get()).status).toBe(503);
  });

  test("make an answer again that was made while other rows took the place of those before [G-15]", async () => {
    const { engine, get } = app();
    await get();
    let asked = 0;
    engine.during = () => {
      if (asked++ > 0) return;
      engine.state = at(9, RESTARTED);
      setTimeout(() => {
        engine.state = at(11, RESTARTED);
      }, 50);
    };
    const response = await get();
    expect(response.status).toBe(200);
    expect(Number(await response.text())).toBe(11);
    expect(response.headers.get("x-indexed-block")).toBe("1=11");
    expect(asked).toBe(2);
  });

  test("answer during a first backfill, while nothing was answered that could be lost", async () => {
    const { engine, get } = app();
    engine.state = at(1, { isReady: false });
    expect((await get()).status).toBe(200);
    engine.state = at(2, { isReady: false });
    expect((await get()).status).toBe(200);
  });

  test("see through an indexed block that stands still while the events are gone", async () => {
    const { engine, get } = app();
    await get();
    engine.state = at(10, RESTARTED);
    expect((await get()).status).toBe(200);
    engine.state = at(12, { ...RESTARTED, events: 0 });
    expect((await get()).status).toBe(503);
    engine.state = at(3, RESTARTED);
    expect((await get()).status).toBe(503);
    engine.state = at(13, RESTARTED);
    expect((await get()).status).toBe(200);
  });

  test("tell at once what a reorg leaves, fewer events and a lower head, once the engine has caught up", async () => {
    const { engine, get } = app();
    await get();
    engine.state = at(9, { events: 7 });
    const response = await get();
    expect(response.status).toBe(200);
    expect(response.headers.get("x-indexed-block")).toBe("1=9");
  });

  test("accept what stays behind after a restart: the chain went back meanwhile", async () => {
    const { engine, get } = app({ holdMs: 200, acceptAfterMs: 100 });
    await get();
    engine.state = at(9, RESTARTED);
    expect((await get()).status).toBe(200);
    expect(Number(await (await get()).text())).toBe(9);
  });
});
