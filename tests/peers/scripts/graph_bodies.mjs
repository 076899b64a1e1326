// Holds request bodies against the schemas that @softeria/ms-365-mcp-server made of Microsoft's OpenAPI description.
// In: the package's folder as argument; [{method, path, body}] as JSON on stdin. Out: [[endpoint or null, fault, …]].
// Names of an action's parameters are compared without case, as OData servers do.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { api } = await import(pathToFileURL(`${process.argv[2]}/dist/generated/client.js`).href);

const plain = (schema) => {
  const def = schema._def;
  switch (def.typeName) {
    case "ZodOptional":
    case "ZodNullable":
    case "ZodDefault":
      return plain(def.innerType);
    case "ZodLazy":
      return plain(def.getter());
    case "ZodEffects":
      return plain(def.schema);
    default:
      return schema;
  }
};

// The names that a schema does not know, and the value with names as the schema spells them.
const fitted = (schema, value, place, faults) => {
  const inner = plain(schema);
  if (Array.isArray(value) && inner._def.typeName === "ZodArray")
    return value.map((each, at) => fitted(inner._def.type, each, `${place}[${at}]`, faults));
  if (value === null || typeof value !== "object" || inner._def.typeName !== "ZodObject") return value;
  const names = new Map(Object.keys(inner.shape).map((name) => [name.toLowerCase(), name]));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      const known = names.get(name.toLowerCase());
      if (known === undefined) {
        if (!name.startsWith("@")) faults.push(`${place}.${name} is not known`);
        return [name, each];
      }
      return [known, fitted(inner.shape[known], each, `${place}.${known}`, faults)];
    }),
  );
};

const pattern = (path) => new RegExp(`^${path.replace(/[()]/g, "\\$&").replace(/:[A-Za-z0-9]+/g, "[^/]+")}$`);

const checked = ({ method, path, body }) => {
  const found = api.endpoints.find((each) => each.method === method.toLowerCase() && pattern(each.path).test(path));
  if (found === undefined) return [null];
  const schema = found.parameters.find((each) => each.type === "Body")?.schema;
  if (schema === undefined) return [found.alias];
  const faults = [];
  const parsed = schema.safeParse(fitted(schema, body, "body", faults));
  for (const issue of parsed.success ? [] : parsed.error.issues) faults.push(`${issue.path.join(".")}: ${issue.message}`);
  return [found.alias, ...faults];
};

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(checked)));
