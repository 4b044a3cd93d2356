// Everything that a plugin in AssemblyScript needs to speak openracing-sdk-1.

export { alloc, dealloc, Op, openracing_abi, Result } from './abi'
export { readNumber } from './config'
export {
  checkCapability,
  logDebug,
  logError,
  logInfo,
  logWarn,
  receiveMessage,
  sendMessage,
  setCustomCount,
  setCustomData,
  timestampUs,
} from './host'
export { Http, httpClose, httpGet, httpHeader, httpRead, httpRequest, httpStatus, httpText, udpSend } from './http'
export { Context, Flag, LedFrame, TelemetryFrame } from './telemetry'
