import { words } from '$lib/words';

/** Passkeys in this browser (WebAuthn Level 3); what is asked and answered has the JSON form of its chapter 5.1. */
type Json = Record<string, unknown>;
interface Described {
  id: string;
  transports?: string[];
}

const bytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
const spelt = (raw: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(raw))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const described = (known: unknown): PublicKeyCredentialDescriptor[] =>
  ((known as Described[] | undefined) ?? []).map(({ id, transports }) => ({
    type: 'public-key',
    id: bytes(id),
    ...(transports && { transports: transports as AuthenticatorTransport[] })
  }));

/** Whether this browser can, where the page is open now. */
export function canHavePasskeys(): boolean {
  return whyNoPasskeys() === '';
}

/** What is in the way, in words; empty where nothing is. */
export function whyNoPasskeys(
  { hostname, protocol }: { hostname: string; protocol: string } = location,
  known: boolean = 'PublicKeyCredential' in window
): string {
  if (/^(\[.*\]|[\d.]+)$/.test(hostname)) return words.passkeys.noName;
  if (protocol !== 'https:' && !/(^|\.)localhost$/.test(hostname)) return words.passkeys.noTls;
  return known ? '' : words.passkeys.noBrowser;
}

/** A new passkey, as the server wants it; null where its person said no. */
export async function makePasskey(options: Json): Promise<Json | null> {
  const { user, challenge, excludeCredentials, ...rest } = options as Json & { user: Json & { id: string }; challenge: string };
  const publicKey = {
    ...rest,
    user: { ...user, id: bytes(user.id) },
    challenge: bytes(challenge),
    excludeCredentials: described(excludeCredentials)
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = await asked(() => navigator.credentials.create({ publicKey }));
  if (!made) return null;
  const response = made.response as AuthenticatorAttestationResponse;
  return answer(made, {
    attestationObject: spelt(response.attestationObject),
    transports: 'getTransports' in response ? response.getTransports() : []
  });
}

/** What a passkey signed; null where its person said no. */
export async function showPasskey(options: Json): Promise<Json | null> {
  const { challenge, allowCredentials, ...rest } = options as Json & { challenge: string };
  const publicKey = {
    ...rest,
    challenge: bytes(challenge),
    allowCredentials: described(allowCredentials)
  } as PublicKeyCredentialRequestOptions;
  const shown = await asked(() => navigator.credentials.get({ publicKey }));
  if (!shown) return null;
  const response = shown.response as AuthenticatorAssertionResponse;
  return answer(shown, {
    authenticatorData: spelt(response.authenticatorData),
    signature: spelt(response.signature),
    userHandle: response.userHandle ? spelt(response.userHandle) : null
  });
}

function answer(credential: PublicKeyCredential, parts: Json): Json {
  const { id, rawId, type } = credential;
  return { id, rawId: spelt(rawId), type, response: { clientDataJSON: spelt(credential.response.clientDataJSON), ...parts } };
}

/** A browser does not tell a no from a time-out; one that has the passkey already says so. */
async function asked(work: () => Promise<Credential | null>): Promise<PublicKeyCredential | null> {
  try {
    return (await work()) as PublicKeyCredential | null;
  } catch (thrown) {
    if (!(thrown instanceof DOMException)) throw thrown;
    if (thrown.name === 'InvalidStateError') throw new Error(words.passkeys.alreadyThere, { cause: thrown });
    return null;
  }
}
