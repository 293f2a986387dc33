import type { Wrong } from "./verdict.ts";

/** A replacement in a copy of the source. The text must be there exactly once. */
export type Patch = { file: string; search: string; replace: string };

/** A mistake that the suite must catch, and the faults under which it shows. */
export type PlantedBug = {
  name: string;
  patches: Patch[];
  /** What the judges must say: another complaint would only show that the patch broke something. */
  shows: Wrong;
  faults: string[];
  /** Times that each fault must take effect, unless the mistake shows before. */
  times: number;
  kills?: { count: number; points: string[] };
};

const PUBLISH_LOOP = "packages/relay/publish/publish-loop.ts";
const RESOLVER = "packages/relay/doubt/doubt-resolver.ts";
const PURGE = "packages/relay/doubt/receipts-purge.ts";
const SENDING = "    try {\n      await this.#options.transport.send(batch, timeoutMs);";

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "mark before publish",
    shows: "lost",
    patches: [
      {
        file: PUBLISH_LOOP,
        search: SENDING,
        replace: `    const { db, publication, leases } = this.#options;\n    await markPublished(db, publication, leases.instance, [outcome]);\n${SENDING}`,
      },
    ],
    faults: ["UNAVAILABLE, not accepted"],
    times: 1,
    kills: { count: 3, points: ["before:send"] },
  },
  {
    name: "blind re-send on takeover",
    shows: "duplicated",
    patches: [
      {
        file: "packages/relay/doubt/doubt.ts",
        search:
          "greatest(k.published_sequence, least(k.receipt_sequence, k.in_doubt_sequence)) as upto",
        replace: "k.published_sequence as upto",
      },
    ],
    faults: [],
    times: 1,
    kills: { count: 6, points: ["acceptance", "after:send"] },
  },
  {
    name: "unfenced bookkeeping",
    shows: "duplicated",
    patches: [
      {
        file: "packages/relay/leases/fence.ts",
        search: `    join relay.lease l
      on l.publication_id = \${publicationId} and l.partition = claimed.partition
         and l.epoch = claimed.epoch and l.owner = \${instance}
    where`,
        replace: `    cross join lateral (select claimed.partition, \${publicationId}::int, \${instance}::text) as l
    where`,
      },
    ],
    faults: ["SIGSTOP after claim, woken into the takeover"],
    times: 8,
  },
  {
    name: "sequence assigned at send",
    shows: "differing",
    patches: [
      {
        file: PUBLISH_LOOP,
        search: SENDING,
        replace: `    const counters = ((globalThis as unknown as { sent?: Map<string, number> }).sent ??= new Map());
    for (const message of batch.messages) {
      const key = topic + batch.orderingKey;
      counters.set(key, (counters.get(key) ?? 0) + 1);
      message.attributes = { ...message.attributes, sequence: String(counters.get(key)) };
    }
${SENDING}`,
      },
    ],
    faults: ["UNAVAILABLE, not accepted"],
    times: 2,
    kills: { count: 3, points: ["after:mark"] },
  },
  {
    name: "two requests in flight per key",
    shows: "reordered",
    patches: [
      {
        file: "packages/relay/publish/progress.ts",
        search: "select k.ordering_key, k.partition, k.published_sequence\n",
        replace: "select k.ordering_key, k.partition, k.in_doubt_sequence as published_sequence\n",
      },
      {
        file: "packages/relay/publish/progress.ts",
        search: "        and k.in_doubt_sequence = k.published_sequence\n",
        replace: "        and k.in_doubt_sequence < k.last_sequence and not k.is_doubted\n",
      },
    ],
    faults: ["slow"],
    times: 200,
  },
  {
    name: "high-water mark outside the transaction",
    shows: "duplicated",
    patches: [
      {
        file: "packages/consumer/apply-batch.ts",
        search: "    await saveHighWaterMark(tx, key, mark, options);",
        replace: `    for (const each of ["commit", "begin", null])
      await (each === null ? saveHighWaterMark(tx, key, mark, options) : tx.query(each));`,
      },
    ],
    faults: ["SIGKILL of the consumer", "answer to the consumer's commit lost"],
    times: 8,
  },
  {
    name: "receipts acknowledged before being written down",
    shows: "duplicated",
    patches: [
      {
        file: "packages/relay/doubt/read-receipts.ts",
        search:
          "  const read = await pullReceipts(receipts, publication.topic, isReader, waitMs);\n",
        replace:
          "  const read = await pullReceipts(receipts, publication.topic, isReader, waitMs);\n  await receipts.acknowledge(publication.topic, read);\n",
      },
    ],
    faults: ["accepted, no response"],
    times: 30,
    kills: { count: 4, points: ["before:receipt"] },
  },
  {
    name: "no wait for the request's life",
    shows: "duplicated",
    patches: [
      {
        file: RESOLVER,
        search: "nowMs - seenMs >= this.#options.requestLifeMs",
        replace: "nowMs - seenMs >= 0",
      },
    ],
    faults: ["accepted at the end of its life"],
    // Many, as the mistake shows only where a barrier overtakes the request.
    times: 300,
  },
  {
    name: "purge ignores what is in doubt",
    shows: "duplicated",
    patches: [
      { file: PURGE, search: "Math.min(sentAtMs ?? nowMs, nowMs)", replace: "nowMs" },
      // The same, in less time.
      { file: PURGE, search: "PURGE_EVERY_MS = 5_000", replace: "PURGE_EVERY_MS = 200" },
      { file: PURGE, search: "PURGE_MARGIN_MS = 10_000", replace: "PURGE_MARGIN_MS = 1_000" },
    ],
    faults: ["accepted, no response, nowhere to note it"],
    times: 6,
  },
];
