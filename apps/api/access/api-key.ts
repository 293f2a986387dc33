import { createHash, randomBytes } from "node:crypto";

/** What a key may do: `read` REST, GraphQL, status and metrics; `feed` the feeds. */
export const SCOPES = ["read", "feed"] as const;
export type Scope = (typeof SCOPES)[number];

/** A key as it is stored: what it was made of cannot be found out from it. */
export type ApiKey = {
  name: string;
  /** SHA-256 of the key, in hex. */
  sha256: string;
  scopes: readonly Scope[];
  /** Unix milliseconds; null when it does not expire. */
  expiresAtMs: number | null;
};

const PREFIX = "esk_";
const RANDOM_BYTES = 32;

/** A new key of 256 random bits. It is shown once, and never stored. */
export function newKey(): string {
  return PREFIX + randomBytes(RANDOM_BYTES).toString("base64url");
}

export function sha256Of(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
