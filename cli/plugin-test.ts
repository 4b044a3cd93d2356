import { Command } from 'commander'
import { ledCountMax } from '../gen/layout.ts'
import { whole } from '../input/whole.ts'
import { findHome } from '../rpc/home.ts'
import { withActionOptions } from './action-options.ts'
import { withOperationOptions } from './operation-options.ts'
import { readSubject } from './plugin-subject.ts'
import { testCalled } from './plugin-test-called.ts'
import { givenOptions, type TestOptions } from './plugin-test-options.ts'
import { lapSeconds, testTicking } from './plugin-test-ticking.ts'

async function testPlugin(path: string, options: TestOptions, command: Command): Promise<void> {
  const subject = await readSubject(path, findHome(process.env).pluginDir)
  const test = subject.manifest.onCall === null ? testTicking : testCalled
  await test(subject, options, givenOptions(command))
}

/** `wheelctl plugin test` */
export function testPluginCommand(): Command {
  const command = new Command('test')
    .description('run a Safe plugin in the sandbox, without a rig; exit code 1 when it does what it must not')
    .argument(
      '<plugin>',
      'its directory, or the manifest or the .wasm file in it; or the name or id of an installed one',
    )
    .option('--json', 'for programs')
    .option(
      '--input <file>',
      `frames of telemetry: a JSON array, or JSON lines (default: ${lapSeconds} s of a built-in lap); for a preprocessor what goes in, - for stdin`,
    )
  command
    .optionsGroup('Of a plugin that runs at a rate:')
    .option('--leds <count>', 'LEDs of the rim', whole(1, ledCountMax), 15)
    .option('--ticks', 'print each tick')
  withActionOptions(
    command.optionsGroup('Of an action:').option('--action <name>', 'the action, as the plugin calls it'),
  )
  withOperationOptions(
    command
      .optionsGroup('Of a preprocessor:')
      .option('--output <file>', 'where what comes out is written, when the plugin returns 0'),
  )
  return command.action(testPlugin)
}
