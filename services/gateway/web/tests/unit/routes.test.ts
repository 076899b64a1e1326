import type { AGUIEvent } from '@ag-ui/core';
import { expect, test } from 'vitest';
import { placesOf } from '$lib/chat/places';
import { Transcript } from '$lib/chat/transcript.svelte';
import { seenOf } from '$lib/routes/privacy.svelte';

const note = { model: 'cloud', local: false, because: [], withheld: ['b'], redacted: ['a'] };

test('what the model saw of a call is told by the next answer of the same turn', () => {
  const transcript = new Transcript();
  const events = [
    { type: 'RUN_STARTED', runId: 't', threadId: 'c' },
    { type: 'TEXT_MESSAGE_START', messageId: '1', role: 'assistant' },
    { type: 'CUSTOM', name: 'oa.routed', value: { messageId: '1', ...note, withheld: [], redacted: [] } },
    { type: 'TOOL_CALL_START', toolCallId: 'x', toolCallName: 'find', parentMessageId: '1' },
    { type: 'TEXT_MESSAGE_START', messageId: '2', role: 'assistant' },
    { type: 'CUSTOM', name: 'oa.routed', value: { messageId: '2', ...note } }
  ] as unknown as AGUIEvent[];
  events.forEach((event, index) => transcript.apply(index + 1, event));
  expect(transcript.messages.map((each) => each.id)).toEqual(['1', '2']);
  expect(placesOf(transcript.messages)[0]?.readBy).toEqual(note);
  expect(placesOf(transcript.messages)[1]?.readBy).toBeNull();
});

test('of each account the strictest is said, and nothing of what is not known', () => {
  expect(['a', 'b', 'c', null].map((account) => seenOf(account, note))).toEqual(['redacted', 'withheld', '', '']);
  expect(seenOf('a', null)).toBe('');
  expect(seenOf('a', { ...note, local: true, because: ['a'], redacted: [] })).toBe('local');
});
