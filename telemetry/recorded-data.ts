import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

// For tests: the real recordings, which lie beside the repository and not in it.

export type RecordedName =
  | 'telemetry/forza_dash_lap.bin.gz'
  | 'telemetry/gt7_demo_368.gtz'
  | 'ffb/itelem_amg_spielberg.ibt.gz'

export const recordedPath = (name: RecordedName): string =>
  fileURLToPath(new URL(`../../shared/data/${name}`, import.meta.url))

/** What `node:test` takes as `skip`: a reason where the recording is absent. */
export const skipWithout = (name: RecordedName): string | false =>
  existsSync(recordedPath(name)) ? false : `the recording ../shared/data/${name} is not there`

export const recordedBytes = (name: RecordedName): Uint8Array => gunzipSync(readFileSync(recordedPath(name)))
