import { describe, expect, test } from "vitest";
import { fold } from "../../test/support/given-events.ts";
import {
  type GoldenEvent,
  type GoldenFile,
  indexLog,
  readGoldenFiles,
} from "../../test/support/golden-events.ts";
import { encodeMessage } from "../outbox/encode-message.ts";
import type { EscrowEvent } from "./escrow-event.ts";
import { EVENT_CATALOGUE, EVENT_TYPES, type EventType, REVISIONS } from "./event-catalogue.ts";
import { toStoredEvent } from "./event-row.ts";
import {
  newestVersion,
  type StoredEvent,
  UnreadableEvent,
  type Upcasters,
  upcast,
} from "./upcast.ts";

const writtenVersion = (type: EventType, revision: "A" | "B"): number =>
  EVENT_CATALOGUE[type].revisions[revision].schemaVersion;

const files = readGoldenFiles();
const goldenEvents = files.flatMap(({ events }) => events);
const stored = (golden: GoldenEvent | undefined): StoredEvent => {
  if (golden === undefined) throw new Error("no such fixture");
  return toStoredEvent(structuredClone(golden.row));
};
const anApproval = () => stored(goldenEvents.find(({ row }) => row.type === "Approved"));

const described = (type: EventType, revision: string, version: number): string =>
  `${type} of revision ${revision} in version ${version}`;

describe("The golden fixtures", () => {
  test("hold every event of every revision in every version that was ever written [G-10]", () => {
    const held = new Set(
      goldenEvents.map(({ row }) =>
        described(row.type as EventType, row.revision, row.schema_version),
      ),
    );
    const written = EVENT_TYPES.flatMap((type) =>
      REVISIONS.map((revision) => described(type, revision, writtenVersion(type, revision))),
    );
    const missing = written.filter((each) => !held.has(each));
    expect(missing, "a version was raised: add a fixture of it to test/golden").toEqual([]);
    const versions = EVENT_TYPES.flatMap((type) =>
      Array.from({ length: newestVersion(type) }, (_, at) => `${type} in version ${at + 1}`),
    );
    const inAny = new Set(
      goldenEvents.map(({ row }) => `${row.type} in version ${row.schema_version}`),
    );
    expect(versions.filter((each) => !inAny.has(each))).toEqual([]);
  });

  test.each(files)("in $file are what today's code writes of the same logs", (golden) => {
    for (const { log, row, message } of golden.events) {
      const type = row.type as EventType;
      if (row.schema_version !== writtenVersion(type, golden.revision)) continue;
      const event = indexLog(golden.revision, log, row.observed_arbiter);
      const { streamVersion: _version, anomaly: _anomaly, ...written } = toStoredEvent(row);
      expect(event).toEqual(written);
      // jsonb has no order of keys, the message has: its bytes are compared, not its values.
      const { orderingKey, body, attributes } = encodeMessage(event);
      expect({ orderingKey, body, attributes: JSON.stringify(attributes) }).toEqual({
        orderingKey: message.ordering_key,
        body: message.body,
        attributes: message.attributes,
      });
    }
  });

  test.each(files)(
    "in $file fold to the states that stand beside them",
    ({ events }: GoldenFile) => {
      const history: EscrowEvent[] = [];
      for (const { row, state } of events) {
        history.push(upcast(toStoredEvent(row)));
        expect(asText(fold(history))).toMatchObject(state);
      }
    },
  );
});

describe("upcast", () => {
  test("lifts a row through every version between its own and the newest, in their order", () => {
    // As if today's Approved were version 3: version 1 called the approver `by` and spelled it with
    // a checksum, version 2 only had the other spelling.
    const upcasters: Upcasters = {
      Approved: [
        ({ by, ...rest }) => ({ ...rest, approver: by }),
        ({ approver, ...rest }) => ({ ...rest, approver: String(approver).toLowerCase() }),
      ],
    };
    const approver = "0xAbCdEf0000000000000000000000000000000001";
    const lifted = { approver: approver.toLowerCase() };
    const version = (schemaVersion: number, payload: object) =>
      upcast({ ...anApproval(), schemaVersion, payload }, upcasters);
    expect(version(1, { by: approver })).toMatchObject({ payload: lifted, schemaVersion: 1 });
    expect(version(2, { approver })).toMatchObject({ payload: lifted, schemaVersion: 2 });
    expect(version(3, lifted)).toMatchObject({ payload: lifted, schemaVersion: 3 });
    expect(newestVersion("Approved", upcasters)).toBe(3);
    expect(() => version(4, lifted)).toThrow("schema version 4 of Approved");
  });

  test("gives an upcaster the whole row and leaves the row as it is", () => {
    const row = anApproval();
    const before = structuredClone(row);
    const upcasters: Upcasters = {
      Approved: [(payload, { emitter }) => ({ ...payload, approver: emitter })],
    };
    expect(upcast(row, upcasters).payload).toEqual({ approver: row.emitter });
    expect(row).toEqual(before);
  });

  test.each([
    ["an event that there is none of", { type: "EscrowPaused" }, 'is a "EscrowPaused"'],
    ["a version that is to come", { schemaVersion: 2 }, "this build knows 1 to 1"],
    ["a version that never was", { schemaVersion: 0 }, "is of schema version 0 of Approved"],
    ["a revision that there is none of", { revision: "C" }, 'is of contract revision "C"'],
    ["a payload without its field", { payload: {} }, "its approver is missing, not an address"],
    ["a payload that is none", { payload: [] }, "its payload is not an object"],
    ["a name of every object", { type: "toString" }, 'is a "toString"'],
  ])("refuses %s and says where it stands and what to do", (_, change, problem) => {
    const row = { ...anApproval(), ...change } as StoredEvent;
    const reading = () => upcast(row);
    expect(reading).toThrow(UnreadableEvent);
    expect(reading).toThrow(problem);
    expect(reading).toThrow(
      `event ${row.id} (chain ${row.chainId}, block ${row.blockNumber}, log index ${row.logIndex})`,
    );
    expect(reading).toThrow(/read it with the build|index it again/);
  });

  test.each([
    [{ amount: "-1" }, "its amount is"],
    [{ amount: String(2n ** 256n) }, "its amount is"],
    [{ amount: 5 }, "its amount is 5"],
    [{ approvals_required: 256 }, "its approvals_required is 256"],
    [{ payer: `0x${"A".repeat(40)}` }, "its payer is"],
    [{ arbiter: null }, "its arbiter is null"],
    [{ tip: "1" }, 'it has a field "tip"'],
  ])("refuses a creation with %o", (change, problem) => {
    const row = stored(goldenEvents.find((each) => each.row.type === "EscrowCreated"));
    const payload = { ...(row.payload as object), ...change };
    expect(() => upcast({ ...row, payload })).toThrow(problem);
  });
});

function asText(state: object | null): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(state ?? {}).map(([name, value]) => [
      name,
      typeof value === "bigint" ? String(value) : value,
    ]),
  );
}
