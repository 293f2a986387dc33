import { type Section, section } from "./section.ts";

/** What the query side has to know. */
export type ApiSettings = {
  hostname: string;
  /** 0 lets the system choose. */
  port: number;
  databaseUrl: string;
  /** Which variable said so. */
  databaseVariable: "API_DATABASE_URL" | "DATABASE_URL";
  /** So many reads are made at once. */
  connections: number;
  statementTimeoutMs: number;
  requestTimeoutMs: number;
  streams: number;
  streamsPerClient: number;
  keys: ConfiguredKey[];
  isAnonymousAllowed: boolean;
  requestsPerMinute: number;
  origins: string[];
  hosts: string[];
  proxies: number;
};

/** A key in `API_KEYS`: its SHA-256 in hex, and not the key. */
type ConfiguredKey = {
  name: string;
  sha256: string;
  scopes: ("read" | "feed")[];
  expiresAtMs: null;
};

export const apiSection: Section<ApiSettings> = section(
  [
    ...(["API_PORT", "API_HOST", "API_DATABASE_URL", "DATABASE_URL"] as const),
    ...(["API_DATABASE_CONNECTIONS", "API_QUERY_TIMEOUT_MS", "API_REQUEST_TIMEOUT_MS"] as const),
    ...(["API_KEYS", "API_ANONYMOUS", "API_REQUESTS_PER_MINUTE"] as const),
    ...(["API_STREAMS", "API_STREAMS_PER_CLIENT"] as const),
    ...(["API_ORIGINS", "API_HOSTS", "API_PROXIES"] as const),
  ],
  (read) => {
    const own = read.get("API_DATABASE_URL");
    return {
      port: read.get("API_PORT"),
      hostname: read.get("API_HOST"),
      databaseUrl: own ?? read.get("DATABASE_URL"),
      databaseVariable: own === undefined ? "DATABASE_URL" : "API_DATABASE_URL",
      connections: read.get("API_DATABASE_CONNECTIONS"),
      statementTimeoutMs: read.get("API_QUERY_TIMEOUT_MS"),
      requestTimeoutMs: read.get("API_REQUEST_TIMEOUT_MS"),
      streams: read.get("API_STREAMS"),
      streamsPerClient: read.get("API_STREAMS_PER_CLIENT"),
      keys: read.get("API_KEYS"),
      isAnonymousAllowed: read.get("API_ANONYMOUS"),
      requestsPerMinute: read.get("API_REQUESTS_PER_MINUTE"),
      origins: read.get("API_ORIGINS"),
      hosts: read.get("API_HOSTS"),
      proxies: read.get("API_PROXIES"),
    };
  },
);
