import { type AbiEvent, parseAbiItem, toEventSelector } from "viem";
import { describe, expect, test } from "vitest";
import { escrowAAbi } from "../../abis/escrow-a.ts";
import { escrowBAbi } from "../../abis/escrow-b.ts";
import { escrowFactoryAAbi } from "../../abis/escrow-factory-a.ts";
import { escrowFactoryBAbi } from "../../abis/escrow-factory-b.ts";
import { EVENT_CATALOGUE, EVENT_TYPES, fieldsOf, REVISIONS } from "./event-catalogue.ts";
import { newestVersion } from "./upcast.ts";

const ABIS = {
  escrow: { A: escrowAAbi, B: escrowBAbi },
  factory: { A: escrowFactoryAAbi, B: escrowFactoryBAbi },
};
const snakeCase = (name: string | undefined): string =>
  String(name).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

describe.each(REVISIONS)("The catalogue's events of revision %s", (revision) => {
  test.each(["escrow", "factory"] as const)("are those that its %s logs", (emitter) => {
    const inAbi = ABIS[emitter][revision].filter((item) => item.type === "event");
    const said = EVENT_TYPES.filter((type) => EVENT_CATALOGUE[type].emitter === emitter).map(
      (type) => parseAbiItem(EVENT_CATALOGUE[type].revisions[revision].signature as string),
    );
    const form = (event: unknown) => {
      const { name, inputs } = event as AbiEvent;
      return [
        name,
        ...inputs.map((each) => `${each.type} ${each.indexed ? "indexed " : ""}${each.name}`),
      ];
    };
    expect(said.map(form).sort()).toEqual(inAbi.map(form).sort());
  });

  test.each(EVENT_TYPES)("%s have the first topic and the fields of their signature", (type) => {
    const { signature, topic0 } = EVENT_CATALOGUE[type].revisions[revision];
    const event = parseAbiItem(signature as string) as AbiEvent;
    expect(topic0).toBe(toEventSelector(event));
    const fields = fieldsOf(type).filter(([, kind]) => revision === "B" || !kind.endsWith("?"));
    expect(fields.map(([name, kind]) => [name, kind.replace("?", "")])).toEqual(
      event.inputs.map(({ name, type: kind }) => [snakeCase(name), kind]),
    );
  });
});

test("what is written in the newest version has fields, and an older one has a way up to it", () => {
  for (const type of EVENT_TYPES) {
    const written = REVISIONS.map(
      (revision) => EVENT_CATALOGUE[type].revisions[revision].schemaVersion,
    );
    expect(Math.max(...written), type).toBe(newestVersion(type));
  }
});
