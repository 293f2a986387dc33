/** What a type of the folds is as a row of its view. */
type RowOfState<State> = {
  [Name in keyof State & string as SnakeCase<Name>]: State[Name] extends bigint
    ? string
    : State[Name] extends bigint | null
      ? string | null
      : State[Name];
};

type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${SnakeCase<Rest>}`
    : `_${Lowercase<First>}${SnakeCase<Rest>}`
  : "";

/** A fold's state as the row that its view would have: names as in SQL, amounts and times as text. */
export function toRow<State extends object>(state: State): RowOfState<State> {
  return Object.fromEntries(
    Object.entries(state).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      typeof value === "bigint" ? String(value) : value,
    ]),
  ) as RowOfState<State>;
}
