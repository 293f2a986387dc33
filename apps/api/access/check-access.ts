import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../api-env.ts";
import { Problem } from "../problem.ts";
import type { ApiKey, Scope } from "./api-key.ts";
import { clientAddress, isLoopback } from "./client-address.ts";
import type { KeyRing } from "./key-ring.ts";
import type { RateLimits } from "./rate-limits.ts";

export type AccessOptions = {
  keys: KeyRing;
  limits: RateLimits;
  /** Whether only this machine is served. */
  isLocal: boolean;
  /** Names under which a local API may be asked, beside those of the loopback interface. */
  hosts: readonly string[];
  proxies: number;
};

/** Paths that say nothing about anybody's data. */
const OPEN = /^\/(health|ready|openapi\.json|docs(\/.*)?)?$/;
const FROM_MEMORY = /^\/(status|metrics)$/;
const LOCAL_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/**
 * Lets a request in or says why not, in this order: the name by which we were asked (a page of another
 * site must not reach a local API under a name of its own), the rate of the address, the key, its
 * scope, its rate.
 */
export function checkAccess(options: AccessOptions) {
  const { keys, limits, proxies } = options;
  return createMiddleware<ApiEnv>(async (c, next) => {
    checkHost(c, options);
    const remote = c.env?.incoming?.socket.remoteAddress;
    const address = clientAddress(remote, c.req.header("x-forwarded-for"), proxies);
    c.set("client", `address ${address}`);
    const isOpen = OPEN.test(c.req.path) || isExplorer(c);
    // Whoever is on this machine and needs no key could do worse than ask often.
    const isFree = !keys.isNeeded && isLoopback(address);
    let headers = isFree || isOpen ? {} : await limits.count(`address ${address}`);
    const key = isOpen ? null : requireKey(c, options);
    c.set("key", key);
    if (key !== null) {
      c.set("client", `key ${key.name}`);
      headers = await limits.count(`key ${key.name}`);
    }
    await next();
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
  });
}

/** The explorer's page: the questions that it asks need their key. */
function isExplorer({ req }: Context<ApiEnv>): boolean {
  return (
    req.path === "/graphql" &&
    req.method === "GET" &&
    req.query("query") === undefined &&
    (req.header("accept") ?? "").includes("text/html")
  );
}

function checkHost(c: Context<ApiEnv>, { isLocal, hosts }: AccessOptions): void {
  if (!isLocal) return;
  const host = c.req.header("host") ?? "";
  if (LOCAL_HOST.test(host) || hosts.includes(host.replace(/:\d+$/, "").toLowerCase())) return;
  throw new Problem(
    "ES-HOST-REFUSED",
    "this API is for its own machine and is not asked by this name: set API_HOSTS to allow it",
  );
}

/** @returns null when none is needed */
function requireKey(c: Context<ApiEnv>, { keys, isLocal }: AccessOptions): ApiKey | null {
  const presented = presentedKey(c);
  const key = presented === null ? null : keys.find(presented);
  if (key === null) {
    const isHarmless = isLocal && FROM_MEMORY.test(c.req.path);
    if (keys.isKnown && !keys.isNeeded) return null;
    if (!keys.isKnown && !keys.isNeeded && isHarmless) return null;
    if (!keys.isKnown) throw keys.problem;
    throw new Problem(
      "ES-KEY-REFUSED",
      presented === null
        ? "a key is needed: send it as Authorization: Bearer <key>"
        : "the key is unknown, expired or revoked",
      { headers: { "www-authenticate": 'Bearer realm="escrow-stream"' } },
    );
  }
  const scope = scopeOf(c.req.path);
  if (key.scopes.includes(scope)) return key;
  throw new Problem("ES-SCOPE", `the key "${key.name}" lacks the scope "${scope}"`);
}

function presentedKey(c: Context<ApiEnv>): string | null {
  const [, bearer] = /^Bearer +(\S{1,200})$/i.exec(c.req.header("authorization") ?? "") ?? [];
  return bearer ?? c.req.header("x-api-key")?.slice(0, 200) ?? null;
}

function scopeOf(path: string): Scope {
  return path.startsWith("/v1/feeds") ? "feed" : "read";
}
