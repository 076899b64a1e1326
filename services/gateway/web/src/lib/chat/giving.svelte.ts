import { api, signedOut } from '$lib/api/client';
import { Problem, problemFrom, problemOf } from '$lib/api/problem';
import type { GivenFile } from '$lib/api/types';
import { words } from '$lib/words';

/** Bytes of one file. */
export const LARGEST = 20 * 1024 * 1024;
/** Files of one message. */
export const MOST = 10;

/** A file that goes along with the next message, on its way or there. */
export class Upload {
  /** From 0 to 1. */
  sent = $state(0);
  file = $state.raw<GivenFile | null>(null);
  problem = $state('');
  stop: () => void = () => {};

  constructor(
    readonly id: number,
    readonly name: string,
    readonly size: number
  ) {}

  get isUnderWay(): boolean {
    return !this.file && !this.problem;
  }
}

/** The files of the message that is being written: each is sent as soon as it is chosen, and can be taken back until then. */
export class Giving {
  items = $state.raw<readonly Upload[]>([]);
  #last = 0;

  /** Whether the message has to wait: for a file that is under way, or one that its owner was told cannot be taken. */
  get isOpen(): boolean {
    return this.items.some((each) => !each.file);
  }

  get ready(): GivenFile[] {
    return this.items.flatMap((each) => each.file ?? []);
  }

  add(files: readonly File[]): void {
    for (const file of files) {
      const upload = this.#new(file.name, file.size);
      if (this.items.length > MOST) upload.problem = words.files.tooMany(MOST);
      else if (file.size > LARGEST) upload.problem = words.files.tooLarge;
      else if (file.size === 0) upload.problem = words.files.empty;
      else void this.#send(upload, file);
    }
  }

  /** Puts back what a message that was not taken had. */
  restore(files: readonly GivenFile[]): void {
    for (const file of files) this.#new(file.name, file.size).file = file;
  }

  remove(upload: Upload): void {
    upload.stop();
    this.items = this.items.filter((each) => each !== upload);
    if (upload.file) void api.dropFile(upload.file.id).catch(() => {}); // what is left behind goes after a day
  }

  #new(name: string, size: number): Upload {
    const upload = new Upload(++this.#last, name, size);
    this.items = [...this.items, upload];
    return upload;
  }

  async #send(upload: Upload, file: File): Promise<void> {
    try {
      upload.file = await sent(file, (share) => (upload.sent = share), (stop) => (upload.stop = stop));
    } catch (thrown) {
      const problem = problemFrom(thrown);
      if (problem.code === 'sign_in_required') signedOut();
      upload.problem = problem.detail || problem.title;
    }
  }
}

/** Sends a file by the one means that tells how far it is; `fetch` does not. */
function sent(file: File, progress: (share: number) => void, begun: (stop: () => void) => void): Promise<GivenFile> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/api/files?${new URLSearchParams({ name: file.name, type: file.type })}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status === 201) resolve(body as GivenFile);
      else reject(problemOf(request.status, body));
    };
    request.onerror = () => reject(new Problem(0, 'unreachable', words.errors.unreachableTitle, words.errors.unreachable));
    begun(() => request.abort());
    request.send(file.slice(0, file.size, 'application/octet-stream'));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
