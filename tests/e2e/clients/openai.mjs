/**
 * Turns driven by OpenAI's own client for JavaScript: each message in one conversation, whole or streamed.
 *
 * node openai.mjs BASE_URL TOKEN MODE ("whole" or "stream") HISTORY (JSON: messages so far) MESSAGE
 */
import OpenAI from 'openai';

const [baseURL, apiKey, mode, history, message] = process.argv.slice(2);

const client = new OpenAI({ baseURL, apiKey });
const messages = [...JSON.parse(history), { role: 'user', content: message }];
const model = (await client.models.list()).data[0].id;

let content = '';
let usage = null;
let finish = null;
if (mode === 'stream') {
  const stream = await client.chat.completions.create({
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    content += chunk.choices[0]?.delta.content ?? '';
    finish = chunk.choices[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
} else {
  const answer = await client.chat.completions.create({ model, messages });
  ({ content } = answer.choices[0].message);
  finish = answer.choices[0].finish_reason;
  ({ usage } = answer);
}

messages.push({ role: 'assistant', content });
process.stdout.write(JSON.stringify({ model, content, finish, usage, messages }));
