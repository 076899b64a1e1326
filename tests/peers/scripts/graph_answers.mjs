// Holds answers against the schemas that @softeria/ms-365-mcp-server made of Microsoft's OpenAPI description.
// In: the package's folder as argument; [{schema, value}] as JSON on stdin. Out: [[fault, …]].
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { schemas } = await import(pathToFileURL(`${process.argv[2]}/dist/generated/client.js`).href);

const checked = ({ schema, value }) => {
  const parsed = schemas[schema].safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
};

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(checked)));
