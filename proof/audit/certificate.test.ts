import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { type CertificateContent, parseCertificate, writeCertificate } from "./certificate.ts";

const CONTENT: CertificateContent = {
  kind: "escrow-stream audit certificate",
  version: 1,
  tool: "escrow-stream 0.0.0",
  result: "complete",
  startedAt: "2026-01-01T00:00:00.000Z",
  finishedAt: "2026-01-01T00:01:00.000Z",
  resumed: 0,
  thorough: false,
  schema: "escrow_1",
  payloadVersions: { Approved: 1 },
  chains: [],
  outsiders: { count: 0, first: [] },
};

function written(): { path: string; text: string } {
  const folder = mkdtempSync(join(tmpdir(), "escrow-stream-certificate-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "certificate.json");
  writeCertificate(path, CONTENT);
  expect(readdirSync(folder)).toEqual(["certificate.json"]);
  return { path, text: readFileSync(path, "utf8") };
}

test("a certificate can be read back", () => {
  const { digest, ...content } = parseCertificate(written().text);
  expect(content).toEqual(CONTENT);
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
});

test("a certificate that was changed is refused, whatever was changed", () => {
  const { text } = written();
  expect(() => parseCertificate(text.replace("escrow_1", "escrow_2"))).toThrow("was changed");
  expect(() => parseCertificate(text.replace('"resumed": 0', '"resumed": 1'))).toThrow(
    "was changed",
  );
  expect(() => parseCertificate("{}")).toThrow();
  expect(() => parseCertificate("nonsense")).toThrow("no JSON");
});

test("canonical JSON does not depend on the order of keys", () => {
  const one = { b: [1, { d: null, c: "x" }], a: true };
  expect(canonicalJson(one)).toBe('{"a":true,"b":[1,{"c":"x","d":null}]}');
});
