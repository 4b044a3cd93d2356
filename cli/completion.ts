import { Argument, Command } from 'commander'

/** What may follow the words of a command: its subcommands, or its options. */
interface Node {
  /** `plugin list`; empty: of the program. */
  readonly path: string
  readonly words: readonly string[]
}

const rootOf = (command: Command): Command => (command.parent === null ? command : rootOf(command.parent))

function nodesOf(command: Command, path: readonly string[]): readonly Node[] {
  const options = command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? [])
  const subcommands = command.commands.map((each) => each.name())
  const words = [...subcommands, ...options, '--help']
  return [{ path: path.join(' '), words }, ...command.commands.flatMap((each) => nodesOf(each, [...path, each.name()]))]
}

/** Words of ours hold no character that a shell reads anything into. */
const quoted = (text: string): string => `'${text}'`

function bash(nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, words }) => `    ${quoted(path)}) words=${quoted(words.join(' '))} ;;`)
  return `_wheelctl() {
  local word path='' words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    [[ $word == -* ]] || path="\${path:+$path }$word"
  done
  while :; do
    case $path in
${cases.join('\n')}
    esac
    [[ -n $words || -z $path ]] && break
    [[ $path == *' '* ]] && path=\${path% *} || path=''
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _wheelctl wheelctl openracing-cli
`
}

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, words }) =>
    ['wheelctl', 'openracing-cli'].map(
      (name) => `complete -c ${name} -n "__wheelctl_at ${quoted(path)}" -a ${quoted(words.join(' '))}`,
    ),
  )
  return `function __wheelctl_at
  set -l words (commandline -opc)
  set -e words[1]
  test (string join ' ' (string match -v -- '-*' $words)) = $argv[1]
end
${lines.join('\n')}
`
}

const shells: Readonly<Record<string, (nodes: readonly Node[]) => string>> = {
  bash,
  zsh: (nodes) => `autoload -U +X bashcompinit && bashcompinit\n${bash(nodes)}`,
  fish,
}

/** `wheelctl completion SHELL`: a script for a shell that completes the words of wheelctl. */
export const completionCommand = (): Command =>
  new Command('completion')
    .description('a script that has a shell complete the words of wheelctl: `source <(wheelctl completion bash)`')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(shells)))
    .action((shell: string, _: object, command: Command) => {
      process.stdout.write(shells[shell]?.(nodesOf(rootOf(command), [])) ?? '')
    })
