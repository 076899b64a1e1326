import { type Problem, problemFrom } from '$lib/api/problem';
import { toFirstMistake } from '$lib/forms/mistake';
import { words } from '$lib/words';

/** A form on its way to the server, and what was said against it; the password is asked for where the server wants it once more. */
export class Sending {
  form = $state<HTMLFormElement>();
  password = $state('');
  isAsked = $state(false);
  errors = $state.raw<Record<string, string>>({});
  problem = $state.raw<Problem | null>(null);
  busy = $state(false);

  /** `passwordField` is a selector of that field, which is there once it was asked for. */
  constructor(private readonly passwordField: string) {}

  /** What the server is given as password: nothing before it asked. */
  get given(): string | null {
    return this.isAsked && this.password ? this.password : null;
  }

  /** Does `work`, once at a time, where the form itself finds no mistakes. */
  async send(event: SubmitEvent, work: () => Promise<void>, mistakes: () => Record<string, string> = () => ({})): Promise<void> {
    event.preventDefault();
    if (this.busy) return;
    this.problem = null;
    this.errors = mistakes();
    if (Object.keys(this.errors).length) return toFirstMistake(this.form);
    this.busy = true;
    try {
      await work();
    } catch (thrown) {
      await this.refused(problemFrom(thrown));
    } finally {
      this.busy = false;
    }
  }

  private async refused(thrown: Problem): Promise<void> {
    if (thrown.code === 'sign_in_again') {
      this.errors = this.isAsked ? { password: words.accounts.required } : {};
      this.isAsked = true;
      return toFirstMistake(this.form, this.passwordField);
    }
    this.errors = { ...thrown.fields };
    if (Object.keys(this.errors).length) return toFirstMistake(this.form);
    this.problem = thrown;
  }
}
