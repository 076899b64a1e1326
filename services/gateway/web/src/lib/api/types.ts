import type { components } from './schema';

/** The wire shapes of the gateway's HTTP API, named as the screens use them; `npm run api` makes them anew. */
type Schemas = components['schemas'];

export type Accepted = Schemas['Accepted'];
export type Account = Schemas['Account'];
export type AccountDraft = Schemas['AccountDraft'];
export type AuthorizeDraft = Schemas['AuthorizeDraft'];
export type Approval = Schemas['Approval'];
export type Authorizing = Schemas['Authorizing'];
export type CallView = Schemas['CallView'];
export type CallState = CallView['state'];
export type CheckReport = Schemas['CheckReport'];
export type CheckStep = Schemas['CheckStep'];
export type Command = Schemas['Command'];
export type CommandDraft = Schemas['CommandDraft'];
export type CommandNote = Schemas['CommandNote'];
export type Connector = Schemas['Connector'];
export type Conversation = Schemas['Conversation'];
export type ConversationState = Conversation['state'];
export type Effect = CallView['effect'];
export type FoundServer = Schemas['FoundServer'];
export type History = Schemas['History'];
export type LedgerEntry = Schemas['LedgerEntry'];
export type LedgerPage = Schemas['Ledger'];
export type HouseLimitsDraft = Schemas['HouseLimitsDraft'];
export type Limits = Schemas['Limits'];
export type LimitsDraft = Schemas['LimitsDraft'];
export type Left = Schemas['Left'];
export type LeftDay = Schemas['LeftDay'];
export type LeftEntry = Schemas['LeftEntry'];
export type LeftSource = Schemas['LeftSource'];
export type LeftTraffic = Schemas['LeftTraffic'];
export type Memory = Schemas['Memory'];
export type MemoryChange = Schemas['MemoryChange'];
export type MemoryDraft = Schemas['MemoryDraft'];
export type Message = Schemas['Message'];
export type ModelCheck = Schemas['ModelCheck'];
export type ModelDraft = Schemas['ModelDraft'];
export type ModelPrice = Schemas['ModelPrice'];
export type ModelSettings = Schemas['ModelSettings'];
export type ModelTools = Schemas['ModelTools'];
export type NewToken = Schemas['NewToken'];
export type OAuthClient = Schemas['OAuthClient'];
export type OAuthClientDraft = Schemas['OAuthClientDraft'];
export type OutsideSource = Schemas['PreviewSource'];
export type Period = Schemas['Period'];
export type PriceDraft = Schemas['PriceDraft'];
export type Reach = LeftTraffic['reach'];
export type Receipt = Schemas['Receipt'];
export type RemovedAccount = Schemas['RemovedAccount'];
export type Rule = Schemas['Rule'];
export type RuleDraft = Schemas['RuleDraft'];
export type Schedule = Schemas['Schedule'];
export type ScheduleDraft = Schemas['ScheduleDraft'];
export type ScheduleProposal = Schemas['ScheduleProposal'];
export type Session = Schemas['Session'];
export type SetupDraft = Schemas['SetupDraft'];
export type Sync = Schemas['Sync'];
export type Token = Schemas['Token'];
export type TokenDraft = Schemas['TokenDraft'];
export type TokenScope = Token['scopes'][number];
export type TreeHead = Schemas['TreeHead'];
export type Usage = Schemas['Usage'];
export type UsageRow = Schemas['UsageRow'];
export type Verification = Schemas['Verification'];

/** An inclusion proof (RFC 9162); hashes are hex. The document leaves its shape open. */
export interface InclusionProof {
  index: number;
  leaf: string;
  path: string[];
  head: { size: number; root: string };
}
