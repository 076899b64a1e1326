/**
 * A turn driven by AG-UI's own client: asks, decides every interrupt, and prints what it has in the end.
 *
 * node agui.mjs URL TOKEN THREAD QUESTION DECISION ("approve" or "deny")
 */
import { HttpAgent, buildResumeArray } from '@ag-ui/client';

const [url, token, threadId, question, decision] = process.argv.slice(2);

const agent = new HttpAgent({ url, threadId, headers: { Authorization: `Bearer ${token}` } });
const runs = [];
const decisions = {
  approve: { status: 'resolved', payload: { approved: true } },
  deny: { status: 'cancelled' },
};

function watch() {
  const run = { types: [], errors: [] };
  runs.push(run);
  return {
    onEvent: ({ event }) => void run.types.push(event.type),
    onRunErrorEvent: ({ event }) => void run.errors.push(event.message),
  };
}

agent.addMessage({ id: 'question-1', role: 'user', content: question });
await agent.runAgent({}, watch());

while (agent.pendingInterrupts.length && runs.length < 10) {
  const waiting = agent.pendingInterrupts;
  const answers = Object.fromEntries(waiting.map((each) => [each.id, decisions[decision]]));
  runs.at(-1).interrupts = waiting.map((each) => each.id);
  await agent.runAgent({ resume: buildResumeArray(waiting, answers) }, watch());
}

process.stdout.write(JSON.stringify({ runs, messages: agent.messages, pending: agent.pendingInterrupts }));
