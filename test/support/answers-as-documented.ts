import { Ajv2020 } from "ajv/dist/2020.js";

/**
 * Holds answers against an OpenAPI document.
 *
 * @returns what is wrong with the 200 of a path, as the document writes it; null when nothing is
 */
export function answersAsDocumented(document: object): (path: string, answer: unknown) => unknown {
  const ajv = new Ajv2020({ strict: false, formats: { "date-time": true } });
  ajv.addSchema({ ...document, $id: "api" });
  return (path, answer) => {
    const pointer = encodeURIComponent(path.replaceAll("~", "~0").replaceAll("/", "~1"));
    const $ref = `api#/paths/${pointer}/get/responses/200/content/application~1json/schema`;
    return ajv.validate({ $ref }, answer) ? null : ajv.errors;
  };
}
