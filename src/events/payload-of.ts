import type { Payloads } from "./escrow-event.ts";
import {
  type EVENT_CATALOGUE,
  type EventType,
  type FieldType,
  fieldsOf,
} from "./event-catalogue.ts";
import { lower } from "./lower.ts";

type Camel<Name> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

type ArgumentOf<Type> = Type extends "address" | "address?"
  ? `0x${string}`
  : Type extends "uint8" | "uint8?"
    ? number
    : bigint;

type Fields<T extends EventType> = (typeof EVENT_CATALOGUE)[T]["fields"];
type Optional<T extends EventType> = {
  [Name in keyof Fields<T>]: Fields<T>[Name] extends `${string}?` ? Name : never;
}[keyof Fields<T>];

/** The arguments of an event as ABI decoding names and types them. */
export type EventArguments<T extends EventType> = {
  [Name in Exclude<keyof Fields<T>, Optional<T>> as Camel<Name>]: ArgumentOf<Fields<T>[Name]>;
} & { [Name in Optional<T> as Camel<Name>]?: ArgumentOf<Fields<T>[Name]> };

/** Makes an event's payload of its decoded arguments. What a revision does not say stays absent. */
export function payloadOf<T extends EventType>(type: T, args: EventArguments<T>): Payloads[T] {
  const values = args as Record<string, string | bigint | number | undefined>;
  const payload: Record<string, string | number> = {};
  for (const [field, fieldType] of fieldsOf(type)) {
    const value = values[argumentName(field)];
    if (value !== undefined) payload[field] = toJson(fieldType, value);
    else if (!fieldType.endsWith("?")) throw new Error(`${type} was decoded without ${field}`);
  }
  // What the loop makes is what the catalogue says, and so is the type.
  return payload as Payloads[T];
}

function toJson(type: FieldType, value: string | bigint | number): string | number {
  switch (type) {
    case "address":
    case "address?":
      return lower(value as `0x${string}`);
    case "uint256":
    case "uint256?":
      return String(value);
    case "uint8":
    case "uint8?":
      return Number(value);
  }
}

/** `release_time` is `releaseTime` in the contract. */
function argumentName(field: string): string {
  return field.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
