import { createSubscriber } from 'svelte/reactivity';

/** The present time in milliseconds; whoever reads it in markup is brought up to date twice a minute. */
class Now {
  #subscribe = createSubscriber((update) => {
    const timer = setInterval(update, 30_000);
    return () => clearInterval(timer);
  });

  get value(): number {
    this.#subscribe();
    return Date.now();
  }
}

export const now = new Now();
