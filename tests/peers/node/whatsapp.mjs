// A client of others for Meta's Cloud API (@kapso/whatsapp-cloud-api): sends against a double, and reads its pushes.
// In: {"baseUrl", "token", "phoneNumberId", "wabaId", "sends": [[resource, method, arguments]], "pushes": […], "secret"}
import { WhatsAppClient } from "@kapso/whatsapp-cloud-api";
import { normalizeWebhook, verifySignature } from "@kapso/whatsapp-cloud-api/server";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const given = JSON.parse(Buffer.concat(chunks).toString());
const [, graphVersion] = given.baseUrl.match(/\/(v[\d.]+)$/) ?? [];
const client = new WhatsAppClient({
  baseUrl: given.baseUrl.replace(/\/v[\d.]+$/, ""),
  graphVersion,
  accessToken: given.token,
});

const answers = [];
for (const [resource, method, options] of given.sends ?? []) {
  if (options.file) options.file = new Blob([options.file], { type: "text/plain" });
  try {
    answers.push({ ok: await client[resource][method](options) });
  } catch (error) {
    answers.push({ error: error.constructor.name, code: error.code ?? null, category: error.category ?? null, message: error.message });
  }
}

const pushes = (given.pushes ?? []).map(({ body, signature }) => {
  const raw = Buffer.from(body, "base64");
  return {
    signed: verifySignature({ appSecret: given.secret, rawBody: raw, signatureHeader: signature }),
    told: normalizeWebhook(JSON.parse(raw.toString("utf8"))),
  };
});
process.stdout.write(JSON.stringify({ answers, pushes }));
