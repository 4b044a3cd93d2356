import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { rigStatus as layout, chainMax } from '../../gen/layout.ts'
import type { FastPluginSpec } from '../../gen/proto/openracing/v1/dsp_helper.ts'
import { type LoopRecord, recordLoop, type Tick } from '../../test/loop-record.ts'
import { buildNativePlugin, fastPlugin } from '../../test/native-plugin.ts'
import { limits, near, type PlaneUnderTest, pluginOf, startPlane } from '../../test/plane.ts'
import { until } from '../../test/until.ts'

// What a driver feels while the chain is changed under 2 N·m: the torque goes from one chain's answer to the next one's,
// and no tick is missing.
