import { parseDuration } from "../config/parse-duration.ts";

/*
 * How the text of an option is read. Each throws with what was expected; the name of the option is
 * added to that.
 */

export function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    if (/^\d{1,16}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
    throw new Error(`"${text}" is not a whole number from ${min} to ${max}`);
  };
}

export function numberFrom(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && value >= min && value <= max) return value;
    throw new Error(`"${text}" is not a number from ${min} to ${max}`);
  };
}

export function blockNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`"${text}" is not a block number`);
}

/** Milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (!Number.isNaN(ms)) return ms;
  throw new Error(`"${text}" is not a time: expected a number with ms, s, m, h or d, such as 90s`);
}

/** Milliseconds out of seconds, 1 or more. */
export function secondsAsMs(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds >= 1 && seconds < 1e6) return 1000 * seconds;
  throw new Error(`"${text}" is not a number of seconds from 1`);
}

/** The name of a database schema, as it may stand in a statement. */
export function schemaName(text: string): string {
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(text)) return text;
  throw new Error(`"${text}" is not a schema's name: expected lower-case letters, digits and _`);
}

export function notEmpty(what: string) {
  return (text: string): string => {
    if (text !== "") return text;
    throw new Error(`expected ${what}`);
  };
}

export function oneOf<T extends string>(choices: readonly T[]) {
  return (text: string): T => {
    const choice = choices.find((each) => each === text);
    if (choice !== undefined) return choice;
    throw new Error(`"${text}" is none of ${choices.join(", ")}`);
  };
}
