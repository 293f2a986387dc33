import { invalidArgument } from "./grpc-error.ts";

/**
 * The top-level fields that an update mask names, in camel case, each checked to be one of
 * `updatable`. A path into a field (`labels.color`) stands for the whole field.
 */
export function maskedFields<Field extends string>(
  mask: { paths: string[] } | null,
  updatable: readonly Field[],
): Field[] {
  const paths = mask?.paths ?? [];
  if (paths.length === 0) throw invalidArgument("The update_mask must not be empty.");
  return paths.map((path) => {
    const [top = ""] = path.split(".");
    const field = top.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!(updatable as readonly string[]).includes(field)) {
      throw invalidArgument(`Invalid update_mask provided: '${path}' is not a mutable field.`);
    }
    return field as Field;
  });
}
