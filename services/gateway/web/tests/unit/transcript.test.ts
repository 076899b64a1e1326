import type { AGUIEvent } from '@ag-ui/core';
import { expect, test } from 'vitest';
import { placesOf, takingBack } from '$lib/chat/places';
import { Transcript } from '$lib/chat/transcript.svelte';
import type { History } from '$lib/api/types';
import { approval, conversations, id, messages, versions } from '../mock/data.mjs';

const run = { threadId: 't', runId: 'r' };

/** A transcript after these events, numbered from one. */
function after(...events: object[]): Transcript {
  const transcript = new Transcript();
  events.forEach((event, index) => transcript.apply(index + 1, event as AGUIEvent));
  return transcript;
}

const started = { type: 'RUN_STARTED', ...run };
const begun = { type: 'TEXT_MESSAGE_START', messageId: 'm', role: 'assistant' };
const said = (delta: string) => ({ type: 'TEXT_MESSAGE_CONTENT', messageId: 'm', delta });
const called = [
  { type: 'TOOL_CALL_START', toolCallId: 'k', toolCallName: 'messages_send', parentMessageId: 'm' },
  { type: 'TOOL_CALL_ARGS', toolCallId: 'k', delta: '{"to":' },
  { type: 'TOOL_CALL_ARGS', toolCallId: 'k', delta: '"carol"}' },
  { type: 'TOOL_CALL_END', toolCallId: 'k' }
];
const stateOf = (state: string, more = {}) => ({ type: 'CUSTOM', name: 'oa.call', value: { callId: 'k', state, ...more } });

const history = (more: object = {}): History =>
  ({ ...conversations[0], messages, last_event_id: 40, ...more }) as unknown as History;

test('tokens become one message', () => {
  const transcript = after(started, begun, said('Good '), said('day.'));
  expect(transcript.messages.map((message) => message.text)).toEqual(['Good day.']);
  expect(transcript.messages[0]?.streaming).toBe(true);
  expect(transcript.run).toBe('running');
});

test('an answer belongs to the turn of its run, also where that began before the conversation was loaded', () => {
  expect(after({ ...started, parentRunId: 'first' }, begun).messages[0]?.turn).toBe('first');
  expect(after(started, begun).messages[0]?.turn).toBe('r');
  const transcript = new Transcript();
  transcript.load(history({ state: 'running' }));
  transcript.apply(41, begun as unknown as AGUIEvent);
  expect(transcript.messages.at(-1)?.turn).toBe(messages.at(-1)?.turn);
});

test('the versions of an answer stand at its end, those of a message at itself', () => {
  const transcript = new Transcript();
  transcript.load(history({ state: 'idle', messages: versions }));
  const choices = placesOf(transcript.messages).map((place) => place.choice && `${place.choice.at + 1} / ${place.choice.versions.length}`);
  expect(choices).toEqual(['1 / 2', null, null, null, '2 / 3']);
  const stored = [versions[0], { ...versions[1], versions: [id('3'), id('a')] }, versions[2]];
  transcript.load(history({ state: 'idle', messages: stored }));
  expect(placesOf(transcript.messages).map((place) => place.choice?.at)).toEqual([0, 0, 0]);
});

test('where another version is shown the conversation is read anew', () => {
  const transcript = after({ type: 'CUSTOM', name: 'oa.version', value: {} });
  expect(transcript.needsReload).toBe(true);
});

test('taking back stands with the call that was taken back', () => {
  const undo = [
    { type: 'TOOL_CALL_START', toolCallId: 'u', toolCallName: 'actions_undo', parentMessageId: 'm' },
    { type: 'TOOL_CALL_ARGS', toolCallId: 'u', delta: '{"action":"k"}' },
    { type: 'TOOL_CALL_END', toolCallId: 'u' }
  ];
  const ended = (state: string) => ({ type: 'CUSTOM', name: 'oa.call', value: { callId: 'u', tool: 'actions_undo', state } });
  expect(takingBack(after(started, begun, ...called).messages).get('k')).toBeUndefined();
  expect(takingBack(after(started, begun, ...called, ...undo).messages).get('k')).toBe('proposed');
  expect(takingBack(after(started, begun, ...called, ...undo, ended('failed')).messages).get('k')).toBe('failed');
  expect(takingBack(after(started, begun, ...called, ...undo, ended('done')).messages).get('k')).toBe('done');
  expect(takingBack(after(started, begun, ...called, ...undo, ended('done')).messages).get('u')).toBeUndefined();
});

test('an event that was seen changes nothing', () => {
  const transcript = after(started, begun, said('once'));
  expect(transcript.apply(3, said('once') as unknown as AGUIEvent)).toBe(false);
  expect(transcript.messages[0]?.text).toBe('once');
});

test('events before the loaded history are not applied again', () => {
  const transcript = new Transcript();
  transcript.load(history());
  const count = transcript.messages.length;
  transcript.apply(39, begun as unknown as AGUIEvent);
  expect(transcript.messages).toHaveLength(count);
  transcript.apply(41, begun as unknown as AGUIEvent);
  expect(transcript.messages).toHaveLength(count + 1);
});

test('a call has its arguments, state and result', () => {
  const transcript = after(
    started, begun, ...called, stateOf('running', { connector: 'mail', effect: 'send', title: 'messages send' }),
    { type: 'TOOL_CALL_RESULT', toolCallId: 'k', messageId: 'x', content: '{"content":{"sent":true}}' }, stateOf('done')
  );
  const call = transcript.call('k');
  expect(call?.arguments).toEqual({ to: 'carol' });
  expect(call?.connector).toBe('mail');
  expect(call?.state).toBe('done');
  expect(call?.content).toEqual({ sent: true });
});

test('a call whose effect nobody named counts as the gravest', () => {
  expect(after(started, begun, ...called).call('k')?.effect).toBe('delete');
});

test('a parked approval makes the conversation wait, and its card is not taken from the event', () => {
  const forged = { ...approval, call_id: 'k' };
  const interrupt = { id: approval.id, reason: 'approval', metadata: { approval: forged } };
  const transcript = after(
    started, begun, ...called, stateOf('waiting', { approvalId: approval.id }),
    { type: 'RUN_FINISHED', ...run, outcome: { type: 'interrupt', interrupts: [interrupt] } }
  );
  expect(transcript.run).toBe('waiting');
  expect(transcript.waiting.map((call) => [call.approvalId, call.approval])).toEqual([[approval.id, null]]);
});

test('an error keeps what came and says why it ended', () => {
  const transcript = after(started, begun, said('Half'), { type: 'RUN_ERROR', message: 'The model stopped.', code: 'upstream_failed' });
  expect(transcript.messages[0]?.text).toBe('Half');
  expect(transcript.messages[0]?.error?.detail).toBe('The model stopped.');
  expect(transcript.run).toBe('idle');
  expect(transcript.messages[0]?.streaming).toBe(false);
});

test('an error before the first word has a place, too', () => {
  const transcript = after(started, { type: 'RUN_ERROR', message: 'No model.' });
  expect(transcript.messages[0]?.error).toEqual({ code: 'internal', detail: 'No model.' });
});

test('a message said here is there once when the server confirms it', () => {
  const transcript = new Transcript();
  transcript.say('Hello');
  transcript.apply(1, { type: 'CUSTOM', name: 'oa.message', value: { id: 'x', role: 'user', text: 'Hello', turn: 't' } } as AGUIEvent);
  expect(transcript.messages.map((message) => message.id)).toEqual(['x']);
});

test('a refused message is taken back', () => {
  const transcript = new Transcript();
  transcript.unsay(transcript.say('Hello'));
  expect(transcript.messages).toEqual([]);
});

test('a reload keeps what is the same', () => {
  const transcript = new Transcript();
  transcript.load(history());
  const before = transcript.messages[1];
  transcript.load(history({ last_event_id: 50 }));
  expect(transcript.messages[1]).toBe(before);
  expect(transcript.messages[1]?.calls[1]?.approvalId).toBe(id('d'));
});

test('unknown events are passed over', () => {
  expect(after(started, { type: 'SOMETHING_NEW' }, { type: 'CUSTOM', name: 'other', value: 1 }).run).toBe('running');
});

test('kinds of events that nobody knows here change nothing but the place in the stream', () => {
  const transcript = after(
    started, begun, said('kept'),
    { type: 'CUSTOM', name: 'oa.weather', value: { rain: true } },
    { type: 'CUSTOM', name: 'oa.call', value: 'not an object' },
    { type: 'STATE_SNAPSHOT', snapshot: {} },
    { type: 'STATE_DELTA', delta: [] },
    { type: 'NOT_INVENTED_YET' },
    { type: 'toString' }
  );
  expect(transcript.messages.map((message) => message.text)).toEqual(['kept']);
  expect(transcript.lastEventId).toBe(9);
  expect(transcript.needsReload).toBe(false);
});

test('a state that nobody knows here leaves a call as it is', () => {
  const transcript = after(started, begun, ...called, stateOf('running'), stateOf('levitating'));
  expect(transcript.call('k')?.state).toBe('running');
});

test('a snapshot asks for the stored conversation, also where the server was set back', () => {
  const snapshot = { type: 'MESSAGES_SNAPSHOT', messages: [] } as unknown as AGUIEvent;
  const ahead = after(started, begun);
  ahead.apply(7, snapshot);
  expect(ahead.needsReload).toBe(true);
  const back = new Transcript();
  back.load(history({ last_event_id: 40 }));
  back.apply(38, snapshot);
  expect(back.needsReload).toBe(true);
  back.load(history({ last_event_id: 38 }));
  expect(back.lastEventId).toBe(38);
  back.apply(38, snapshot);
  expect(back.needsReload).toBe(false);
});
