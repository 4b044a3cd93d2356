import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { commandFile } from '../test/wheelctl.ts'

const script = (shell: string) => spawnSync(commandFile('wheelctl'), ['completion', shell], { encoding: 'utf8' })

const { stdout: bash } = script('bash')

/** What bash offers behind these words; the last one is being typed. */
function offered(...words: readonly string[]): readonly string[] {
  const program = `${bash}
COMP_WORDS=(wheelctl "$@")
COMP_CWORD=$#
_wheelctl
printf '%s\\n' "\${COMPREPLY[@]}"`
  return spawnSync('bash', ['-c', program, 'bash', ...words], { encoding: 'utf8', cwd: '/' })
    .stdout.trim()
    .split('\n')
}

test('bash completes commands, their subcommands and their options, also behind options and arguments', () => {
  assert.ok(['plugin', 'rig', 'trust', '--endpoint', '--context'].every((word) => offered('').includes(word)))
  assert.deepEqual(offered('plu'), ['plugin'])
  assert.deepEqual(offered('plugin', 'quar'), ['quarantine'])
  assert.deepEqual(offered('plugin', 'quarantine', 'l'), ['list'])
  assert.ok(offered('--json', 'plugin', 'install', '').includes('--force'))
  assert.deepEqual(offered('plugin', 'install', 'my.tgz', '--na'), ['--name'])
  assert.ok(offered('/etc/host').includes('/etc/hosts'), 'files, where nothing of ours begins so')
})

test('scripts for other shells are whole, and a shell that there is not is refused', (t) => {
  for (const shell of ['zsh', 'fish']) {
    const { stdout, status } = script(shell)
    assert.equal(status, 0)
    assert.match(stdout, /quarantine/)
    const parsed = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' })
    if (parsed.error !== undefined) t.diagnostic(`${shell} is not installed: its script was not parsed`)
    else assert.equal(parsed.status, 0, parsed.stderr)
  }
  const { status, stderr } = script('tcsh')
  assert.equal(status, 4)
  assert.match(stderr, /tcsh.*bash, zsh, fish/)
})
