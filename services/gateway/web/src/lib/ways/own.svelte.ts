import { api } from '$lib/api/client';
import type { Passkey, SignInWays } from '$lib/api/types';

/** How whoever is signed in gets in; asked once, when something wants to know. */
class Own {
  current = $state.raw<SignInWays | null>(null);
  passkeys = $state.raw<readonly Passkey[]>([]);
  #asked = false;

  /** Asks once; where that fails, a password is asked for as ever. */
  load(): void {
    if (!this.#asked) void this.reload();
  }

  async reload(): Promise<void> {
    this.#asked = true;
    try {
      const [ways, { passkeys }] = await Promise.all([api.ownWays(), api.security()]);
      this.current = ways;
      this.passkeys = passkeys;
    } catch {
      this.#asked = false;
    }
  }

  forget(): void {
    this.current = null;
    this.passkeys = [];
    this.#asked = false;
  }
}

export const own = new Own();
