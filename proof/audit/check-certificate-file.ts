import { existsSync, readFileSync } from "node:fs";
import { CodedError } from "../../config/coded-error.ts";
import { ConfigError } from "../../config/config-error.ts";
import { AuditedStore } from "./audited-store.ts";
import { BadCertificate, parseCertificate } from "./certificate.ts";
import { checkCertificate } from "./check-certificate.ts";

/**
 * Compares the event store with what a certificate says of it, without the chain.
 *
 * @returns whether the store is what was certified, without findings; and lines that say so
 * @throws ConfigError when there is no such file; CodedError when it is no certificate
 */
export async function checkCertificateFile(
  databaseUrl: string,
  path: string,
): Promise<{ isGood: boolean; lines: string[] }> {
  if (!existsSync(path))
    throw new ConfigError([{ where: "--check", what: `there is no file ${path}` }]);
  const store = await AuditedStore.open(databaseUrl);
  try {
    const certificate = parseCertificate(readFileSync(path, "utf8"));
    const checked = await checkCertificate(certificate, store);
    const lines = checked.map(
      ({ chainId, from, to, certified, store: today, matches }) =>
        `chain ${chainId}, blocks ${from} to ${to}: ${matches ? "the event store is what the chain was" : `the event store is NOT what the chain was: ${today.events} events, ${certified.events} certified; npm run audit names them`}`,
    );
    const hasFindings = certificate.result === "findings";
    if (hasFindings) lines.push("the certificate itself lists findings: see the file");
    const isGood = checked.every(({ matches }) => matches) && certificate.result === "complete";
    return { isGood, lines };
  } catch (error) {
    if (!(error instanceof BadCertificate)) throw error;
    throw new CodedError(
      error.code,
      `${path} is no certificate that can be checked: ${error.message}`,
      { cause: error },
    );
  } finally {
    await store.close();
  }
}
