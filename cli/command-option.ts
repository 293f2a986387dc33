/** An option of a command line: how it is written, what it does, and how its text is read. */
export type CommandOption<T> = {
  type: "string" | "boolean";
  isMultiple: boolean;
  /** How its value is written in the usage: `<n>`. */
  value: string;
  /** As it is written when it is left out. */
  default: string | undefined;
  says: string;
  /** @throws with what was expected */
  read(given: string[]): T;
};

type Read<T> = (text: string) => T;

const asText: Read<string> = (text) => text;

/** On or off. */
export function flag(says: string): CommandOption<boolean> {
  return {
    ...{ type: "boolean", isMultiple: false, value: "", default: undefined, says },
    read: (given) => given.length > 0,
  };
}

/** With a value; undefined when it is left out. */
export function optional(value: string, says: string): CommandOption<string | undefined>;
export function optional<T>(
  value: string,
  says: string,
  read: Read<T>,
): CommandOption<T | undefined>;
export function optional<T>(
  value: string,
  says: string,
  read: Read<T | string> = asText,
): CommandOption<T | string | undefined> {
  return {
    ...{ type: "string", isMultiple: false, value, default: undefined, says },
    read: ([text]) => (text === undefined ? undefined : read(text)),
  };
}

/** With a value that is there also when it is left out. */
export function withDefault<T>(
  value: string,
  says: string,
  otherwise: string,
  read: Read<T>,
): CommandOption<T> {
  return {
    ...{ type: "string", isMultiple: false, value, default: otherwise, says },
    read: ([text = otherwise]) => read(text),
  };
}

/** Any number of times. */
export function repeated(value: string, says: string): CommandOption<string[]>;
export function repeated<T>(value: string, says: string, read: Read<T>): CommandOption<T[]>;
export function repeated<T>(
  value: string,
  says: string,
  read: Read<T | string> = asText,
): CommandOption<(T | string)[]> {
  return {
    ...{ type: "string", isMultiple: true, value, default: undefined, says },
    read: (given) => given.map(read),
  };
}
