import type { Role } from './peer.ts'

/**
 * The least role that each method of the host needs. A method that is not here nobody may call: a test holds the table to
 * the contracts. What can be done with a plugin in the chain, or with force on the wheel, is for operators; what brings
 * code onto the rig, or lets it do more, is for admins. Whoever sees a danger may stop the wheel.
 */
const hostRoles: Readonly<Record<string, Readonly<Record<string, Role>>>> = {
  AuditService: { ListAuditEntries: 'viewer', VerifyAuditLog: 'viewer' },
  ChainService: {
    ListChain: 'viewer',
    SetChainOrder: 'operator',
    MoveInChain: 'operator',
    RemoveFromChain: 'operator',
    ReloadInChain: 'admin', // also a plugin that was stopped for its key
  },
  KeyService: {
    ListKeys: 'viewer',
    ExportKeys: 'viewer',
    AddKey: 'admin',
    DistrustKey: 'admin',
    RemoveKey: 'admin',
    ImportKeys: 'admin',
  },
  PluginHistoryService: { GetPluginStatistics: 'viewer', ListPluginHistory: 'viewer' },
  PluginInstallService: { InstallPlugin: 'admin', UninstallPlugin: 'admin', RollbackPlugin: 'admin' },
  PluginService: {
    ListPlugins: 'viewer',
    GetPlugin: 'viewer',
    ExecuteAction: 'operator',
    ProcessInput: 'operator',
    SetPluginGoal: 'admin',
    ReloadPlugin: 'admin',
    GrantCapability: 'admin',
    RevokeCapability: 'admin',
  },
  QuarantineService: { ListQuarantined: 'viewer', GetConduct: 'viewer', ReleasePlugin: 'admin' },
  RigService: {
    GetRig: 'viewer',
    WatchRig: 'viewer',
    WatchLoop: 'viewer',
    WatchLeds: 'viewer',
    EngageEstop: 'viewer',
    ClearEstop: 'operator',
  },
  SupervisorService: { ListServices: 'viewer', SetLogLevel: 'operator', RestartService: 'admin' },
  TelemetryService: { GetLatestTelemetry: 'viewer', WatchTelemetry: 'viewer', PublishTelemetry: 'operator' },
}

/** Methods of other packages, which every service answers. */
const commonRoles: Readonly<Record<string, Role>> = {
  '/grpc.health.v1.Health/Check': 'viewer',
  '/grpc.health.v1.Health/Watch': 'viewer',
  '/grpc.health.v1.Health/List': 'viewer',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': 'viewer',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo': 'viewer',
}

/** By path, `/openracing.v1.RigService/GetRig`. */
export const methodRoles: ReadonlyMap<string, Role> = new Map([
  ...Object.entries(commonRoles),
  ...Object.entries(hostRoles).flatMap(([service, methods]) =>
    Object.entries(methods).map(([method, role]) => [`/openracing.v1.${service}/${method}`, role] as const),
  ),
])

/** The services of the rig's inside: the host alone calls them, over their Unix sockets. */
export const innerServices: readonly string[] = ['DspHelperService', 'LogService', 'TrustService', 'WasmRunnerService']

/** What a method needs; one of the inside an admin, who has its socket. */
export function roleOf(path: string): Role {
  return methodRoles.get(path) ?? 'admin'
}
