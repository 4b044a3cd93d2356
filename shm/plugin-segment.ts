import { addon } from '../native/addon.ts'
import { openShared } from './shared-file.ts'

/** Creates the shared memory of one plugin process: a report and two rings, as native/rig.h lays them out. */
export const createPluginSegment = (path: string): void => openShared(path, () => addon.pluginSegmentCreate(path))
