import type { ApiKey } from "./api-key.ts";

/** Who may ask, and how often. */
export type AccessSettings = {
  /** Keys of the configuration, beside those that `npm run keys` made. */
  keys: readonly ApiKey[];
  /** Whether an API that others can reach may do without keys. */
  isAnonymousAllowed: boolean;
  /** Of each key and of each address. */
  requestsPerMinute: number;
  /** Sites whose pages may ask from a browser. */
  origins: readonly string[];
  /** Names by which a local API may be asked, beside those of the loopback interface. */
  hosts: readonly string[];
  /** So many proxies of ours are in front. */
  proxies: number;
};
