/** The one script that runs without a page: notices, and the app itself while the house is away. */
const PATH = '/service-worker.js';

interface Policies {
  createPolicy(name: string, rules: { createScriptURL: (path: string) => string }): { createScriptURL(path: string): unknown };
}

let policy: ReturnType<Policies['createPolicy']> | null = null;

/** Registers it, again where it is already. Only a secure context has one; raises what the browser raises. */
export const install = (): Promise<ServiceWorkerRegistration> => navigator.serviceWorker.register(named(), { scope: '/' });

/** Registers it where the browser can; nobody needs it so much that he has to be told when it cannot. */
export function installQuietly(): void {
  if (isSecureContext && 'serviceWorker' in navigator) void install().catch(() => undefined);
}

/** As Trusted Types want it named. */
function named(): string {
  const policies = (window as { trustedTypes?: Policies }).trustedTypes;
  if (!policies) return PATH;
  policy ??= policies.createPolicy('notices-worker', {
    createScriptURL: (path) => {
      if (path !== PATH) throw new TypeError('There is one worker.');
      return path;
    }
  });
  return policy.createScriptURL(PATH) as string;
}
