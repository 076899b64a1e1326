/** The first message of a conversation that was just made, on its way from the empty chat to the conversation's page. */
const first = new Map<string, string>();

export const handOver = (conversation: string, text: string): void => void first.set(conversation, text);

/** Takes the message, once. */
export function takeOver(conversation: string): string | null {
  const text = first.get(conversation) ?? null;
  first.delete(conversation);
  return text;
}
