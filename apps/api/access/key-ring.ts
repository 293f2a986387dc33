import { timingSafeEqual } from "node:crypto";
import type { Queryable } from "../../../db/queryable.ts";
import { Problem } from "../problem.ts";
import { problemOfError } from "../read/problem-of-error.ts";
import { type ApiKey, type Scope, sha256Of } from "./api-key.ts";
import { readKeys } from "./key-table.ts";

const REFRESH_MS = 2_000;
/** A database that does not answer: what was last read still counts. */
const QUICK: object = { query_timeout: 2_000 };

/**
 * The keys that are valid now: those of the configuration, and those of the table, which is read every
 * other second, so that a key is revoked on every instance within seconds.
 */
export class KeyRing {
  readonly #db: Queryable;
  readonly #configured: readonly ApiKey[];
  #stored: readonly ApiKey[] = [];
  #byDigest = new Map<string, ApiKey>();
  #hasTableKeys = false;
  #isKnown = false;
  #problem = new Problem("ES-NOT-READY", "The keys have not been read yet.");
  #timer: NodeJS.Timeout | undefined;

  constructor(db: Queryable, configured: readonly ApiKey[]) {
    this.#db = { query: ((query: object | string) => ask(db, query)) as Queryable["query"] };
    this.#configured = configured;
    this.#index();
  }

  /** Whether the table has been read: before that, nobody knows whether a key is needed. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Why the table could not be read. */
  get problem(): Problem {
    return this.#problem;
  }

  /** Whether readers need a key: as soon as there is one, also one that was revoked. */
  get isNeeded(): boolean {
    return this.#configured.length > 0 || this.#hasTableKeys;
  }

  /** The key that was presented; null when it is none, or not valid any more. */
  find(presented: string): ApiKey | null {
    const digest = Buffer.from(sha256Of(presented), "hex");
    let found: ApiKey | null = null;
    // All of them are compared, each in constant time: how long it takes tells nothing.
    for (const key of [...this.#configured, ...this.#stored])
      if (timingSafeEqual(digest, Buffer.from(key.sha256, "hex"))) found = key;
    const isExpired = found?.expiresAtMs != null && found.expiresAtMs <= Date.now();
    return isExpired ? null : found;
  }

  /** Whether who was let in with this key for this, or without any, would still be. */
  stillAllows(key: ApiKey | null, scope: Scope): boolean {
    if (key === null) return !this.isNeeded;
    const now = this.#byDigest.get(key.sha256);
    if (now === undefined || (now.expiresAtMs ?? Infinity) <= Date.now()) return false;
    return now.scopes.includes(scope);
  }

  start(): void {
    const refresh = async (): Promise<void> => {
      await this.refresh();
      if (this.#timer !== undefined) this.#timer = setTimeout(refresh, REFRESH_MS);
    };
    this.#timer = setTimeout(refresh, REFRESH_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Reads the table now. A database that does not answer leaves what is known. */
  async refresh(): Promise<void> {
    try {
      const keys = await readKeys(this.#db);
      this.#hasTableKeys = (keys?.length ?? 0) > 0;
      this.#stored = (keys ?? []).filter(({ revokedAtMs }) => revokedAtMs === null);
      this.#index();
      this.#isKnown = true;
    } catch (error) {
      // The watch logs that the database is away.
      this.#problem = problemOfError(error);
    }
  }

  #index(): void {
    const all = [...this.#configured, ...this.#stored];
    this.#byDigest = new Map(all.map((key) => [key.sha256, key]));
  }
}

function ask(db: Queryable, query: object | string): unknown {
  const config = typeof query === "string" ? { text: query } : query;
  return db.query({ ...config, ...QUICK } as { text: string });
}
