import { expect, test } from "vitest";
import { FairQueue } from "./fair-queue.ts";

const patient = new AbortController().signal;

function queue(options: Partial<ConstructorParameters<typeof FairQueue>[0]> = {}): FairQueue {
  const usual = { atOnce: 1, waiting: 100, waitingPerClient: 100, longestMs: 60_000 };
  return new FairQueue({ ...usual, ...options });
}

test("So many are in at once, and the next comes in when one leaves", async () => {
  const two = queue({ atOnce: 2 });
  const leave = await two.enter("a", patient);
  await two.enter("b", patient);
  const third = two.enter("c", patient);
  expect({ inside: two.inside, waiting: two.waiting }).toEqual({ inside: 2, waiting: 1 });
  leave();
  leave();
  await third;
  expect({ inside: two.inside, waiting: two.waiting }).toEqual({ inside: 2, waiting: 0 });
});

test("A client with a hundred requests holds up another one's by one", async () => {
  const line = queue();
  const leaveFirst = await line.enter("greedy", patient);
  const order: string[] = [];
  const ask = async (client: string): Promise<void> => {
    const leave = await line.enter(client, patient);
    order.push(client);
    leave();
  };
  const asked = Array.from({ length: 99 }, () => ask("greedy"));
  asked.push(ask("modest"));
  leaveFirst();
  await Promise.all(asked);
  expect(order.indexOf("modest")).toBeLessThanOrEqual(1);
  expect(order).toHaveLength(100);
});

test("Who is too many is refused at once, of one client and of all", async () => {
  const small = queue({ waiting: 3, waitingPerClient: 2 });
  const leave = await small.enter("a", patient);
  const waiting = [small.enter("a", patient), small.enter("a", patient)];
  await expect(small.enter("a", patient)).rejects.toMatchObject({ code: "ES-BUSY" });
  waiting.push(small.enter("b", patient));
  await expect(small.enter("c", patient)).rejects.toMatchObject({ code: "ES-BUSY" });
  leave();
  await Promise.all(waiting.map(async (one) => (await one)()));
  expect({ inside: small.inside, waiting: small.waiting }).toEqual({ inside: 0, waiting: 0 });
});

test("Who leaves the line or waits too long frees the place", async () => {
  const line = queue({ longestMs: 20 });
  const leave = await line.enter("a", patient);
  const gone = new AbortController();
  const left = line.enter("b", gone.signal);
  gone.abort(new Error("left"));
  await expect(left).rejects.toThrow("left");
  await expect(line.enter("b", patient)).rejects.toMatchObject({ code: "ES-BUSY" });
  expect(line.waiting).toBe(0);
  leave();
  (await line.enter("b", patient))();
  expect(line.inside).toBe(0);
});
