import { ConfigError } from "./config-error.ts";
import {
  ERRORS,
  type ErrorCode,
  type ErrorEntry,
  exitCodeOf,
  isErrorCode,
} from "./error-catalogue.ts";

/** What an error is to whoever has to decide: try again, or stop and say so. */
export type ClassifiedError = {
  code: ErrorCode;
  class: ErrorEntry["class"];
  exitCode: number;
  /** A line for each thing that is wrong, with its code; no stack. */
  message: string;
  cause: unknown;
};

/** SQLSTATE classes: connection exception, insufficient resources, operator intervention. */
const DATABASE_AWAY = /^(08|53|57P)/;
/** Invalid authorization, invalid catalog name, insufficient privilege. */
const DATABASE_REFUSED = /^(28|3D|42501)/;
/** What pg says without a code when a connection is lost. */
const CONNECTION_LOST =
  /^(Connection terminated|timeout expired|Client has encountered a connection error)/;
const NETWORK = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
]);
const FILES = new Set([
  "EACCES",
  "EPERM",
  "ENOENT",
  "EISDIR",
  "ENOTDIR",
  "EEXIST",
  "ENOSPC",
  "EROFS",
  "EDQUOT",
  "EMFILE",
]);

/** The only place that decides whether trying again may help, and what an error is called. */
export function classifyError(error: unknown): ClassifiedError {
  if (error instanceof ConfigError) return { ...named(error.code, error), message: error.message };
  const code = codeOf(error);
  const { stack } = (error ?? {}) as { stack?: string };
  return code === "ES-UNEXPECTED"
    ? { ...named(code, error), message: `${code}: ${stack ?? String(error)}` }
    : named(code, error);
}

function codeOf(error: unknown): ErrorCode {
  const { code, message = "", syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (isErrorCode(code)) return code;
  if (typeof code !== "string")
    return CONNECTION_LOST.test(message) ? "ES-DATABASE-UNREACHABLE" : "ES-UNEXPECTED";
  if (code.startsWith("ERR_PARSE_ARGS")) return "ES-ARGUMENT";
  if (code === "EADDRINUSE" || syscall === "listen") return "ES-PORT";
  if (NETWORK.has(code)) return "ES-UNREACHABLE";
  if (FILES.has(code) && syscall !== undefined) return "ES-FILE";
  if (DATABASE_REFUSED.test(code)) return "ES-DATABASE-REFUSED";
  return DATABASE_AWAY.test(code) ? "ES-DATABASE-UNREACHABLE" : "ES-UNEXPECTED";
}

function named(code: ErrorCode, error: unknown): ClassifiedError {
  return {
    code,
    class: ERRORS[code].class,
    exitCode: exitCodeOf(code),
    message: `${code}: ${messageOf(error)}`,
    cause: error,
  };
}

/** An error of several addresses that were tried has no words of its own. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "")
    return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
