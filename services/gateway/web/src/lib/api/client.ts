import { Problem, problemFrom, problemOf } from './problem';
import type {
  Account,
  Approval,
  CheckReport,
  Connector,
  Conversation,
  History,
  InclusionProof,
  LedgerPage,
  ModelCheck,
  ModelDraft,
  ModelSettings,
  Session,
  Verification
} from './types';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

const TIMEOUT = 90_000;

let whenSignedOut: () => void = () => {};

/** Called whenever an answer says that the session is over; the shell goes to the login with it. */
export function onSignedOut(listener: () => void): void {
  whenSignedOut = listener;
}

/** Told by readers that do their own fetch (the event stream). */
export function signedOut(): void {
  whenSignedOut();
}

async function request<T>(method: Method, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? { Accept: 'application/json' } : { Accept: 'application/json', 'Content-Type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT)
  }).catch((thrown: unknown) => {
    throw problemFrom(thrown);
  });
  const text = await response.text().catch(() => '');
  const parsed = text ? parse(text) : undefined;
  if (response.ok) return parsed as T;
  const problem = problemOf(response.status, parsed);
  if (response.status === 401 && problem.code !== 'account_required' && path !== '/api/session') whenSignedOut();
  throw problem;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

export const api = {
  setupState: () => request<{ state: 'open' | 'done' }>('GET', '/api/setup'),
  setUp: (body: { token: string; username: string; password: string; display_name: string }) =>
    request<Session>('POST', '/api/setup', body),
  session: () => request<Session>('GET', '/api/session'),
  signIn: (body: { username: string; password: string }) => request<Session>('POST', '/api/session', body),
  signOut: () => request<void>('DELETE', '/api/session'),

  connectors: () => request<Connector[]>('GET', '/api/connectors'),
  approveConnector: (id: string, digest: string) =>
    request<unknown>('POST', `/api/connectors/${encodeURIComponent(id)}/approve`, { digest }),

  accounts: () => request<Account[]>('GET', '/api/accounts'),
  account: (id: string) => request<Account>('GET', `/api/accounts/${id}`),
  connect: (body: {
    connector: string;
    name: string;
    settings: Record<string, unknown>;
    secrets: Record<string, string>;
  }) => request<Account>('POST', '/api/accounts', body),
  checkAccount: (id: string) => request<CheckReport>('POST', `/api/accounts/${id}/check`),
  removeAccount: (id: string) => request<void>('DELETE', `/api/accounts/${id}`),

  conversations: () => request<Conversation[]>('GET', '/api/conversations'),
  newConversation: () => request<Conversation>('POST', '/api/conversations', {}),
  conversation: (id: string) => request<History>('GET', `/api/conversations/${id}`),
  deleteConversation: (id: string) => request<void>('DELETE', `/api/conversations/${id}`),
  say: (id: string, text: string) => request<{ turn: string }>('POST', `/api/conversations/${id}/messages`, { text, zone: zone() }),
  stop: (id: string) => request<unknown>('POST', `/api/conversations/${id}/cancel`),
  retry: (id: string) => request<{ turn: string }>('POST', `/api/conversations/${id}/retry`),

  approvals: () => request<Approval[]>('GET', '/api/approvals?state=pending'),
  approval: (id: string) => request<Approval>('GET', `/api/approvals/${id}`),
  decide: (id: string, decision: 'approve' | 'deny', note?: string) =>
    request<Approval>('POST', `/api/approvals/${id}`, note ? { decision, note } : { decision }),

  ledger: (after: number | null, limit: number) =>
    request<LedgerPage>('GET', `/api/audit?newest=true&limit=${limit}${after === null ? '' : `&after=${after}`}`),
  verifyLedger: () => request<Verification>('GET', '/api/audit/verify'),
  proof: (index: number) => request<InclusionProof>('GET', `/api/audit/${index}/proof`),

  model: () => request<ModelSettings>('GET', '/api/model'),
  checkModel: (body: Omit<ModelDraft, 'window'>) => request<ModelCheck>('POST', '/api/model/check', body),
  saveModel: (body: ModelDraft) => request<unknown>('PUT', '/api/model', body),
  removeModel: () => request<void>('DELETE', '/api/model')
};

export { Problem, problemFrom };
