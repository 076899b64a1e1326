import { getContext, setContext } from 'svelte';
import { api } from '$lib/api/client';
import type { LeftTraffic } from '$lib/api/types';

const KEY = Symbol('went');
const TRIES = 4;
const SOON = 400;

/** Where the calls of a conversation went, from the ledger; read when somebody looks. */
export class Went {
  #calls = $state.raw<Map<string, readonly LeftTraffic[]>>(new Map());
  #reading: Promise<void> | null = null;

  constructor(private readonly conversation: string) {}

  /** What a call sent and received; undefined while it is not known. */
  of(call: string): readonly LeftTraffic[] | undefined {
    return this.#calls.get(call);
  }

  /** Reads until the call is there; its report comes a moment after its result. */
  async look(call: string): Promise<void> {
    for (let tries = 0; tries < TRIES && !this.#calls.has(call); tries++) {
      if (tries) await new Promise((done) => setTimeout(done, SOON * 2 ** tries));
      this.#reading ??= this.#read().finally(() => (this.#reading = null));
      await this.#reading;
    }
  }

  async #read(): Promise<void> {
    try {
      const entries = await api.leftOf(this.conversation);
      this.#calls = new Map(entries.flatMap(({ call_id, traffic }) => (call_id ? [[call_id, traffic] as const] : [])));
    } catch {
      // The step says all else; where it went is asked for again when it is opened again.
    }
  }
}

export const setWent = (went: () => Went): void => void setContext(KEY, went);

/** Of the conversation that this is part of; null elsewhere. */
export const getWent = (): (() => Went) | null => getContext<(() => Went) | undefined>(KEY) ?? null;
