import createClient from 'openapi-fetch';
import { Problem, problemFrom, problemOf } from './problem';
import type { paths } from './schema';
import type {
  Accepted,
  AccountDraft,
  AuthorizeDraft,
  Conversation,
  ConversationChange,
  DataExportDraft,
  DataImportKeys,
  HouseLimitsDraft,
  InclusionProof,
  JoinDraft,
  KeepRule,
  KeyRotationDraft,
  LimitsDraft,
  LoanDraft,
  LookSource,
  MemoryChange,
  MemoryDraft,
  ModelDraft,
  NoticeBrowserDraft,
  NoticesDraft,
  OAuthClientDraft,
  PartChoice,
  PasskeyMade,
  PasskeyUsed,
  PriceDraft,
  RouteDraft,
  RuleDraft,
  ScheduleDraft,
  SetupDraft,
  SignInProviderDraft,
  TokenDraft
} from './types';

const TIMEOUT = 90_000;

const client = createClient<paths>({
  fetch: (request) => fetch(request, { signal: AbortSignal.timeout(TIMEOUT) })
});

let whenSignedOut: () => void = () => {};

/** Called whenever an answer says that the session is over; the shell goes to the login with it. */
export function onSignedOut(listener: () => void): void {
  whenSignedOut = listener;
}

/** Told by readers that do their own fetch (the event stream). */
export function signedOut(): void {
  whenSignedOut();
}

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What was asked for; throws a `Problem` for every other answer, and for none. */
async function of<T>(asked: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await asked.catch((thrown: unknown) => {
    throw problemFrom(thrown);
  });
  if (response.ok) return data as T;
  const problem = problemOf(response.status, error);
  if (problem.code === 'sign_in_required' && !response.url.endsWith('/api/session')) whenSignedOut();
  throw problem;
}

/** Where the page that follows begins, from the header `Link` (RFC 8288). */
const following = (response: Response): string | null => {
  const address = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
  return address ? new URL(address, location.origin).searchParams.get('after') : null;
};

export interface ConversationPage {
  items: Conversation[];
  next: string | null;
}

export interface ConversationFilter {
  archived?: boolean;
  pinned?: boolean;
  label?: string;
  limit?: number;
  after?: string;
}

const zone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
const account = (id: string) => ({ params: { path: { account: id } } });
const approval = (id: string) => ({ params: { path: { approval: id } } });
type Fresh = { password?: string };
const person = (id: string) => ({ params: { path: { person: id } } });
const schedule = (id: string) => ({ params: { path: { schedule: id } } });
const whom = ({ connector, account }: LookSource) => ({ connector, account, zone: zone() });
const conversation = (id: string) => ({ params: { path: { conversation: id } } });
const inConversation = (id: string, message: string) => ({ params: { path: { conversation: id, message } } });

export const api = {
  setupState: () => of(client.GET('/api/setup')),
  setUp: (body: SetupDraft) => of(client.POST('/api/setup', { body })),
  session: () => of(client.GET('/api/session')),
  signIn: (body: { username: string; password: string; code?: string }) => of(client.POST('/api/session', { body })),
  signOut: () => of(client.DELETE('/api/session')),
  sessions: () => of(client.GET('/api/sessions')),
  endSession: (session: string) =>
    of(client.DELETE('/api/sessions/{session_id}', { params: { path: { session_id: session } } })),
  security: () => of(client.GET('/api/security')),
  beginCodes: (password: string | null) => of(client.POST('/api/security/codes', { body: { password } })),
  confirmCodes: (code: string) => of(client.POST('/api/security/codes/confirm', { body: { code } })),
  renewRecovery: (body: Fresh) => of(client.POST('/api/security/codes/recovery', { body })),
  beginPasskey: (password: string | null) => of(client.POST('/api/security/passkeys/begin', { body: { password } })),
  addPasskey: (id: string, name: string, credential: PasskeyMade) =>
    of(client.POST('/api/security/passkeys', { body: { id, name, credential } })),
  renamePasskey: (passkey: string, name: string) =>
    of(client.PATCH('/api/security/passkeys/{passkey}', { params: { path: { passkey } }, body: { name } })),
  removePasskey: (passkey: string, body: Fresh) =>
    of(client.POST('/api/security/passkeys/{passkey}/remove', { params: { path: { passkey } }, body })),
  askForPasskey: () => of(client.POST('/api/security/passkeys/again')),
  proveByPasskey: (id: string, credential: PasskeyUsed) =>
    of(client.POST('/api/security/passkeys/proved', { body: { id, credential } })),
  enterByPasskey: () => of(client.POST('/api/passkeys/enter')),
  enteredByPasskey: (id: string, credential: PasskeyUsed) =>
    of(client.POST('/api/passkeys/entered', { body: { id, credential } })),
  endCodes: (password: string) => of(client.POST('/api/security/codes/off', { body: { password } })),

  house: () => of(client.GET('/api/house')),
  owners: () => of(client.GET('/api/house/owners')),
  people: () => of(client.GET('/api/people')),
  invitations: () => of(client.GET('/api/people/invitations')),
  invite: (body: { label: string; days: number; password?: string }) => of(client.POST('/api/people/invitations', { body })),
  revokeInvitation: (invitation: string) =>
    of(client.DELETE('/api/people/invitations/{invitation}', { params: { path: { invitation } } })),
  setRole: (id: string, body: { role: 'owner' | 'member'; password?: string }) =>
    of(client.PUT('/api/people/{person}/role', { ...person(id), body })),
  handOver: (id: string, body: Fresh) => of(client.POST('/api/people/{person}/hand-over', { ...person(id), body })),
  suspend: (id: string, body: Fresh) => of(client.POST('/api/people/{person}/suspend', { ...person(id), body })),
  resume: (id: string, body: Fresh) => of(client.POST('/api/people/{person}/resume', { ...person(id), body })),
  announceRemoval: (id: string, body: Fresh) => of(client.POST('/api/people/{person}/removal', { ...person(id), body })),
  keepPerson: (id: string, body: Fresh) => of(client.POST('/api/people/{person}/keep', { ...person(id), body })),
  offerReset: (id: string, body: Fresh & { factors: boolean }) => of(client.POST('/api/people/{person}/reset', { ...person(id), body })),
  lookAtLink: (token: string) => of(client.POST('/api/join/look', { body: { token } })),
  join: (body: JoinDraft) => of(client.POST('/api/join', { body })),
  resetPassword: (token: string, password: string, code: string | null) =>
    of(client.POST('/api/join/reset', { body: { token, password, code } })),
  changePassword: (password: string, fresh: string) => of(client.PUT('/api/password', { body: { password, new: fresh } })),
  told: () => of(client.GET('/api/told')),
  agreeTo: (word: string) => of(client.POST('/api/told/{word}/agree', { params: { path: { word } } })),
  waveAway: (word: string) => of(client.DELETE('/api/told/{word}', { params: { path: { word } } })),
  signInWays: () => of(client.GET('/api/openid')),
  enter: (provider: string) => of(client.POST('/api/openid/enter', { body: { provider } })),
  entered: (address: string, key: string, ofAge: boolean) =>
    of(client.POST('/api/openid/entered', { body: { address, key, of_age: ofAge } })),
  ownWays: () => of(client.GET('/api/openid/mine')),
  linkWay: (provider: string, password: string | null) =>
    of(client.POST('/api/openid/link', { body: { provider, password } })),
  unlinkWay: (link: string) => of(client.DELETE('/api/openid/links/{link_id}', { params: { path: { link_id: link } } })),
  signInAgain: (provider: string | null) => of(client.POST('/api/openid/again', { body: { provider } })),
  returned: (address: string) => of(client.POST('/api/openid/returned', { body: { address } })),
  signInProviders: () => of(client.GET('/api/openid/providers')),
  keepSignInProvider: (id: string | null, body: SignInProviderDraft) =>
    id === null
      ? of(client.POST('/api/openid/providers', { body }))
      : of(client.PUT('/api/openid/providers/{sign_in}', { params: { path: { sign_in: id } }, body })),
  forgetSignInProvider: (id: string) =>
    of(client.DELETE('/api/openid/providers/{sign_in}', { params: { path: { sign_in: id } } })),

  tokens: () => of(client.GET('/api/tokens')),
  makeToken: (body: TokenDraft) => of(client.POST('/api/tokens', { body })),
  revokeToken: (token: string) => of(client.DELETE('/api/tokens/{token}', { params: { path: { token } } })),

  holdings: () => of(client.GET('/api/data')),
  dataExport: () => of(client.GET('/api/data/export')),
  makeDataExport: (body: DataExportDraft) => of(client.POST('/api/data/export', { body })),
  dropDataExport: (move: string) => of(client.DELETE('/api/data/export/{move}', { params: { path: { move } } })),
  dataImport: () => of(client.GET('/api/data/import')),
  beginDataImport: (size: number) => of(client.POST('/api/data/import', { body: { size } })),
  /** The bytes from `offset` on; the answer says how many are there then. */
  sendDataImport: (move: string, offset: number, part: Blob) =>
    of(
      client.PUT('/api/data/import/{move}/content', {
        params: { path: { move }, query: { offset } },
        headers: { 'Content-Type': 'application/octet-stream' },
        body: part as unknown as string,
        bodySerializer: (body) => body
      })
    ),
  startDataImport: (move: string, body: DataImportKeys) =>
    of(client.POST('/api/data/import/{move}/start', { params: { path: { move } }, body })),
  dropDataImport: (move: string) => of(client.DELETE('/api/data/import/{move}', { params: { path: { move } } })),
  erase: (password: string) => of(client.POST('/api/data/erase', { body: { password } })),
  keep: () => of(client.GET('/api/data/keep')),
  previewKeep: (rules: KeepRule[]) => of(client.POST('/api/data/keep/preview', { body: { rules } })),
  chooseKeep: (rules: KeepRule[]) => of(client.PUT('/api/data/keep', { body: { rules } })),
  erasing: () => of(client.GET('/api/data/erasing')),
  previewErasing: (part: PartChoice) => of(client.POST('/api/data/erasing/preview', { body: { part } })),
  erasePart: (part: PartChoice, password: string) => of(client.POST('/api/data/erasing', { body: { part, password } })),
  eraseHouse: (password: string, confirm: string) => of(client.POST('/api/data/house/erase', { body: { password, confirm } })),
  roomGone: (room: string, password: string) =>
    of(client.POST('/api/data/rooms/{room}/gone', { params: { path: { room } }, body: { password } })),

  keys: () => of(client.GET('/api/keys')),
  rotateKeys: (body: KeyRotationDraft) => of(client.POST('/api/keys/rotate', { body })),

  health: () => of(client.GET('/api/health')),
  rooms: () => of(client.GET('/api/rooms')),
  copies: () => of(client.GET('/api/copies')),
  connectors: () => of(client.GET('/api/connectors')),
  approveConnector: (connector: string, digest: string) =>
    of(client.POST('/api/connectors/{connector}/approve', { params: { path: { connector } }, body: { digest } })),

  accounts: () => of(client.GET('/api/accounts')),
  account: (id: string) => of(client.GET('/api/accounts/{account}', account(id))),
  connect: (body: AccountDraft) => of(client.POST('/api/accounts', { body })),
  checkAccount: (id: string) => of(client.POST('/api/accounts/{account}/check', account(id))),
  holdAccount: (id: string, seconds: number | null) => of(client.PUT('/api/accounts/{account}/hold', { ...account(id), body: { seconds } })),
  /** Another address for its provider to send to; the one before leads nowhere from then on. */
  newHook: (id: string) => of(client.POST('/api/accounts/{account}/hook', account(id))),
  removeAccount: (id: string) => of(client.DELETE('/api/accounts/{account}', account(id))),

  oauthClients: () => of(client.GET('/api/oauth/clients')),
  keepOAuthClient: (provider: string, body: OAuthClientDraft) =>
    of(client.PUT('/api/oauth/clients/{provider}', { params: { path: { provider } }, body })),
  authorize: (body: AuthorizeDraft) => of(client.POST('/api/oauth/authorize', { body })),
  finishSignIn: (address: string) => of(client.POST('/api/oauth/finish', { body: { address } })),
  pollSignIn: (flow: string) => of(client.POST('/api/oauth/{flow}/poll', { params: { path: { flow } } })),

  routes: () => of(client.GET('/api/routes')),
  /** `source` is an account's id or `own`. */
  chooseRoute: (source: string, body: RouteDraft) => of(client.PUT('/api/routes/{source}', { params: { path: { source } }, body })),

  /** All of them. */
  conversations: () => of(client.GET('/api/conversations')),
  conversationPage: async (query: ConversationFilter): Promise<ConversationPage> => {
    const asked = client.GET('/api/conversations', { params: { query } });
    return { items: await of(asked), next: following((await asked).response) };
  },
  labels: () => of(client.GET('/api/conversations/labels')),
  /** Messages with all these words; `before` is `next` of the page before. */
  search: (sought: string, before: number | null = null, limit = 20) =>
    of(client.GET('/api/conversations/search', { params: { query: { words: sought, limit, ...(before === null ? {} : { before }) } } })),
  changeConversation: (id: string, body: ConversationChange) =>
    of(client.PATCH('/api/conversations/{conversation}', { ...conversation(id), body })),
  newConversation: () => of(client.POST('/api/conversations', { body: {} })),
  conversation: (id: string) => of(client.GET('/api/conversations/{conversation}', conversation(id))),
  /** With `memories` what is remembered from it is forgotten too. */
  deleteConversation: (id: string, memories = false) =>
    of(client.DELETE('/api/conversations/{conversation}', { params: { path: { conversation: id }, query: { memories } } })),
  say: (id: string, text: string, files: string[] = []) =>
    of(
      client.POST('/api/conversations/{conversation}/messages', {
        ...conversation(id),
        headers: { Accept: 'application/json' },
        body: { text, zone: zone(), files }
      }) as Promise<Answer<Accepted>>
    ),
  /** Takes back a file that was not sent with a message. */
  dropFile: (file: string) => of(client.DELETE('/api/files/{file}', { params: { path: { file } } })),
  receipts: (id: string) => of(client.GET('/api/conversations/{conversation}/receipts', conversation(id))),
  commands: () => of(client.GET('/api/commands', { params: { query: { zone: zone() } } })),
  command: (id: string, command: string, fields: Record<string, unknown>) =>
    of(
      client.POST('/api/conversations/{conversation}/commands', {
        ...conversation(id),
        headers: { Accept: 'application/json' },
        body: { command, fields, zone: zone() }
      }) as Promise<Answer<Accepted>>
    ),
  /** Which accounts answer a command that only looks. */
  lookSources: (command: string) => of(client.GET('/api/looks/{command}', { params: { path: { command } } })),
  look: (command: string, source: LookSource, fields: Record<string, unknown>) =>
    of(client.POST('/api/looks/{command}', { params: { path: { command } }, body: { ...whom(source), fields } })),
  /** Changes what was opened, in a conversation. */
  change: (id: string, command: string, source: LookSource, key: string, changed: { fields: Record<string, unknown>; removed: string[] }) =>
    of(
      client.POST('/api/conversations/{conversation}/changes', {
        ...conversation(id),
        headers: { Accept: 'application/json' },
        body: { ...whom(source), command, key, ...changed }
      }) as Promise<Answer<Accepted>>
    ),
  lookInto: (command: string, source: LookSource, key: string) =>
    of(client.POST('/api/looks/{command}/open', { params: { path: { command } }, body: { ...whom(source), key } })),
  undo: (id: string, call: string) =>
    of(
      client.POST('/api/conversations/{conversation}/calls/{call}/undo', {
        params: { path: { conversation: id, call }, query: { zone: zone() } },
        headers: { Accept: 'application/json' }
      }) as Promise<Answer<Accepted>>
    ),
  stop: (id: string) => of(client.POST('/api/conversations/{conversation}/cancel', conversation(id))),
  retry: (id: string) => of(client.POST('/api/conversations/{conversation}/retry', conversation(id))),
  retryMessage: (id: string, message: string) =>
    of(client.POST('/api/conversations/{conversation}/messages/{message}/retry', inConversation(id, message))),
  editMessage: (id: string, message: string, text: string) =>
    of(
      client.POST('/api/conversations/{conversation}/messages/{message}/edit', {
        ...inConversation(id, message),
        headers: { Accept: 'application/json' },
        body: { text, zone: zone() }
      }) as Promise<Answer<Accepted>>
    ),
  showMessage: (id: string, message: string) =>
    of(client.POST('/api/conversations/{conversation}/messages/{message}/show', inConversation(id, message))),

  approvals: () => of(client.GET('/api/approvals', { params: { query: { state: 'pending' } } })),
  approval: (id: string) => of(client.GET('/api/approvals/{approval}', approval(id))),
  /** `seen` is the digest of the preview that was looked at. */
  decide: (id: string, decision: 'approve' | 'deny', note: string, seen: string | null) =>
    of(client.POST('/api/approvals/{approval}', { ...approval(id), body: { decision, note, seen } })),
  approvalForm: (id: string) => of(client.GET('/api/approvals/{approval}/form', approval(id))),
  editApproval: (id: string, args: Record<string, unknown>, seen: string) =>
    of(client.PUT('/api/approvals/{approval}/arguments', { ...approval(id), body: { arguments: args, seen } })),

  outcomes: () => of(client.GET('/api/outcomes')),
  settle: (call: string, says: 'done' | 'not_done' | 'look') =>
    of(client.POST('/api/outcomes/{call}', { params: { path: { call } }, body: { says } })),
  again: (call: string) => of(client.POST('/api/outcomes/{call}/again', { params: { path: { call }, query: { zone: zone() } } })),

  notices: () => of(client.GET('/api/notices')),
  chooseNotices: (body: NoticesDraft) => of(client.PUT('/api/notices', { body })),
  addBrowser: (body: NoticeBrowserDraft) => of(client.POST('/api/notices/browsers', { body })),
  removeBrowser: (browser: string) => of(client.DELETE('/api/notices/browsers/{browser}', { params: { path: { browser } } })),
  mailMyself: (account: string, password: string | null) => of(client.PUT('/api/notices/mail', { body: { account, password } })),
  dropMail: () => of(client.DELETE('/api/notices/mail')),
  here: () => of(client.POST('/api/notices/here')),
  openLink: (token: string) => of(client.POST('/api/notices/open', { body: { token } })),

  undoable: () => of(client.GET('/api/undoable')),
  takeBack: (call: string) => of(client.POST('/api/undoable/{call}', { params: { path: { call }, query: { zone: zone() } } })),

  loans: () => of(client.GET('/api/loans')),
  lend: (body: LoanDraft) => of(client.POST('/api/loans', { body })),
  acceptLoan: (loan: string, name: string) => of(client.POST('/api/loans/{loan}/accept', { params: { path: { loan } }, body: { name } })),
  endLoan: (loan: string) => of(client.DELETE('/api/loans/{loan}', { params: { path: { loan } } })),
  accountParts: (account: string) => of(client.GET('/api/accounts/{account}/parts', { params: { path: { account } } })),

  rules: () => of(client.GET('/api/rules')),
  makeRule: (body: RuleDraft) => of(client.POST('/api/rules', { body })),
  revokeRule: (rule: string) => of(client.DELETE('/api/rules/{rule}', { params: { path: { rule } } })),

  schedules: () => of(client.GET('/api/schedules')),
  makeSchedule: (body: ScheduleDraft) => of(client.POST('/api/schedules', { body })),
  changeSchedule: (id: string, body: ScheduleDraft) => of(client.PUT('/api/schedules/{schedule}', { ...schedule(id), body })),
  scheduleTimes: (body: { starts: string; zone: string; rule: string | null }) =>
    of(client.POST('/api/schedules/times', { body })),
  pauseSchedule: (id: string) => of(client.POST('/api/schedules/{schedule}/pause', schedule(id))),
  resumeSchedule: (id: string) => of(client.POST('/api/schedules/{schedule}/resume', schedule(id))),
  runSchedule: (id: string) => of(client.POST('/api/schedules/{schedule}/run', schedule(id))),
  endSchedule: (id: string) => of(client.DELETE('/api/schedules/{schedule}', schedule(id))),
  scheduleProposals: () => of(client.GET('/api/schedules/proposals')),
  dismissProposal: (proposal: string) =>
    of(client.DELETE('/api/schedules/proposals/{proposal}', { params: { path: { proposal } } })),

  memories: (words: string) => of(client.GET('/api/memories', { params: { query: { words } } })),
  addMemory: (body: MemoryDraft) => of(client.POST('/api/memories', { body })),
  changeMemory: (memory: string, body: MemoryChange) =>
    of(client.PUT('/api/memories/{memory}', { params: { path: { memory } }, body })),
  forgetMemory: (memory: string) => of(client.DELETE('/api/memories/{memory}', { params: { path: { memory } } })),

  /** The newest entries first; `before` is the index to go on from. */
  ledger: (
    before: number | null,
    limit: number,
    { action, connector, search }: { action: string; connector: string; search: string }
  ) =>
    of(
      client.GET('/api/audit', {
        params: {
          query: {
            newest: true,
            limit,
            ...(before === null ? {} : { after: before }),
            ...(action ? { action } : {}),
            ...(search ? { search } : {}),
            ...(connector ? { connector } : {})
          }
        }
      })
    ),
  verifyLedger: () => of(client.GET('/api/audit/verify')),
  proof: (index: number) =>
    of(client.GET('/api/audit/{index}/proof', { params: { path: { index } } }) as Promise<Answer<InclusionProof>>),

  /** What left from one day to another, by the days of this clock. */
  left: (from: string, until: string) => of(client.GET('/api/left', { params: { query: { from, until, zone: zone() } } })),
  /** The records behind a day and a place, newest first; `before` is the index to go on from. */
  leftEntries: (day: string, { host, port }: { host: string; port: number }, before: number | null) =>
    of(client.GET('/api/left/entries', { params: { query: { day, host, port, zone: zone(), ...(before === null ? {} : { before }) } } })),
  leftOf: (id: string) => of(client.GET('/api/conversations/{conversation}/left', conversation(id))),

  model: () => of(client.GET('/api/model')),
  checkModel: (body: Omit<ModelDraft, 'window' | 'local'>) => of(client.POST('/api/model/check', { body })),
  saveModel: (body: ModelDraft) => of(client.PUT('/api/model', { body })),
  /** Null leaves it to what is known. */
  savePrice: (body: PriceDraft | null) => of(client.PUT('/api/model/price', { body })),
  testModel: () => of(client.POST('/api/model/test')),
  removeModel: () => of(client.DELETE('/api/model')),
  savePrivateModel: (body: ModelDraft) => of(client.PUT('/api/model/private', { body })),
  testPrivateModel: () => of(client.POST('/api/model/private/test')),
  removePrivateModel: () => of(client.DELETE('/api/model/private')),

  usage: (days: number) => of(client.GET('/api/usage', { params: { query: { days } } })),
  saveLimits: (body: LimitsDraft) => of(client.PUT('/api/usage/limits', { body })),
  saveHouseLimits: (body: HouseLimitsDraft) => of(client.PUT('/api/usage/limits/house', { body }))
};

export { Problem, problemFrom };
