import { afterAll, beforeAll, expect, test } from "vitest";
import { ServiceProcess } from "../support/service-process.ts";
import { LATEST_TOPIC } from "../support/test-world.ts";
import { CORRUPTIONS } from "../verify/corruptions.ts";
import { VerifiedWorld } from "../verify/verified-world.ts";

const PARTY = CORRUPTIONS["read models"]?.find(({ name }) => name.includes("party's total"));

let world: VerifiedWorld;
beforeAll(async () => {
  world = await VerifiedWorld.create();
});
afterAll(() => world.end());

type Command = ConstructorParameters<typeof ServiceProcess>[0];

async function run(command: Command, url: string, ...args: string[]) {
  const { projectId, emulatorHost } = world.config.pubsub;
  const env = {
    DATABASE_URL: url,
    PUBSUB_PROJECT_ID: projectId ?? "",
    PUBSUB_EMULATOR_HOST: emulatorHost ?? "",
  };
  const process = new ServiceProcess(command, { env, args });
  const { code } = await process.exited;
  return { code, out: process.stdoutLines.join("\n"), said: process.output };
}

test("npm run verify and npm run rebuild end with 0 where nothing differs", async () => {
  const url = await world.copy();
  const verified = await run("verify", url, "--idle", "1");
  expect(verified.code, verified.said).toBe(0);
  expect(verified.out).toMatch(/no differences$/);
  const rebuilt = await run("rebuild", url);
  expect(rebuilt.code, rebuilt.said).toBe(0);
  expect(rebuilt.out).toMatch(/^party: \d+ rows, 0 different$/m);
});

test("npm run verify and npm run rebuild end with 1 and name the row that differs, in lines and as JSON", async () => {
  const url = await world.copy(...(PARTY?.sql ?? []));
  const verified = await run("verify", url, "--no-topic", "--json");
  expect(verified.code, verified.said).toBe(1);
  const { findings, differences } = JSON.parse(verified.out);
  expect(differences).toBe(findings.length);
  expect(findings).toContainEqual(expect.objectContaining({ subject: PARTY?.subject }));

  const key = PARTY?.subject.split(" ").at(-1);
  const lines = await run("rebuild", url, "--projection", "party");
  expect(lines.code, lines.said).toBe(1);
  expect(lines.out).toContain(`  ${key}: payer_open_amount stored`);
  const json = await run("rebuild", url, "--projection", "party", "--json");
  expect(JSON.parse(json.out).comparisons).toMatchObject([{ projection: "party", differing: 1 }]);
});

test("npm run audit:topic ends with 0 for a topic that is as the journal says", async () => {
  const { code, out, said } = await run(
    "audit-topic",
    await world.copy(),
    ...["--topic", LATEST_TOPIC, "--idle", "1"],
  );
  expect(code, said).toBe(0);
  expect(out).toMatch(/lost 0, duplicated 0, reordered 0, differing 0, gap 0, unknown 0$/);
});

test("npm run audit:topic refuses a topic that is none of the publications, and a subscription that is there", async () => {
  const url = await world.copy();
  const unknown = await run("audit-topic", url, "--topic", "nobody.v1");
  expect(unknown.code).toBe(78);
  expect(unknown.said).toContain(`"nobody.v1" is none of the publications`);
  const created = await run("audit-topic", url, "--topic", LATEST_TOPIC, "--create");
  expect(created.code).not.toBe(0);
  expect(created.said).toContain("ES-AUDIT-SUBSCRIPTION");
});
